package storage

import (
	"context"
	"time"
)

// Page tells which part of a list is wanted. Lists are in the order of their
// identifiers, compared byte for byte. A page shorter than its limit is the last.
type Page struct {
	// After is the last identifier of the page before, or empty.
	After string
	// Limit is the most that is returned. If zero or negative, 100.
	Limit int
}

// Size is the most that a page holds.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return 100
	}
	return p.Limit
}

// ManagedClients adds, changes and lists clients. The endpoint does not use it: a
// store that the host fills in another way need not have it. So it is with
// [ManagedAPIKeys] and [Families]. Package storagetest tests them with RunManagement.
//
// UpdateClient disables a client and changes its secrets. The store answers a
// client that fails [Client.Check] with an outage, not with a verdict.
type ManagedClients interface {
	// CreateClient adds a client, or returns [ErrExists] if there is one with
	// its ID.
	CreateClient(ctx context.Context, c *Client) error

	// PutClient adds a client, or replaces the one with its ID. It overwrites
	// changes that others made since the caller read the client.
	PutClient(ctx context.Context, c *Client) error

	// UpdateClient changes a client as one step, or returns [ErrNotFound]. The
	// function gets a copy and changes it. The store may call it again, with a
	// new copy, if another caller changed the client in the meantime; it must
	// be quick and must not use the store. Its error ends UpdateClient, changes
	// nothing, and is returned as it is. It must not change the ID.
	UpdateClient(ctx context.Context, id string, change func(c *Client) error) error

	// ListClients returns clients, disabled ones too, by ascending ID.
	ListClients(ctx context.Context, p Page) ([]*Client, error)
}

// ManagedAPIKeys adds, lists, expires and revokes API keys. The subject of a key is its
// [APIKey.Owner]. The empty subject owns no key.
type ManagedAPIKeys interface {
	// CreateAPIKey adds a key, or returns [ErrExists] if there is one with its
	// digest or its ID. It refuses a key that lacks either.
	CreateAPIKey(ctx context.Context, k *APIKey) error

	// ListAPIKeysOfSubject returns the keys of a subject, revoked and expired
	// ones too, by ascending ID.
	ListAPIKeysOfSubject(ctx context.Context, subject string, p Page) ([]*APIKey, error)

	// ListAPIKeysOfClient returns the keys of a client, revoked and expired ones
	// too, by ascending ID.
	ListAPIKeysOfClient(ctx context.Context, clientID string, p Page) ([]*APIKey, error)

	// RevokeAPIKey revokes the subject's key with this ID. It returns
	// [ErrNotFound] if there is no such key and if the key belongs to another
	// subject, so a user learns and changes nothing by sending the ID of
	// another user's key. A key that is revoked already keeps its RevokedAt.
	// The zero time is refused, because it would revoke nothing. Refresh tokens
	// that rest on the key die with it.
	RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error

	// ExpireAPIKey sets the ExpiresAt of the subject's key with this ID to an
	// instant, for a key that has a successor. A key that ends sooner or is revoked
	// stays as it is. It returns [ErrNotFound] as RevokeAPIKey does, and refuses the
	// zero time, at which no key ends.
	ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error
}

// Family describes a live family: one of its credentials is neither spent nor
// revoked, and not expired, or it is a refresh token whose FamilyExpiresAt has not
// passed. A client that is registered with RefreshNotRotated since can still use such a
// token, and a store need not know the clients. A page of "connected apps" lists
// families. Families of a disabled client, or resting on a dead API key, are listed too.
type Family struct {
	// ID is the [Credential.Family] by which [Credentials.Revoke] ends it.
	ID string
	// ClientID, Subject, Scope and Audience are copied from its live
	// credential.
	ClientID, Subject string
	Scope, Audience   []string
	// IssuedAt is when its first credential was made.
	IssuedAt time.Time
	// LastUsedAt is when a code was last redeemed or a refresh token last
	// rotated, or zero. The use of a refresh token that is not rotated leaves
	// no trace.
	LastUsedAt time.Time
	// ExpiresAt is when it ends, unless it is used before. If it has passed, only a
	// client with RefreshNotRotated can still use the family.
	ExpiresAt time.Time
}

// Families lists and revokes the families of a subject. The methods that revoke
// refuse the empty subject.
type Families interface {
	// ListFamilies returns the families of a subject that live at an instant,
	// usually time.Now(), by ascending ID. A family with several live credentials
	// is returned once, as the credential that expires last.
	ListFamilies(ctx context.Context, subject string, at time.Time, p Page) ([]Family, error)

	// RevokeFamily revokes one family of a subject, as [Credentials.Revoke] does. It
	// returns [ErrNotFound] if there is no such family and if the family belongs to
	// another subject, so a user learns and changes nothing by sending the ID of
	// another user's family. A family that is revoked or spent already is no error.
	RevokeFamily(ctx context.Context, subject, family string) error

	// RevokeFamilies revokes every family of a subject, as
	// [Credentials.Revoke] revokes one. A family that is created while it runs
	// may survive.
	RevokeFamilies(ctx context.Context, subject string) error

	// RevokeFamiliesOfClient is RevokeFamilies for the families of one client.
	RevokeFamiliesOfClient(ctx context.Context, subject, clientID string) error

	// RevokeSubject ends everything of a subject: it revokes its API keys, as
	// [ManagedAPIKeys] does one, and its families. Access tokens live until they
	// expire. The zero time is refused.
	RevokeSubject(ctx context.Context, subject string, at time.Time) error
}
