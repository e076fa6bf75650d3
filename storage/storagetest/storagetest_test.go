package storagetest_test

import (
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

// The suite must pass two stores that were written apart from each other, or it
// would demand more than the contract.

func TestMemory(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storagetest.Store { return new(memory.Store) })
}

func TestTable(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storagetest.Store { return newTable("") })
}

func TestOneStoreForAllRules(t *testing.T) {
	s := new(memory.Store)
	storagetest.Run(t, func(testing.TB) storagetest.Store { return s })
}

func TestParts(t *testing.T) {
	t.Run("clients", func(t *testing.T) {
		storagetest.RunClients(t, func(testing.TB) storagetest.Clients {
			file := make(fileClients)
			return configured{Clients: file, file: file}
		})
	})
	t.Run("credentials without DeleteExpired", func(t *testing.T) {
		storagetest.RunCredentials(t, func(testing.TB) storage.Credentials {
			return storage.Parts{Credentials: new(memory.Store)}
		})
	})
	t.Run("API keys", func(t *testing.T) {
		storagetest.RunAPIKeys(t, func(testing.TB) storagetest.APIKeys { return new(memory.Store) })
	})
}
