package integration_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
)

// enough is the number of other callers that keep so many rows in flight that
// every further caller shares a statement with some of them.
const enough = 16

// amid lets n others create and spend credentials of their own with a store, until
// the function is called that it returns.
func amid(t testing.TB, s *sqlstore.Store, n int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var others sync.WaitGroup
	for range n {
		others.Go(func() {
			for ctx.Err() == nil {
				if err := spendChain(ctx, s); isVerdict(err) {
					t.Errorf("another caller that spends its own credential: got error %v", err)
					return
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); others.Wait() })
	t.Cleanup(stop)
	return stop
}

// spendChain spends one credential after the other, for as long as all goes well
// or there is a verdict.
func spendChain(ctx context.Context, s *sqlstore.Store) error {
	c := lasting(sample("other"))
	if err := s.CreateCredential(ctx, c); err != nil {
		time.Sleep(time.Millisecond) // the database may be down
		return err
	}
	for {
		next := lasting(following(c))
		if err := s.Spend(ctx, c, next, start); err != nil {
			return err
		}
		c = next
	}
}

// lasting makes c one that is not deleted while the tests run.
func lasting(c *storage.Credential) *storage.Credential {
	c.FamilyExpiresAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	return c
}

// TestStoreAmidOthers holds a store to its contract while others use it, with
// whom it writes together.
func TestStoreAmidOthers(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) {
		w, db := s.wired(t)
		w.counts = true
		store := s.newStore(t, db)
		n := enough
		if s.dialect == sqlstore.SQLite {
			n = 4 // SQLite works in this process, and so slowly that these suffice
		}
		stop := amid(t, store, n)
		storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return store })
		stop()
		wantShared(t, w)
	})
}

// wantShared reports a wire on which nobody shared a statement.
func wantShared(t testing.TB, w *wire) {
	t.Helper()
	t.Logf("%d statements for several", w.several.Load())
	if w.several.Load() == 0 {
		t.Error("got no statement for several: nothing was tested")
	}
}
