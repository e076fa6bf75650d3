package integration_test

import (
	"database/sql/driver"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
)

// held is a store whose spends are held on a wire: as many as may be in flight,
// while others queue up behind them. When one of them ends, the caller that is
// told to lead spends for the others too.
type held struct {
	testing.TB
	wire    *wire
	config  sqlstore.Config
	store   *sqlstore.Store
	replica *sqlstore.Store // another one, whose spends are not held
	gate    chan<- struct{}
	callers sync.WaitGroup
	started int
	// shared and alone count the statements of the last call of together: for
	// several spends, and for one.
	shared, alone int
}

func hold(t testing.TB, s server) *held {
	t.Helper()
	w, db := s.wired(t)
	h := &held{TB: t, wire: w, config: migrated(t, s.config(t, db))}
	h.store = opened(t, h.config)
	c := h.config
	c.DB = s.open(t)
	h.replica = opened(t, c)
	return h
}

// start lets a caller come, and waits until it is held or waits in the queue.
func (h *held) start(call func()) {
	h.Helper()
	h.started++
	h.callers.Go(call)
	h.until("a caller is held or in the queue", func() bool { return atGate()+queued() == h.started })
}

func (h *held) until(what string, f func() bool) {
	h.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			var ours []string
			for _, stack := range strings.Split(stacks(), "\n\n") {
				if strings.Contains(stack, "/sqlstore.") {
					ours = append(ours, stack)
				}
			}
			h.Fatalf("%s: that is not so after 20 seconds, with %d callers:\n%s", what, h.started, strings.Join(ours, "\n\n"))
		}
	}
}

// stacks returns the stacks of all goroutines of this process.
func stacks() string {
	all := make([]byte, 4<<20)
	return string(all[:runtime.Stack(all, true)])
}

// waiting counts the goroutines of this process that wait in a function, and not
// those that are on their way through it.
func waiting(function string) (n int) {
	for _, stack := range strings.Split(stacks(), "\n\n") {
		if state, calls, _ := strings.Cut(stack, "\n"); strings.Contains(state, "[select") && strings.Contains(calls, function) {
			n++
		}
	}
	return n
}

func queued() int { return waiting("coalesce.(*Queue[...]).enter(") }
func atGate() int { return waiting("integration_test.(*wire).wait(") }

// busy starts writes whose statement has a text in it until one waits in the
// queue.
func (h *held) busy(text string, one func(c *storage.Credential) error) {
	h.Helper()
	h.gate = h.wire.hold(text)
	for queued() == 0 {
		c := sample("busy")
		h.start(func() { must(h, "a write", one(c)) })
	}
}

// busySpending starts spends.
func (h *held) busySpending() {
	h.Helper()
	h.busy(spending, func(c *storage.Credential) error {
		return errors.Join(h.replica.CreateCredential(h.Context(), c), h.store.Spend(h.Context(), c, following(c), start))
	})
}

// finish lets everything go that is held.
func (h *held) finish() {
	close(h.gate)
	h.callers.Wait()
	h.started = 0
}

// errOutage stands for an error that is no verdict.
var errOutage = errors.New("an outage")

// several is part of the statements for several spends, and of no other.
const several = "v.salt"

func isSeveral(statement string) bool {
	return strings.Contains(statement, several) && !strings.HasPrefix(statement, "PREPARE ")
}

// together has all spend in one statement, which meets with an error if it is to.
func (h *held) together(all []*spender, reaches bool, broken ...error) {
	h.Helper()
	h.busySpending()
	for _, s := range all {
		h.start(func() { s.err = h.store.Spend(h.Context(), s.old, s.next, start.Add(time.Minute)) })
	}
	h.wire.taken()
	h.oneStatement()
	h.wire.breakOn(several, reaches, broken...)
	h.finish()
	h.shared, h.alone = 0, 0
	for _, trip := range h.wire.taken() {
		switch {
		case isSeveral(trip.statement):
			h.shared++
		case strings.Contains(trip.statement, spending) && !strings.HasPrefix(trip.statement, "PREPARE "):
			h.alone++
		}
	}
	if h.shared == 0 {
		h.Error("got no statement for several spends: nothing was tested")
	}
}

// oneStatement lets one of the held statements go. When it is over, the waiting
// callers are in the statement that is held next.
func (h *held) oneStatement() {
	h.Helper()
	busy, before := atGate(), len(h.wire.noted())
	h.gate <- struct{}{}
	h.until("a statement has gone on", func() bool { return len(h.wire.noted()) > before })
	h.until("the next is held", func() bool { return atGate() == busy })
}

// wantVerdicts compares the verdict of every caller, and the records in the
// store.
func (h *held) wantVerdicts(all []*spender) {
	h.Helper()
	for _, s := range all {
		switch {
		case s.want == errOutage:
			wantOutage(h, "Spend of "+s.what, s.err)
		default:
			wantErr(h, "Spend of "+s.what, s.err, s.want)
		}
		h.wantOutcome(s)
	}
}

// wantOutcome checks that a spend was done as a whole or not at all.
func (h *held) wantOutcome(s *spender) {
	h.Helper()
	if s.want == storage.ErrNotFound {
		wantGone(h, h.replica, s.what, s.old)
		wantGone(h, h.replica, "a successor of it", s.next)
		return
	}
	old := find(h, h.replica, s.old)
	if old.Spent() != s.spent {
		h.Errorf("%s, afterwards: got spent %t, want %t", s.what, old.Spent(), s.spent)
	}
	if s.want != nil || s.next == nil {
		return
	}
	if want := s.old.FamilyExpiresAt; !old.FamilyExpiresAt.Equal(want) || string(old.Salt) != string(s.old.Salt) || !old.SpentAt.Equal(start.Add(time.Minute)) {
		h.Errorf("%s, afterwards: got %+v, want the salt and instants of the Spend", s.what, old)
	}
	if got := find(h, h.replica, s.next); !reflect.DeepEqual(got, s.next) {
		h.Errorf("a successor of %s: got %+v, want %+v", s.what, got, s.next)
	}
	for use := 2; use <= old.MaxUses+1; use++ {
		err := h.replica.Spend(h.Context(), old, nil, start)
		if (err == nil) != (use <= old.MaxUses) {
			h.Errorf("use %d of %d of %s: got error %v", use, old.MaxUses, s.what, err)
		}
	}
}

// TestVerdictsOfAStatement spends for several callers in one statement, and
// each gets the verdict that it would get alone: if the statement goes well, if
// it fails because of one of them, and if the question or the answer is lost.
func TestVerdictsOfAStatement(t *testing.T) {
	members := map[string][]member{
		"all are fine":          {fine, fine, fine, withoutSuccessor},
		"some are refused":      {fine, revoked, fine, unknown, fine, forgotten, withoutSuccessor},
		"some are in conflict":  {fine, spentByAReplica, fine, taken, fine, withoutSuccessor},
		"one is poisoned":       {fine, fine, poisoned, fine},
		"everything at once":    {fine, revoked, unknown, forgotten, spentByAReplica, taken, poisoned, fine, withoutSuccessor, fine},
		"none of them succeeds": {revoked, unknown, spentByAReplica, taken},
	}
	ways := []struct {
		name    string
		times   int
		reaches bool
		broken  []error
	}{
		{"as it should be", 5, true, nil}, // whose row comes first in the statement is by chance
		{"the answer is lost", 1, true, []error{errReset}},
		{"the driver asks for a repetition", 1, true, []error{driver.ErrBadConn}},
		{"the question is lost", 1, false, []error{errReset}},
		{"the database refuses it", 1, false, []error{refusal("40P01")}},
	}
	onServers(t, func(t *testing.T, s server) {
		h := hold(t, s)
		h.poison()
		for what, members := range members {
			for _, way := range ways {
				t.Run(what+", "+way.name, func(t *testing.T) {
					h := &held{TB: t, wire: h.wire, config: h.config, store: h.store, replica: h.replica}
					for range way.times {
						var all []*spender
						for _, m := range members {
							all = append(all, m(h))
						}
						h.together(all, way.reaches, way.broken...)
						h.wantVerdicts(all)
					}
				})
			}
		}
	})
}

// However many come at once, each costs one read, and all together one write.
func TestRoundTripsUnderLoad(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		h, ctx := hold(t, s), t.Context()
		const callers = 40
		h.busySpending()
		h.wire.taken()
		for range callers {
			c := sample("alice")
			add(t, h.replica, c)
			h.start(func() {
				found, err := h.store.Credential(ctx, c.Digest)
				must(t, "Credential", err)
				must(t, "Spend", h.store.Spend(ctx, found, following(found), start))
			})
		}
		reads := len(withoutPrepares(h.wire.taken()))
		h.oneStatement()
		busy := atGate()
		h.finish()
		if writes := len(withoutPrepares(h.wire.taken())) - busy; reads != callers || writes != 1 {
			t.Errorf("%d codes or refreshes at once: got %d reads and %d writes, want %d and 1", callers, reads, writes, callers)
		}
	})
}

func withoutPrepares(trips []trip) []trip {
	return slices.DeleteFunc(trips, func(tr trip) bool { return strings.HasPrefix(tr.statement, "PREPARE ") })
}

// A store that is told not to coalesce keeps its promises as well.
func TestUncoalesced(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, db := s.wired(t)
		w.counts = true
		c := migrated(t, s.config(t, db))
		c.Uncoalesced = true
		store := opened(t, c)
		storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return store })
		if n := w.several.Load(); n > 0 {
			t.Errorf("got %d statements for several, want none", n)
		}
	})
}
