package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
)

// putter gives the suite the means to put clients and keys into the store,
// which the shop does by pages of its own.
type putter struct{ *Store }

// PutClient implements [storagetest.Clients].
func (p putter) PutClient(ctx context.Context, c *storage.Client) error {
	return p.AddClient(ctx, "a name", c)
}

// PutAPIKey implements [storagetest.APIKeys].
func (p putter) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return p.AddAPIKey(ctx, k)
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storagetest.Store { return putter{&Store{newDatabase(t)}} })
}

// JSON would replace the byte, and one scope would be found as another.
func TestListRefusesBrokenUTF8(t *testing.T) {
	if v, err := (list{"orders:\xff"}).Value(); err == nil {
		t.Errorf("a list with invalid UTF-8: got %q, want an error", v)
	}
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	db, err := openDatabase(t.Context(), filepath.Join(t.TempDir(), "shop #1?.db"))
	if err != nil {
		t.Fatalf("opening the database: got error %v, want none", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: got error %v, want none", err)
		}
	})
	return db
}
