package testbed

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
	Racers = 50
	Rounds = 20
)

// Crowd calls race with 0 to n-1, all at the same moment, and waits for them.
func Crowd(n int, race func(i int)) {
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

// Ledger is a store that notes the refresh tokens that it was given.
type Ledger struct {
	storagetest.Store

	mu    sync.Mutex
	given []storage.Digest
}

func (l *Ledger) note(c *storage.Credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c != nil && c.Kind == storage.KindRefreshToken {
		l.given = append(l.given, c.Digest)
	}
}

func (l *Ledger) CreateCredential(ctx context.Context, c *storage.Credential) error {
	l.note(c)
	return l.Store.CreateCredential(ctx, c)
}

func (l *Ledger) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	l.note(next)
	return l.Store.Spend(ctx, old, next, at)
}

// RefreshTokens counts those that it was given and has.
func (l *Ledger) RefreshTokens(ctx context.Context) int {
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

// Unspent returns the refresh tokens that it was given and that can be used next.
func (l *Ledger) Unspent(ctx context.Context) (live []*storage.Credential) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.given {
		if c, err := l.Store.Credential(ctx, d); err == nil && !c.Spent() && !c.Revoked {
			live = append(live, c)
		}
	}
	return live
}

// NewLedger serves an endpoint over a ledger.
func NewLedger(t *testing.T, open Opener, options ...Option) (*Fixture, *Ledger) {
	t.Helper()
	l := &Ledger{}
	f := New(t, func(t testing.TB) storagetest.Store {
		l.Store = open(t)
		return l
	}, options...)
	return f, l
}

// Beside opens the store of another fixture, as a second process does.
func Beside(f *Fixture) Opener {
	return func(testing.TB) storagetest.Store { return f.Store.Store }
}

// Outcomes counts how all requests so far were reported.
func (f *Fixture) Outcomes() map[tokenendpoint.Outcome]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := make(map[tokenendpoint.Outcome]int)
	for _, e := range f.events {
		n[e.Outcome]++
	}
	return n
}
