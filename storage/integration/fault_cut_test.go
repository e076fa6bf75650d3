package integration_test

import (
	"context"
	"math/rand/v2"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// through returns the data source name that leads through a cutter.
func (b *faultBed) through() (*cutter, string) {
	b.Helper()
	if b.server.dialect == sqlstore.Postgres {
		u, err := url.Parse(b.server.dsn)
		if err != nil {
			b.Fatalf("%v: this test wants the data source name as an URL", err)
		}
		c := newCutter(b, u.Host, func() protocol { return &postgresProtocol{spends: make(map[string]bool)} })
		u.Host = c.addr
		return c, u.String()
	}
	address := regexp.MustCompile(`tcp\(([^)]*)\)`)
	to := address.FindStringSubmatch(b.server.dsn)
	if to == nil {
		b.Fatal("this test wants a data source name with tcp(host:port)")
	}
	c := newCutter(b, to[1], func() protocol { return &mysqlProtocol{spends: make(map[uint32]bool)} })
	return c, address.ReplaceAllLiteralString(b.server.dsn, "tcp("+c.addr+")")
}

// definite asks until there is a verdict, and reports whether it was the first
// answer.
func definite(ask func() *reply) (r *reply, doubtful bool) {
	for {
		if r = ask(); !r.unknown() {
			return r, doubtful
		}
		doubtful = true
		time.Sleep(5 * time.Millisecond)
	}
}

// The connection to the database is cut after a spend was committed, and before
// anyone hears of it, or before the database hears of the spend (fault 2).
func TestFaultCut(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} {
		t.Run(dialect.String(), func(t *testing.T) {
			b := newFaultBed(t, on(t, dialect))
			cutter, dsn := b.through()
			_, store := b.pool(dsn)
			at := b.serve(store, tuning{})
			var gone atomic.Int64
			forFaults(t, 0, func() {
				var workers sync.WaitGroup
				for range 8 {
					workers.Go(func() {
						for range 10 {
							b.cutOne(at, &gone)
						}
					})
				}
				workers.Wait()
			})
			cutter.calm.Store(true)
			b.wantOneLeaf()
			all, cuts := cutter.total()
			b.n.faults.Store(int64(all))
			b.n.report(t)
			t.Logf("%d questions lost, %d answers lost, %d answers lost with all connections; %d codes whose answer no client got",
				cuts[loseQuestion], cuts[loseAnswer], cuts[loseAll], gone.Load())
			for kind, n := range cuts[loseQuestion:] {
				if n == 0 {
					t.Errorf("got no cut of kind %d: that was not tested", kind)
				}
			}
		})
	}
}

// cutOne redeems a code and refreshes three times.
func (b *faultBed) cutOne(at string, gone *atomic.Int64) {
	code := b.newCode()
	r, doubtful := definite(func() *reply { return b.redeem(at, code) })
	if r.refused() && !doubtful {
		b.n.mistake(b, "a code: got status %d with error %q, want 200", r.status, r.body.Error)
	}
	if again, _ := definite(func() *reply { return b.redeem(at, code) }); again.ok() {
		b.n.double(b, "a code")
	}
	if !r.ok() { // it is used up, and its client begins anew
		gone.Add(1)
		return
	}
	for token := r.body.Refresh; ; {
		b.wantStored(token)
		r, _ := definite(func() *reply { return b.refresh(at, token) })
		if !r.ok() {
			b.n.mistake(b, "a refresh token: got status %d with error %q, want 200", r.status, r.body.Error)
			return
		}
		if rand.IntN(2) == 0 { // suppose that this answer was lost as well
			b.n.lost.Add(1)
			again, _ := definite(func() *reply { return b.refresh(at, token) })
			if again.body.Refresh != r.body.Refresh {
				b.n.double(b, "a refresh token whose answer was lost: got status %d, want the same successor", again.status)
			}
		}
		token = r.body.Refresh
		if rand.IntN(4) == 0 {
			return
		}
	}
}

// The same, where callers spend at once and share statements: a cut hits all
// callers of the statement, and each finds out its own outcome.
func TestFaultCutTogether(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} {
		t.Run(dialect.String(), func(t *testing.T) {
			b := newFaultBed(t, on(t, dialect))
			cutter, dsn := b.through()
			_, store := b.pool(dsn)
			const callers = 24
			forFaults(t, 0, func() {
				for i := 0; i < 5 || i < 50 && cutter.several.Load() < 3; i++ {
					b.cutTogether(store, callers)
				}
			})
			all, _ := cutter.total()
			b.n.faults.Store(int64(all))
			b.n.report(t)
			t.Logf("%d lost answers told of several spends", cutter.several.Load())
			if cutter.several.Load() == 0 {
				t.Error("no answer was lost that told of several spends: that was not tested")
			}
		})
	}
}

// cutTogether lets callers spend a credential each, and checks each outcome.
func (b *faultBed) cutTogether(store *sqlstore.Store, callers int) {
	b.Helper()
	olds, nexts, errs := make([]*storage.Credential, callers), make([]*storage.Credential, callers), make([]error, callers)
	for i := range olds {
		olds[i] = sample("alice")
		nexts[i] = following(olds[i])
		add(b, b.store, olds[i])
	}
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range olds {
		all.Go(func() { errs[i] = store.Spend(ctx, olds[i], nexts[i], start) })
	}
	all.Wait()
	for i, err := range errs {
		b.n.attempts.Add(1)
		_, missing := b.store.Credential(b.Context(), nexts[i].Digest)
		spent, added := find(b, b.store, olds[i]).Spent(), missing == nil
		switch {
		case isVerdict(err):
			b.n.mistake(b, "Spend without a rival: got error %v", err)
		case err == nil && !spent:
			b.n.mistake(b, "Spend without an error, and it is not spent")
		case spent != added:
			b.n.double(b, "Spend with error %v: spent %v, and the successor is there: %v", err, spent, added)
		case err != nil:
			b.n.lost.Add(1)
		}
	}
}
