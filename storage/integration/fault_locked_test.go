package integration_test

import (
	"database/sql"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// SQLite has no server to lose. But it allows one writer at a time: another
// program, such as a backup or a shell, holds the lock again and again, and
// longer than any request waits.
func TestFaultLocked(t *testing.T) {
	t.Parallel()
	s := on(t, sqlstore.SQLite)
	b := newFaultBed(t, s)
	_, store := b.pool(strings.Replace(s.dsn, "busy_timeout%2810000%29", "busy_timeout%2850%29", 1))
	at := []string{b.serve(store, tuning{})}
	stop := make(chan struct{})
	var holder sync.WaitGroup
	holder.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				b.hold(time.Duration(rand.IntN(400)) * time.Millisecond)
			}
		}
	})
	others := b.amidOthers(store)
	forFaults(t, 3*time.Second, func() { b.liveFamilies(at, 3*time.Second) })
	others()
	close(stop)
	holder.Wait()
	b.wantLockedOut(at[0])
	b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(at[0]) })
	b.n.report(t)
}

// wantLockedOut holds the lock for as long as a request waits. The store tries
// again a few times, so that in the test above chance decides which request
// waits too long.
func (b *faultBed) wantLockedOut(at string) {
	b.Helper()
	code := b.newCode()
	unlock := b.lock()
	if unlock == nil {
		return
	}
	r := b.redeem(at, code)
	unlock()
	if r.status != http.StatusServiceUnavailable {
		b.Errorf("status %d while the database is locked, want 503 (%v)", r.status, r.err)
	}
	if r := b.redeem(at, code); !r.ok() {
		b.Errorf("status %d for the same code after that, want 200 (%v)", r.status, r.err)
	}
}

// hold takes the write lock for a while.
func (b *faultBed) hold(d time.Duration) {
	if unlock := b.lock(); unlock != nil {
		time.Sleep(d)
		unlock()
	}
}

// lock takes the write lock, or returns nil.
func (b *faultBed) lock() (unlock func()) {
	db, err := sql.Open(b.server.driver, b.server.dsn)
	if err != nil {
		b.Errorf("opening SQLite: %v", err)
		return nil
	}
	db.SetMaxOpenConns(1) // ROLLBACK must come over the connection of BEGIN
	if _, err := db.ExecContext(b.Context(), "BEGIN IMMEDIATE"); err != nil {
		db.Close()
		return nil // it waited longer than ten seconds itself
	}
	b.n.faults.Add(1)
	return func() {
		if _, err := db.ExecContext(b.Context(), "ROLLBACK"); err != nil {
			b.Errorf("ROLLBACK: %v", err)
		}
		db.Close()
	}
}
