package clientcache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
)

func newEndpoint(store *sqlstore.Store, c tokenendpoint.Config) (*tokenendpoint.Handler, error) {
	clients, err := clientcache.New(store, clientcache.Config{Staleness: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	c.Storage = storage.Parts{Clients: clients, Credentials: store, APIKeys: store}
	return tokenendpoint.New(c)
}

func ExampleCache_Managed() {
	ctx, store := context.Background(), new(memory.Store)
	_ = store.PutClient(ctx, &storage.Client{ID: "billing"})
	clients, err := clientcache.New(store, clientcache.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func(when string) {
		c, err := clients.Client(ctx, "billing")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(when, c.Disabled)
	}
	show("registered:")
	disable := func(c *storage.Client) error { c.Disabled = true; return nil }
	_ = store.UpdateClient(ctx, "billing", disable) // as another process does it
	show("disabled elsewhere, seen within five seconds:")
	_ = clients.Managed(store).UpdateClient(ctx, "billing", disable)
	show("disabled here, seen at once:")
	// Output:
	// registered: false
	// disabled elsewhere, seen within five seconds: false
	// disabled here, seen at once: true
}
