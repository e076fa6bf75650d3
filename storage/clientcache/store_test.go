package clientcache_test

import (
	"context"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// cached is a store whose clients are remembered. A host's changes go through the cache,
// as in a process that changes its clients itself.
type cached struct {
	*memory.Store
	cache   *clientcache.Cache
	managed storage.ManagedClients
}

func newCached(t testing.TB) cached {
	t.Helper()
	store := new(memory.Store)
	cache := newCache(t, store, clientcache.Config{})
	return cached{store, cache, cache.Managed(store)}
}

// Client implements [storage.Clients].
func (c cached) Client(ctx context.Context, id string) (*storage.Client, error) {
	return c.cache.Client(ctx, id)
}

// CreateClient implements [storage.ManagedClients].
func (c cached) CreateClient(ctx context.Context, client *storage.Client) error {
	return c.managed.CreateClient(ctx, client)
}

// PutClient implements [storage.ManagedClients].
func (c cached) PutClient(ctx context.Context, client *storage.Client) error {
	return c.managed.PutClient(ctx, client)
}

// UpdateClient implements [storage.ManagedClients].
func (c cached) UpdateClient(ctx context.Context, id string, change func(*storage.Client) error) error {
	return c.managed.UpdateClient(ctx, id, change)
}

func newCache(t testing.TB, clients storage.Clients, c clientcache.Config) *clientcache.Cache {
	t.Helper()
	cache, err := clientcache.New(clients, c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return cache
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storagetest.Store { return newCached(t) })
}

func TestManagement(t *testing.T) {
	storagetest.RunManagement(t, func(t testing.TB) storagetest.Management { return newCached(t) })
}

func TestEndpoint(t *testing.T) {
	endpointtest.Run(t, func(t testing.TB) storagetest.Store { return newCached(t) })
}

func TestEndpointTimed(t *testing.T) {
	endpointtest.RunTimed(t, func(t testing.TB) storagetest.Store { return newCached(t) })
}
