// Package deadline has a context whose deadline costs nothing until a caller
// waits for it, and the deadline of a body.
package deadline

import (
	"context"
	"sync"
	"time"
)

// Context is a context that ends at an instant, as a context of
// [context.WithDeadline] does. Its timer starts when a caller first asks for its
// Done channel. A store in memory never asks, and a timer is a twentieth of the
// price of an ES256 token. A Context can be a field, so that nothing is
// allocated for it either. It must not be copied after Begin.
type Context struct {
	context.Context // the parent
	at              time.Time

	mu     sync.Mutex
	begun  context.Context // with the timer; nil until it is asked for
	cancel context.CancelFunc
	over   bool // the request is
}

var _ context.Context = (*Context)(nil)

// Begin sets the deadline. End must be called when the work is done.
func (d *Context) Begin(parent context.Context, at time.Time) context.Context {
	if end, ok := parent.Deadline(); ok && end.Before(at) {
		at = end
	}
	d.Context, d.at = parent, at
	return d
}

// End cancels everything that still waits for the context.
func (d *Context) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.begun != nil {
		d.cancel()
	}
}

// start returns the context with the timer.
func (d *Context) start() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun == nil {
		d.begun, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.over {
			d.cancel()
		}
	}
	return d.begun
}

// started returns the context with the timer, or nil, and whether the request
// is over.
func (d *Context) started() (context.Context, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun, d.over
}

// Deadline returns the instant.
func (d *Context) Deadline() (time.Time, bool) { return d.at, true }

// Done starts the timer.
func (d *Context) Done() <-chan struct{} { return d.start().Done() }

// Err is nil until the instant has come, the parent has ended, or the request
// is over. From then on the channel of Done is closed.
func (d *Context) Err() error {
	begun, over := d.started()
	switch {
	case begun != nil:
		return begun.Err()
	case over, d.Context.Err() != nil, time.Until(d.at) <= 0:
		return d.start().Err()
	}
	return nil
}

// Value asks the context with the timer if there is one: that is how package
// context ties a child to it without a goroutine.
func (d *Context) Value(key any) any {
	if begun, _ := d.started(); begun != nil {
		return begun.Value(key)
	}
	return d.Context.Value(key)
}
