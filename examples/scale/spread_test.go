package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/sqlstore"
)

// overPrefixes is a Spread over four prefixes of one database.
func overPrefixes(t *testing.T) (spread Spread) {
	t.Helper()
	file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "store.db"), RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for i := range 4 {
		c := sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, TablePrefix: fmt.Sprintf("part%d_", i)}
		if err := sqlstore.Migrate(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		store, err := sqlstore.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		spread = append(spread, store)
	}
	return spread
}

// late is a database that looks up nothing before it is let, and tells what came of it.
type late struct {
	database
	let  chan struct{}
	came chan error
}

func (l late) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	<-l.let
	c, err := l.database.Credential(ctx, d)
	l.came <- err
	return c, err
}

// A look-up that nobody waits for any more goes on to its end: a driver would close the
// connection of one that is cancelled.
func TestNobodyIsCancelled(t *testing.T) {
	spread := overPrefixes(t)
	c := &storage.Credential{Digest: storage.Digest{1}, Family: "family", Kind: storage.KindRefreshToken, ExpiresAt: time.Now().Add(time.Hour)}
	if err := spread.CreateCredential(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	let, came := make(chan struct{}), make(chan error, len(spread))
	home := spread.of(c.Family)
	for i, one := range spread {
		if one != home {
			spread[i] = late{one, let, came}
		}
	}
	if found, err := spread.Credential(t.Context(), c.Digest); err != nil || found.Family != c.Family {
		t.Fatalf("Credential: got %v and error %v, want the credential", found, err)
	}
	close(let)
	for range len(spread) - 1 {
		if err := <-came; !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a look-up that nobody waits for: got error %v, want ErrNotFound", err)
		}
	}
}

// panics is a database whose driver panics.
type panics struct{ *memory.Store }

func (panics) Credential(context.Context, storage.Digest) (*storage.Credential, error) {
	panic(storage.ErrNotFound)
}

// A panic is an outage, since that database may have the credential.
func TestPanicIsAnOutage(t *testing.T) {
	spread := Spread{new(memory.Store), panics{new(memory.Store)}}
	if _, err := spread.Credential(t.Context(), storage.Digest{1}); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Credential where a driver panics: got error %v, want an outage", err)
	}
}
