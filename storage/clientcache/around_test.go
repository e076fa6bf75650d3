package clientcache_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
)

// TestServerMetadataPass has the clients of package clientmetadata inside and outside of
// a cache: the endpoint learns what they say for its metadata.
func TestServerMetadataPass(t *testing.T) {
	const member = "client_id_metadata_document_supported"
	documents := func(clients storage.Clients) storage.Clients {
		d, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Clients: clients, Bounds: clientmetadata.Bounds{Scope: []string{"read"}}})
		if err != nil {
			t.Fatalf("NewDocuments: %v", err)
		}
		return d
	}
	inside := newCache(t, documents(new(memory.Store)), clientcache.Config{})
	outside := documents(newCache(t, new(memory.Store), clientcache.Config{}))
	for name, clients := range map[string]storage.Clients{"inside": inside, "in a cache of a cache": newCache(t, storage.Parts{Clients: inside}, clientcache.Config{}), "outside": outside} {
		if got := (&clientauth.Secrets{Clients: storage.Parts{Clients: clients}}).ServerMetadata(); got[member] != true {
			t.Errorf("%s: got the metadata %v, want %s", name, got, member)
		}
	}
	if got := newCache(t, new(memory.Store), clientcache.Config{}).ServerMetadata(); got != nil {
		t.Errorf("clients that say nothing: got the metadata %v, want none", got)
	}
}

func TestNewOfTheEndpointSeesThroughACache(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cache *clientcache.Cache
		want  string
	}{
		{"a cache that New did not make", new(clientcache.Cache), "clientcache: the cache was not made by New"},
		{"a cache around a store that was not opened", newCache(t, new(sqlstore.Store), clientcache.Config{}), "not made by Open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tokenendpoint.New(tokenendpoint.Config{Storage: storage.Parts{Clients: tt.cache}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("tokenendpoint.New: got error %v, want it to say %q", err, tt.want)
			}
		})
	}
	if _, err := newEndpoint(new(sqlstore.Store), tokenendpoint.Config{}); err == nil || !strings.Contains(err.Error(), "not made by Open") {
		t.Errorf("newEndpoint: got error %v, want it to say that the store was not opened", err)
	}
	if _, err := new(clientcache.Cache).Client(t.Context(), "app"); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Client of a cache that New did not make: got error %v, want an outage", err)
	}
}
