//go:build clusters

package integration_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// The primary freezes under load. The operator promotes its synchronous standby, and then
// the old primary goes on: two primaries take spends of the same codes. The commits of the
// old primary wait for its standby, which has gone. So no code is spent twice with both
// spends acknowledged, and no acknowledged spend is undone.
func TestPostgresClusterFrozenPrimary(t *testing.T) {
	c := newPostgresCluster(t, "sync")
	config := migrated(t, c.server.config(t, c.openAs(t, "pgx", c.only("1"))))
	defer c.run("kill", "1") // or the tables would be dropped there, and the commit wait
	config.DB = c.openAs(t, "pgx", c.only("1"))
	before := opened(t, config)
	codes := make([]*storage.Credential, 4000)
	for i := range codes {
		codes[i] = sample("alice")
	}
	each(codes, func(i int) { add(t, before, codes[i]) })

	// Callers spend on the old primary from before it freezes until two seconds after the
	// new primary has seen every code. A call that the freeze interrupts stays in flight, so
	// that the old primary can still acknowledge it.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	byOld, byNew := make([]atomic.Bool, len(codes)), make([]atomic.Bool, len(codes))
	var atOld atomic.Int64
	var load sync.WaitGroup
	load.Go(func() {
		each(codes, func(i int) {
			if before.Spend(ctx, codes[i], nil, start) == nil {
				byOld[i].Store(true)
				atOld.Add(1)
			}
		})
	})
	for soon := time.Now().Add(20 * time.Second); atOld.Load() < 200; time.Sleep(time.Millisecond) {
		if time.Now().After(soon) {
			t.Fatalf("got %d spends in 20 seconds, want 200", atOld.Load())
		}
	}
	c.run("freeze", "1")
	time.Sleep(100 * time.Millisecond) // for answers that were on their way
	frozen := atOld.Load()
	c.run("promote", "2")
	config.DB = c.openAs(t, "pgx", c.only("2"))
	after := opened(t, config)
	if n := atOld.Load() - frozen; n != 0 {
		t.Errorf("the frozen primary acknowledged %d spends, want none", n)
	}
	c.run("thaw", "1")
	config.DB = c.openAs(t, "pgx", c.only("1"))
	goesOn, late := opened(t, config), codes[len(codes)-4*enough:]
	load.Go(func() {
		each(late, func(i int) {
			brief, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			defer cancel()
			wantOutage(t, "Spend on the old primary, begun when it went on", goesOn.Spend(brief, late[i], nil, start))
		})
	})
	each(codes, func(i int) { byNew[i].Store(after.Spend(t.Context(), codes[i], nil, start) == nil) })
	time.Sleep(2 * time.Second)
	cancel()
	load.Wait()

	undone, twice, atNew := 0, 0, 0
	for i := range codes {
		switch {
		case byOld[i].Load() && byNew[i].Load():
			twice++
		case byNew[i].Load():
			atNew++
		case byOld[i].Load() && !find(t, after, codes[i]).Spent():
			undone++
		}
	}
	t.Logf("acknowledged: %d by the old primary, %d of them when it went on, and %d by the new one", atOld.Load(), atOld.Load()-frozen, atNew)
	if twice > 0 || undone > 0 || atNew == 0 {
		t.Errorf("got %d codes spent twice and %d spends undone, and %d spent on the new primary, want 0, 0 and some", twice, undone, atNew)
	}

	// The old primary still answers look-ups, with what it last knew.
	must(t, "Revoke on the new primary", after.Revoke(t.Context(), codes[0].Family))
	switch revoked, err := before.Revoked(t.Context(), "", codes[0].Family); {
	case err != nil:
		t.Errorf("Revoked on the old primary: got error %v, want none", err)
	case revoked:
		t.Error("Revoked on the old primary: got true, want false: the revocation is on the new primary")
	default:
		t.Log("as documented: the old primary shows a family as good that was revoked")
	}
}

// each calls f with the index of every code, a crowd at a time.
func each(codes []*storage.Credential, f func(i int)) {
	var next atomic.Int64
	var crowd sync.WaitGroup
	for range enough {
		crowd.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(codes)); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	crowd.Wait()
}
