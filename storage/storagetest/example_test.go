package storagetest_test

import (
	"context"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

// The author of a store calls Run from a test function of the package.
func ExampleRun() {
	TestStore := func(t *testing.T) {
		storagetest.Run(t, func(t testing.TB) storagetest.Store { return new(memory.Store) })
	}
	_ = TestStore
}

// A store of credentials alone is tested without the rest.
func ExampleRunCredentials() {
	TestCredentials := func(t *testing.T) {
		storagetest.RunCredentials(t, func(t testing.TB) storage.Credentials { return new(memory.Store) })
	}
	_ = TestCredentials
}

// The suite tests a store of revoked access tokens together with the
// credentials whose families it knows.
func ExampleRunRevocations() {
	TestRevocations := func(t *testing.T) {
		storagetest.RunRevocations(t, func(t testing.TB) storagetest.Revocations { return new(memory.Store) })
	}
	_ = TestRevocations
}

// Signing keys are a store of their own.
func ExampleRunSigningKeys() {
	TestSigningKeys := func(t *testing.T) {
		storagetest.RunSigningKeys(t, func(t testing.TB) storage.SigningKeys { return new(memory.Store) })
	}
	_ = TestSigningKeys
}

// configured is a store whose clients stand in a configuration: it has no
// method to add one, so its test adds one to the configuration.
type configured struct {
	storage.Clients
	file map[string]*storage.Client
}

// PutClient writes to the configuration.
func (c configured) PutClient(_ context.Context, client *storage.Client) error {
	c.file[client.ID] = client.Clone()
	return nil
}

// fileClients is the store under test.
type fileClients map[string]*storage.Client

// Client finds a client in the configuration.
func (f fileClients) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c, ok := f[id]; ok {
		return c.Clone(), nil
	}
	return nil, storage.ErrNotFound
}

// A store that has no method to add a client gets one from a type in its test.
func ExampleRunClients() {
	TestClients := func(t *testing.T) {
		storagetest.RunClients(t, func(t testing.TB) storagetest.Clients {
			file := make(fileClients)
			return configured{Clients: file, file: file}
		})
	}
	_ = TestClients
}
