package clientcache

import (
	"context"

	"github.com/contit/oauth/storage"
)

// Managed returns clients with the methods of a host's pages that forget, in c, each
// client that they create, replace or change, so that a change works at once in this
// process. Other processes see it within [Config.Staleness].
func (c *Cache) Managed(clients storage.ManagedClients) storage.ManagedClients {
	return managed{clients, c}
}

type managed struct {
	storage.ManagedClients // ListClients stays as it is
	cache                  *Cache
}

// CreateClient implements [storage.ManagedClients].
func (m managed) CreateClient(ctx context.Context, client *storage.Client) error {
	defer m.cache.Forget(client.ID)
	return m.ManagedClients.CreateClient(ctx, client)
}

// PutClient implements [storage.ManagedClients].
func (m managed) PutClient(ctx context.Context, client *storage.Client) error {
	defer m.cache.Forget(client.ID)
	return m.ManagedClients.PutClient(ctx, client)
}

// UpdateClient implements [storage.ManagedClients].
func (m managed) UpdateClient(ctx context.Context, id string, change func(c *storage.Client) error) error {
	defer m.cache.Forget(id)
	return m.ManagedClients.UpdateClient(ctx, id, change)
}
