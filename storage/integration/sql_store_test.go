package integration_test

import (
	"testing"

	"github.com/contit/oauth/storage"
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
	onServers(t, func(t *testing.T, s server) { storagetest.Run(t, one(t, s, 1)) })
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
	onServers(t, func(t *testing.T, s server) { endpointtest.Run(t, one(t, s, 16)) })
}
