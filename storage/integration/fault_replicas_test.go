package integration_test

import (
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// race lets n clients ask at once, by turns at several addresses, and returns
// all replies.
func race(n int, at []string, ask func(at string) *reply) []*reply {
	replies := make([]*reply, n)
	gate := make(chan struct{})
	var racers sync.WaitGroup
	for i := range replies {
		racers.Go(func() {
			<-gate
			replies[i] = ask(at[i%len(at)])
		})
	}
	close(gate)
	racers.Wait()
	return replies
}

// Two processes on one database race for the same codes and refresh tokens.
func TestFaultReplicas(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) {
		b := newFaultBed(t, s)
		b.amid = s.dialect != sqlstore.SQLite // which has one writer at a time
		at := []string{b.newChild(tuning{Timeout: 10 * time.Second}, 0).url, b.newChild(tuning{Timeout: 10 * time.Second}, 0).url}
		rounds := map[string]int{"pgx": 20, "mysql": 8, "sqlite": 4}[s.driver]
		forFaults(t, 0, func() {
			for i := 0; i < rounds && !t.Failed(); i++ {
				b.n.faults.Add(1) // here each race counts as a fault
				b.raceOnce(at, 50)
			}
			b.liveFamilies(at, time.Second)
		})
		b.n.report(t)
	})
}

// raceOnce lets racers redeem one code, and then refresh one token.
func (b *faultBed) raceOnce(at []string, racers int) {
	b.Helper()
	code, h := b.newCode(), newHistory()
	var token string
	won := 0
	for _, r := range race(racers, at, func(at string) *reply {
		return h.note(call{code: true}, func() *reply { return b.redeem(at, code) })
	}) {
		switch {
		case r.ok():
			token = r.body.Refresh
			won++
		case r.unknown():
			b.Errorf("a code: got status %d and error %v, want a verdict: no fault is injected", r.status, r.err)
		}
	}
	if won != 1 {
		b.n.double(b, "a code, %d times by %d racers, want once", won, racers)
		return
	}
	for range 2 {
		next := ""
		for _, r := range race(racers, at, func(at string) *reply {
			return h.note(call{token: token}, func() *reply { return b.refresh(at, token) })
		}) {
			switch {
			case !r.ok():
				b.n.mistake(b, "a refresh token within the grace: got status %d with error %q, want 200", r.status, r.body.Error)
			case next != "" && r.body.Refresh != next:
				b.n.double(b, "a refresh token, with two successors")
			}
			next = r.body.Refresh
		}
		token = next
	}
	if b.n.told.Load() == 0 {
		h.check(b, b.n)
	}
}
