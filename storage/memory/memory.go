// Package memory keeps the records of a token endpoint in the memory of one
// process. It is meant for tests, examples and a host that runs as one process
// and may forget everything when it ends.
//
// The store keeps the promises of [github.com/contit/oauth/storage], and
// [github.com/contit/oauth/storage/storagetest] proves it. A host adds clients
// and API keys with PutClient and PutAPIKey.
package memory

import (
	"sync"
	"time"

	"github.com/contit/oauth/storage"
)

// Store is a [storage.Storage] in memory. The zero value is an empty store,
// ready for use. It must not be copied after its first use. All methods are
// safe for concurrent use, and all of them return the error of a context that
// has ended, before they do anything.
//
// It starts no goroutine: credentials and revocations stay until
// [Store.DeleteExpired] is called.
type Store struct {
	mu      sync.Mutex
	clients map[string]*storage.Client
	apiKeys map[storage.Digest]*storage.APIKey
	// apiKeyIDs finds the digest of a key by its ID.
	apiKeyIDs   map[string]storage.Digest
	credentials map[storage.Digest]*storage.Credential
	families    map[string]*family
	// tokens are the access tokens that were revoked, and until when that is to
	// be remembered.
	tokens      map[storage.Digest]time.Time
	expiries    expiries
	signingKeys []*storage.SigningKey // in the order of their turns
}

var (
	_ storage.Storage        = (*Store)(nil)
	_ storage.Revocations    = (*Store)(nil)
	_ storage.SigningKeys    = (*Store)(nil)
	_ storage.ManagedClients = (*Store)(nil)
	_ storage.ManagedAPIKeys = (*Store)(nil)
	_ storage.Families       = (*Store)(nil)
	_ storage.Expirer        = (*Store)(nil)
)

// set adds to a map that may not have been made yet.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
