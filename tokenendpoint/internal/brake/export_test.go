package brake

import (
	"context"
	"time"
)

// Rates is a table of counts.
type Rates struct{ r *Table }

// NewRates returns a table.
func NewRates(burst int, interval time.Duration) Rates { return Rates{New(burst, interval)} }

// Reserve takes room, and waits if it must.
func (r Rates) Reserve(ctx context.Context, p uint64) (settle func(failed bool), wait time.Duration, err error) {
	return r.ReserveWithin(ctx, p, time.Minute)
}

// ReserveWithin takes room, and waits no longer than patience.
func (r Rates) ReserveWithin(ctx context.Context, p uint64, patience time.Duration) (settle func(failed bool), wait time.Duration, err error) {
	v := new(Reservation)
	wait, err = v.Take(ctx, r.r, Slot(p), patience)
	return v.Settle, wait, err
}

// Try takes room if there is any now.
func (r Rates) Try(p uint64) (settle func(failed bool), wait time.Duration) {
	v := new(Reservation)
	wait = v.Try(r.r, Slot(p))
	return v.Settle, wait
}

// Add counts a failure.
func (r Rates) Count(p uint64) { r.r.Count(Slot(p)) }

// Wait says how long it takes until there is room.
func (r Rates) Wait(p uint64) time.Duration { return r.r.Wait(Slot(p)) }

// Waiting is how many requests wait for a count of the page of a Slot.
func (r Rates) Waiting(p uint64) (n int) {
	pg := &r.r.pages[p%ratePages]
	pg.mu.Lock()
	defer pg.mu.Unlock()
	for _, queue := range pg.waiting {
		n += len(queue)
	}
	return n
}

// Pages is how many pages there are by now.
func (r Rates) Pages() (n int) {
	for i := range r.r.pages {
		if r.r.pages[i].counts != nil {
			n++
		}
	}
	return n
}
