package endpointtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint"
)

// The crowd of a rule about concurrency, and how often it meets.
const (
	racers = 50
	rounds = 20
)

// crowd calls race with 0 to n-1, all at the same moment, and waits for them.
func crowd(n int, race func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			race(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// ledger is a store that notes the refresh tokens that it was given.
type ledger struct {
	storagetest.Store

	mu    sync.Mutex
	given []storage.Digest
}

func (l *ledger) note(c *storage.Credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c != nil && c.Kind == storage.KindRefreshToken {
		l.given = append(l.given, c.Digest)
	}
}

func (l *ledger) CreateCredential(ctx context.Context, c *storage.Credential) error {
	l.note(c)
	return l.Store.CreateCredential(ctx, c)
}

func (l *ledger) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	l.note(next)
	return l.Store.Spend(ctx, old, next, at)
}

// refreshTokens counts those that it was given and has.
func (l *ledger) refreshTokens(ctx context.Context) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, d := range l.given {
		if _, err := l.Store.Credential(ctx, d); err == nil {
			n++
		}
	}
	return n
}

// newLedger serves an endpoint over a ledger.
func newLedger(t *testing.T, open opener, options ...option) (*fixture, *ledger) {
	t.Helper()
	l := &ledger{}
	f := newFixture(t, func(t testing.TB) storagetest.Store {
		l.Store = open(t)
		return l
	}, options...)
	return f, l
}

// beside opens the store of another fixture, as a second process does.
func beside(f *fixture) opener {
	return func(testing.TB) storagetest.Store { return f.store.Store }
}

// outcomes counts how all requests so far were reported.
func (f *fixture) outcomes() map[tokenendpoint.Outcome]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := make(map[tokenendpoint.Outcome]int)
	for _, e := range f.events {
		n[e.Outcome]++
	}
	return n
}
