package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// whole is a Spread with the clients and API keys of one store.
type whole struct {
	*memory.Store
	spread Spread
}

func (w whole) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return w.spread.CreateCredential(ctx, c)
}

func (w whole) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return w.spread.Credential(ctx, d)
}

func (w whole) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return w.spread.Spend(ctx, old, next, at)
}

func (w whole) Revoke(ctx context.Context, family string) error { return w.spread.Revoke(ctx, family) }

func (w whole) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return w.spread.RevokeToken(ctx, id, expiresAt)
}

func (w whole) Revoked(ctx context.Context, id, family string) (bool, error) {
	return w.spread.Revoked(ctx, id, family)
}

// four is a Spread over four stores.
func four() Spread {
	return Spread{new(memory.Store), new(memory.Store), new(memory.Store), new(memory.Store)}
}

// noticing is a Spread that notices that two families have one digest. A Spread does not,
// as the README says, and fails three rules of the suite.
type noticing struct {
	Spread
	families *sync.Map // by digest
}

func (n noticing) taken(c *storage.Credential) bool {
	family, _ := n.families.LoadOrStore(c.Digest, c.Family)
	return family != c.Family
}

func (n noticing) CreateCredential(ctx context.Context, c *storage.Credential) error {
	if n.taken(c) {
		return storage.ErrExists
	}
	return n.Spread.CreateCredential(ctx, c)
}

func (n noticing) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if next != nil && n.taken(next) {
		return storage.ErrExists
	}
	return n.Spread.Spend(ctx, old, next, at)
}

func TestSpreadIsAStore(t *testing.T) {
	storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return noticing{four(), new(sync.Map)} })
	storagetest.RunRevocations(t, func(testing.TB) storagetest.Revocations { return four() })
}

// The rules of the endpoint, assertions that are good once among them, hold over four
// databases.
func TestSpreadUnderTheEndpoint(t *testing.T) {
	open := func(testing.TB) storagetest.Store { return whole{new(memory.Store), four()} }
	endpointtest.Run(t, open)
	endpointtest.RunTimed(t, open)
}
