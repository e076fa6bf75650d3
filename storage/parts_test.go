package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

// joined is a storage.Parts whose parts are three stores. That of the credentials
// remembers the revocations: it knows the families.
type joined struct {
	storage.Parts
	storage.Revocations
	clients, keys *memory.Store
}

// PutClient implements storagetest.Clients.
func (j joined) PutClient(ctx context.Context, c *storage.Client) error {
	return j.clients.PutClient(ctx, c)
}

// PutAPIKey implements storagetest.APIKeys.
func (j joined) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return j.keys.PutAPIKey(ctx, k)
}

func TestPartsIsAStorage(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storagetest.Store {
		clients, credentials, keys := new(memory.Store), new(memory.Store), new(memory.Store)
		return joined{storage.Parts{Clients: clients, Credentials: credentials, APIKeys: keys}, credentials, clients, keys}
	})
}

// A part that is missing knows nothing, so that it must not say "no".
func TestMissingPartIsAnOutage(t *testing.T) {
	ctx, d, c := t.Context(), storage.Digest{1}, &storage.Credential{Digest: storage.Digest{1}}
	full := new(memory.Store)
	for _, tt := range []struct {
		name  string
		parts storage.Parts
		calls map[string]func(p storage.Parts) error
	}{
		{"without clients", storage.Parts{Credentials: full, APIKeys: full}, map[string]func(storage.Parts) error{
			"Client": func(p storage.Parts) error { _, err := p.Client(ctx, "c"); return err },
		}},
		{"without credentials", storage.Parts{Clients: full, APIKeys: full}, map[string]func(storage.Parts) error{
			"Credential":       func(p storage.Parts) error { _, err := p.Credential(ctx, d); return err },
			"CreateCredential": func(p storage.Parts) error { return p.CreateCredential(ctx, c) },
			"Spend":            func(p storage.Parts) error { return p.Spend(ctx, c, nil, time.Unix(1, 0)) },
			"Revoke":           func(p storage.Parts) error { return p.Revoke(ctx, "f") },
		}},
		{"without API keys", storage.Parts{Clients: full, Credentials: full}, map[string]func(storage.Parts) error{
			"APIKey": func(p storage.Parts) error { _, err := p.APIKey(ctx, d); return err },
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for method, call := range tt.calls {
				wantOutage(t, method, call(tt.parts))
				wantOutage(t, method+" of the zero Parts", call(storage.Parts{}))
			}
		})
	}
}

func wantOutage(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want an outage", what)
	}
	for _, sentinel := range []error{storage.ErrNotFound, storage.ErrExists, storage.ErrSpent} {
		if errors.Is(err, sentinel) {
			t.Errorf("%s: got %v, want an outage and no verdict", what, err)
		}
	}
}
