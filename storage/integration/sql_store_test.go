package integration_test

import (
	"context"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// one opens one store for all rules of a suite.
func one(t *testing.T, s server, connections int) func(testing.TB) storagetest.Store {
	db := s.open(t)
	db.SetMaxOpenConns(connections)
	store := s.newStore(t, db)
	return func(testing.TB) storagetest.Store { return store }
}

func TestStore(t *testing.T) {
	onServers(t, func(t *testing.T, s server) { storagetest.Run(t, one(t, s, 16)) })
}

func TestStoreThroughOneConnection(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) { storagetest.Run(t, one(t, s, 1)) })
}

func TestManagement(t *testing.T) {
	for _, connections := range []int{16, 1} {
		onServers(t, func(t *testing.T, s server) {
			store := one(t, s, connections)(t).(storagetest.Management)
			storagetest.RunManagement(t, func(testing.TB) storagetest.Management { return store })
		})
	}
}

func TestSigningKeys(t *testing.T) {
	for _, connections := range []int{16, 1} {
		onServers(t, func(t *testing.T, s server) {
			store := one(t, s, connections)(t).(storage.SigningKeys)
			storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
		})
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) { endpointtest.Run(t, one(t, s, 16)) })
}

// cachedStore is a store whose clients are remembered, as in a process that changes its
// clients through the cache.
type cachedStore struct {
	storagetest.Store
	cache *clientcache.Cache
}

// Client implements [storage.Clients].
func (c cachedStore) Client(ctx context.Context, id string) (*storage.Client, error) {
	return c.cache.Client(ctx, id)
}

// PutClient implements [storagetest.Clients].
func (c cachedStore) PutClient(ctx context.Context, client *storage.Client) error {
	defer c.cache.Forget(client.ID)
	return c.Store.PutClient(ctx, client)
}

func oneCached(t *testing.T, s server) cachedStore {
	store := one(t, s, 16)(t)
	cache, err := clientcache.New(store, clientcache.Config{})
	must(t, "New", err)
	return cachedStore{store, cache}
}

func TestCachedClients(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		store := oneCached(t, s)
		storagetest.RunClients(t, func(testing.TB) storagetest.Clients { return store })
	})
}

func TestEndpointWithCachedClients(t *testing.T) {
	store := oneCached(t, on(t, sqlstore.Postgres))
	endpointtest.Run(t, func(testing.TB) storagetest.Store { return store })
}
