package clientauth

import (
	"context"
	"net/netip"
	"sync"
)

// inFlight makes requests that come at once with the same secret wait for the first
// of them, which hashes. Without it a process that has just started would refuse all
// but the first of a client's requests. Only requests of one network wait for each
// other: another network's turns may be full of guesses. The zero value is ready.
type inFlight struct {
	mu       sync.Mutex
	underWay map[shownFrom]chan struct{}
}

// shownFrom is a secret that came from a network.
type shownFrom struct {
	fingerprint fingerprint
	network     netip.Prefix
}

// enter returns when no other request hashes m, or with an error when ctx ends. The
// caller then hashes, and calls leave when done.
func (g *inFlight) enter(ctx context.Context, m shownFrom) (leave func(), err error) {
	for {
		done, alone := g.join(m)
		if alone {
			return func() { g.leave(m, done) }, nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// join returns the channel that is closed when the hashing of m ends. If no other
// request hashes m, the channel is new and the caller is alone.
func (g *inFlight) join(m shownFrom) (done chan struct{}, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done, ok := g.underWay[m]; ok {
		return done, false
	}
	if g.underWay == nil {
		g.underWay = make(map[shownFrom]chan struct{})
	}
	done = make(chan struct{})
	g.underWay[m] = done
	return done, true
}

func (g *inFlight) leave(m shownFrom, done chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.underWay, m)
	close(done)
}
