//go:build clusters

package main

import (
	"context"
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

// The rules of the endpoint, assertions that are good once among them, hold over four
// databases.
func TestSpreadUnderTheEndpoint(t *testing.T) {
	endpointtest.Run(t, func(testing.TB) storagetest.Store {
		return whole{new(memory.Store), Spread{new(memory.Store), new(memory.Store), new(memory.Store), new(memory.Store)}}
	})
}
