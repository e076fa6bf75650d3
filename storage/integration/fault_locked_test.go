package integration_test

import (
	"database/sql"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// SQLite has no server to lose. What it has is one writer at a time: somebody
// else, such as a backup or a shell, holds the lock again and again, and longer
// than anybody waits.
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
	b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(at[0]) })
	b.n.report(t)
	if b.n.lost.Load() == 0 {
		t.Error("got no answer 503: nobody waited too long")
	}
}

// hold takes the write lock for a while.
func (b *faultBed) hold(d time.Duration) {
	db, err := sql.Open(b.server.driver, b.server.dsn)
	if err != nil {
		b.Errorf("opening SQLite: %v", err)
		return
	}
	defer db.Close()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Errorf("opening SQLite: %v", err)
		return
	}
	defer conn.Close()
	if _, err := conn.ExecContext(b.Context(), "BEGIN IMMEDIATE"); err != nil {
		return // it waited longer than ten seconds itself
	}
	b.n.faults.Add(1)
	time.Sleep(d)
	if _, err := conn.ExecContext(b.Context(), "ROLLBACK"); err != nil {
		b.Errorf("ROLLBACK: %v", err)
	}
}
