package coalesce_test

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestCallerLeaves has callers whose contexts end.
func TestCallerLeaves(t *testing.T) {
	t.Run("while it waits: its row is in no statement", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			before, gone, after := p.call(t.Context(), 2), p.call(ctx, 3), p.call(t.Context(), 2)
			cancel()
			wantAll(t, "the caller that left", gone, false, context.Canceled)
			p.let(1)
			p.want(t, "the statement", fewRows, 4)
			close(p.next)
			wantAll(t, "the others", append(before, after...), true, nil)
		})
	})
	t.Run("while its row is in flight: the others keep their answers", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			gone, others := p.call(ctx, 3), p.call(t.Context(), 3)
			p.let(1)
			p.want(t, "in flight", fewRows, 6)
			cancel()
			wantAll(t, "the caller that left", gone, false, context.Canceled)
			close(p.next)
			wantAll(t, "the others", others, true, nil)
			p.want(t, "in the end", fewRows, 6)
		})
	})
	t.Run("while it leads: the others send their rows alone", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			others, leader := p.call(t.Context(), 5), p.call(ctx, 1)
			p.let(1)
			p.want(t, "in flight", fewRows, 6)
			cancel()
			wantAll(t, "the leader", leader, false, context.Canceled)
			close(p.next)
			wantAll(t, "the others", others, true, nil)
			p.want(t, "in the end", fewRows+6, 6)
		})
	})
	t.Run("when it is told to lead: another caller leads", func(t *testing.T) {
		for range 50 { // the caller learns both at once, and select takes either
			inBubble(t, func(t *testing.T, p *pretender) {
				p.busy(t)
				others := p.call(t.Context(), 3)
				gone := p.leave(&leaving{Context: t.Context(), first: func() { p.next <- struct{}{} }})
				p.want(t, "when it has left", fewRows, 3)
				close(p.next)
				wantAll(t, "the caller that left", []*caller{gone}, false, context.Canceled)
				wantAll(t, "the others", others, true, nil)
				p.next = make(chan struct{})
				p.call(t.Context(), fewRows+1)
				p.want(t, "callers after that", 2*fewRows, 3)
				close(p.next)
			})
		}
	})
	t.Run("before it comes: its row does not wait", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			p.busy(t)
			others := p.call(t.Context(), 3)
			gone := p.leave(&leaving{Context: t.Context(), ended: true, first: func() {
				others = append(others, p.call(t.Context(), 1)...) // this caller would lead
				p.next <- struct{}{}
			}})
			wantAll(t, "the caller that left", []*caller{gone}, false, context.Canceled)
			close(p.next)
			wantAll(t, "the others", others, true, nil)
			for _, all := range p.many {
				if len(all) > len(others) {
					t.Errorf("got a statement of %d rows, want %d at most", len(all), len(others))
				}
			}
		})
	})
}

// leaving is a context that ends when Done is called, after it has called
// first.
type leaving struct {
	context.Context
	first func()
	ended bool
}

func (l *leaving) Err() error {
	if l.ended {
		return context.Canceled
	}
	return nil
}

func (l *leaving) Done() <-chan struct{} {
	l.first()
	synctest.Wait()
	l.ended = true
	done := make(chan struct{})
	close(done)
	return done
}

// leave lets a caller come whose context is leaving.
func (p *pretender) leave(ctx *leaving) *caller {
	c := &caller{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.ok, c.err = p.Add(ctx, newRow())
	}()
	<-c.done
	return c
}
