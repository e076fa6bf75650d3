//go:build clusters

package integration_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// byTurns asks the nodes by turns, so that no two calls that follow each other meet
// the same node. It embeds no store: a method that is forgotten here does not compile.
type byTurns struct {
	stores []*sqlstore.Store
	calls  atomic.Int64
}

func (b *byTurns) next() *sqlstore.Store { return b.stores[int(b.calls.Add(1))%len(b.stores)] }

func (b *byTurns) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	return b.next().APIKey(ctx, d)
}

func (b *byTurns) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	return b.next().CreateAPIKey(ctx, k)
}

func (b *byTurns) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return b.next().PutAPIKey(ctx, k)
}

func (b *byTurns) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	return b.next().RevokeAPIKey(ctx, subject, id, at)
}

func (b *byTurns) ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	return b.next().ExpireAPIKey(ctx, subject, id, at)
}

func (b *byTurns) ListAPIKeysOfClient(ctx context.Context, clientID string, p storage.Page) ([]*storage.APIKey, error) {
	return b.next().ListAPIKeysOfClient(ctx, clientID, p)
}

func (b *byTurns) ListAPIKeysOfSubject(ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
	return b.next().ListAPIKeysOfSubject(ctx, subject, p)
}

func (b *byTurns) Client(ctx context.Context, id string) (*storage.Client, error) {
	return b.next().Client(ctx, id)
}

func (b *byTurns) ListClients(ctx context.Context, p storage.Page) ([]*storage.Client, error) {
	return b.next().ListClients(ctx, p)
}

func (b *byTurns) CreateClient(ctx context.Context, c *storage.Client) error {
	return b.next().CreateClient(ctx, c)
}

func (b *byTurns) PutClient(ctx context.Context, c *storage.Client) error {
	return b.next().PutClient(ctx, c)
}

func (b *byTurns) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return b.next().CreateCredential(ctx, c)
}

func (b *byTurns) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return b.next().Credential(ctx, d)
}

func (b *byTurns) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.next().DeleteExpired(ctx, before, limit)
}

func (b *byTurns) ListFamilies(ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
	return b.next().ListFamilies(ctx, subject, at, p)
}

func (b *byTurns) RevokeFamily(ctx context.Context, subject, family string) error {
	return b.next().RevokeFamily(ctx, subject, family)
}

func (b *byTurns) RevokeFamilies(ctx context.Context, subject string) error {
	return b.next().RevokeFamilies(ctx, subject)
}

func (b *byTurns) RevokeFamiliesOfClient(ctx context.Context, subject, clientID string) error {
	return b.next().RevokeFamiliesOfClient(ctx, subject, clientID)
}

func (b *byTurns) RevokeSubject(ctx context.Context, subject string, at time.Time) error {
	return b.next().RevokeSubject(ctx, subject, at)
}

func (b *byTurns) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return b.next().RevokeToken(ctx, id, expiresAt)
}

func (b *byTurns) Revoked(ctx context.Context, id, family string) (bool, error) {
	return b.next().Revoked(ctx, id, family)
}

func (b *byTurns) Revoke(ctx context.Context, family string) error {
	return b.next().Revoke(ctx, family)
}

func (b *byTurns) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	return b.next().SigningKeys(ctx)
}

func (b *byTurns) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	return b.next().CreateSigningKey(ctx, k)
}

func (b *byTurns) DeleteSigningKey(ctx context.Context, turn int64) error {
	return b.next().DeleteSigningKey(ctx, turn)
}

func (b *byTurns) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return b.next().Spend(ctx, old, next, at)
}

func (b *byTurns) UpdateClient(ctx context.Context, id string, change func(c *storage.Client) error) error {
	return b.next().UpdateClient(ctx, id, change)
}
