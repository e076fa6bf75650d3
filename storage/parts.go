package storage

import (
	"context"
	"errors"
	"time"
)

// Parts is a [Storage] put together from parts, for hosts that keep, say,
// clients in a configuration file and credentials in a database. A part may be
// nil if no grant needs it: tokenendpoint.New refuses the grants of package
// grants if their part is missing, and a call to a missing part returns an error
// that is an outage.
type Parts struct {
	Clients     Clients
	Credentials Credentials
	APIKeys     APIKeys
}

var _ Storage = Parts{}

var errMissing = errors.New("storage: this part of storage.Parts is nil")

// Client asks p.Clients.
func (p Parts) Client(ctx context.Context, id string) (*Client, error) {
	if p.Clients == nil {
		return nil, errMissing
	}
	return p.Clients.Client(ctx, id)
}

// CreateCredential asks p.Credentials.
func (p Parts) CreateCredential(ctx context.Context, c *Credential) error {
	if p.Credentials == nil {
		return errMissing
	}
	return p.Credentials.CreateCredential(ctx, c)
}

// Credential asks p.Credentials.
func (p Parts) Credential(ctx context.Context, d Digest) (*Credential, error) {
	if p.Credentials == nil {
		return nil, errMissing
	}
	return p.Credentials.Credential(ctx, d)
}

// Spend asks p.Credentials.
func (p Parts) Spend(ctx context.Context, old, next *Credential, at time.Time) error {
	if p.Credentials == nil {
		return errMissing
	}
	return p.Credentials.Spend(ctx, old, next, at)
}

// Revoke asks p.Credentials.
func (p Parts) Revoke(ctx context.Context, family string) error {
	if p.Credentials == nil {
		return errMissing
	}
	return p.Credentials.Revoke(ctx, family)
}

// APIKey asks p.APIKeys.
func (p Parts) APIKey(ctx context.Context, d Digest) (*APIKey, error) {
	if p.APIKeys == nil {
		return nil, errMissing
	}
	return p.APIKeys.APIKey(ctx, d)
}
