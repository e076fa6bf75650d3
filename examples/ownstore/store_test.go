package ownstore

import (
	"path/filepath"
	"testing"

	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "oauth.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.db.NoSync = true // the tests lose no power, and an fsync for each write takes most of their time
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestStore is the proof of the store: each rule of the contract, and races of fifty.
func TestStore(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storagetest.Store { return newStore(t) })
}

// TestEndpoint is the proof of the whole endpoint over it.
func TestEndpoint(t *testing.T) {
	endpointtest.Run(t, func(t testing.TB) storagetest.Store { return newStore(t) })
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) { blocks.Guide(t, "ownstore", nil) }
