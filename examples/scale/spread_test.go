package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
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

// A look-up that nobody waits for any more goes on to its end, and the end of the request
// does not cancel it: a driver would close its connection.
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
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if found, err := spread.Credential(ctx, c.Digest); err != nil || found.Family != c.Family {
		t.Fatalf("Credential: got %v and error %v, want the credential", found, err)
	}
	end() // as the endpoint does when it has answered
	close(let)
	for range len(spread) - 1 {
		if err := <-came; !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a look-up that nobody waits for: got error %v, want ErrNotFound", err)
		}
	}
}

// hangs is a database that does not answer before the context of the look-up ends. It
// tells when that was.
type hangs struct {
	*memory.Store
	ended chan<- time.Time
}

func (h hangs) Credential(ctx context.Context, _ storage.Digest) (*storage.Credential, error) {
	<-ctx.Done()
	h.ended <- time.Now()
	return nil, ctx.Err()
}

// A look-up that hangs ends at the deadline of its request. If the request has none, the
// look-up ends with it. The caller waits for neither when it leaves.
func TestALookUpThatHangsEnds(t *testing.T) {
	const timeout, leaves = 2 * time.Second, time.Second
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		ends     time.Duration // the look-up
	}{{"with a deadline", timeout, timeout}, {"without one", 0, leaves}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended, start := make(chan time.Time, 1), time.Now()
				spread := Spread{new(memory.Store), hangs{new(memory.Store), ended}}
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(leaves, leave)
				if tt.deadline > 0 {
					var end context.CancelFunc
					ctx, end = context.WithTimeout(ctx, tt.deadline)
					defer end()
				}
				if _, err := spread.Credential(ctx, storage.Digest{1}); !errors.Is(err, context.Canceled) {
					t.Errorf("Credential of a caller that leaves: got error %v, want context.Canceled", err)
				}
				if waited := time.Since(start); waited != leaves {
					t.Errorf("the caller waited for %v, want %v", waited, leaves)
				}
				if went := (<-ended).Sub(start); went != tt.ends {
					t.Errorf("the look-up ended after %v, want %v", went, tt.ends)
				}
				if _, err := spread.Credential(ctx, storage.Digest{1}); !errors.Is(err, context.Canceled) {
					t.Errorf("Credential after that: got error %v, want context.Canceled", err)
				}
			})
		})
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
