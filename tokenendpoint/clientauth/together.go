package clientauth

import (
	"context"
	"sync"
)

// together lets requests that come at once with the same secret wait for the
// one of them that hashes, so that a process that has just started does not
// refuse all but the first of a client's requests. The zero value is ready.
type together struct {
	mu       sync.Mutex
	underWay map[mark]chan struct{}
}

// enter returns once nobody else has m under way, or with an error when ctx
// ends. Whoever is alone with m calls leave when done.
func (g *together) enter(ctx context.Context, m mark) (leave func(), err error) {
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

// join returns the channel that is closed when m is done, a new one if nobody
// has m under way.
func (g *together) join(m mark) (done chan struct{}, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done, ok := g.underWay[m]; ok {
		return done, false
	}
	if g.underWay == nil {
		g.underWay = make(map[mark]chan struct{})
	}
	done = make(chan struct{})
	g.underWay[m] = done
	return done, true
}

func (g *together) leave(m mark, done chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.underWay, m)
	close(done)
}
