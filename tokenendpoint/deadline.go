package tokenendpoint

import (
	"context"
	"sync"
	"time"
)

// deadline is a context that ends at an instant, as that of context.WithDeadline
// does, but whose timer starts when somebody first asks for its Done channel. A
// store in memory never does, and a timer is a twentieth of the price of an
// ES256 token. It is part of the exchange, so that it is not allocated either.
type deadline struct {
	context.Context // what it is derived from
	at              time.Time

	mu     sync.Mutex
	begun  context.Context // with the timer; nil until it is asked for
	cancel context.CancelFunc
	over   bool // the request is
}

var _ context.Context = (*deadline)(nil)

// begin sets the deadline. end must be called when the work is done.
func (d *deadline) begin(parent context.Context, at time.Time) context.Context {
	if earlier, ok := parent.Deadline(); ok && earlier.Before(at) {
		at = earlier
	}
	d.Context, d.at = parent, at
	return d
}

// end cancels whatever still waits for it.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.begun != nil {
		d.cancel()
	}
}

// start returns the context with the timer.
func (d *deadline) start() context.Context {
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
func (d *deadline) started() (context.Context, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun, d.over
}

// Deadline returns the instant.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done starts the timer.
func (d *deadline) Done() <-chan struct{} { return d.start().Done() }

// Err is nil until the instant has come, the parent has ended, or the request
// is over. From then on the channel of Done is closed.
func (d *deadline) Err() error {
	begun, over := d.started()
	switch {
	case begun != nil:
		return begun.Err()
	case over, d.Context.Err() != nil, !time.Now().Before(d.at):
		return d.start().Err()
	}
	return nil
}

// Value asks the context with the timer if there is one: that is how package
// context ties a child to it without a goroutine.
func (d *deadline) Value(key any) any {
	if begun, _ := d.started(); begun != nil {
		return begun.Value(key)
	}
	return d.Context.Value(key)
}
