package integration_test

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// A database that neither answers nor hangs up: its processes are stopped for a
// while (fault 4). The requests end with 503 at their deadline, and when the
// database goes on, nothing of them is left.
func TestFaultFrozen(t *testing.T) {
	ownServers(t, func(t *testing.T, s *ownServer) {
		b := newFaultBed(t, s.server)
		db, store := b.pool(s.victim(b))
		const timeout = time.Second
		at := b.serve(store, tuning{Timeout: timeout, EachClientRead: true})
		token := b.redeem(at, b.newCode()).body.Refresh
		warm(b, at)
		b.idle()
		time.Sleep(300 * time.Millisecond) // until those that end have ended
		goroutines := b.idle()

		forFaults(t, 0, func() {
			code := b.newCode()
			s.freeze()
			b.n.faults.Add(1)
			b.wantTimeouts(at, code, token, timeout)
			s.signal(thaw)
			b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(at) })
			// All of them failed when they read, so nothing is used up.
			if r := b.refresh(at, token); !r.ok() {
				b.n.mistake(t, "a refresh token when it is over: got status %d with error %q, want 200", r.status, r.body.Error)
			}
			if r := b.redeem(at, code); !r.ok() {
				b.n.mistake(t, "a code when it is over: got status %d with error %q, want 200", r.status, r.body.Error)
			}
		})
		b.n.report(t)
		b.eventually("goroutines", goroutines+3, b.idle) // the pool's own may be one more
		b.eventually("connections in use", 0, func() int { return db.Stats().InUse })
		b.eventually("sessions at the server", db.Stats().MaxOpenConnections, func() int {
			return count(t, b.config.DB, "SELECT COUNT(*) FROM ("+s.sessions()+") s")
		})
		t.Logf("%d goroutines before, %d after", goroutines, b.idle())
	})
}

// warm fills the pool.
func warm(b *faultBed, at string) {
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { b.clientCredentials(at) })
	}
	all.Wait()
}

// wantTimeouts asks for everything, many times at once, while nothing answers.
func (b *faultBed) wantTimeouts(at, code, token string, timeout time.Duration) {
	b.Helper()
	asks := map[string]func() *reply{
		"client_credentials": func() *reply { return b.clientCredentials(at) },
		"a wrong secret":     func() *reply { return b.wrongSecret(at) },
		"an API key":         func() *reply { return b.exchangeKey(at) },
		"a refresh token":    func() *reply { return b.refresh(at, token) },
		"a code":             func() *reply { return b.redeem(at, code) },
	}
	var all sync.WaitGroup
	for range 10 {
		for name, ask := range asks {
			all.Go(func() {
				began := time.Now()
				r := ask()
				if took := time.Since(began); took > 2*timeout+2*time.Second {
					b.Errorf("%s: got an answer after %v, want one within twice %v", name, took, timeout)
				}
				if r.status != 503 {
					b.n.mistake(b, "%s: got status %d and error %v, want 503", name, r.status, r.err)
				}
			})
		}
	}
	all.Wait()
}

// idle counts goroutines when no connection of a client is open.
func (b *faultBed) idle() int {
	b.http.CloseIdleConnections()
	return runtime.NumGoroutine()
}

// eventually waits until a number is down to its former value.
func (b *faultBed) eventually(what string, want int, f func() int) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := f()
		if got <= want {
			return
		}
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			b.Errorf("%s: got %d, want no more than %d\n%s", what, got, want, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
