package brake

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Reservation is room for one failure. The zero value has none.
type Reservation struct {
	table *Table
	slot  Slot
}

// Try takes room if there is any, and returns else how long it may take until
// there is.
func (v *Reservation) Try(r *Table, p Slot) time.Duration {
	pg, c := r.lock(p)
	defer pg.mu.Unlock()
	if !r.hasRoom(c) {
		return max(r.full(c), r.interval)
	}
	c.underWay += microsOf(r.interval)
	*v = Reservation{r, p}
	return 0
}

// Take takes room. While only the outcome of requests under way can tell whether
// there is any, it waits for them: a client of whose requests many come at once is
// not refused for failures that never happen. It waits no longer than patience, so
// that a request which gets room still has time to be judged. The returned wait is
// not zero if there is none, and then nothing is taken. The error is the one of ctx,
// or context.DeadlineExceeded: the requests under way took too long. If failures take
// more of the room than those requests, there is a wait in place of a deadline.
func (v *Reservation) Take(ctx context.Context, r *Table, p Slot, patience time.Duration) (wait time.Duration, err error) {
	pg, c := r.lock(p)
	if wait := r.full(c); wait > 0 {
		pg.mu.Unlock()
		return wait, nil
	}
	if r.hasRoom(c) {
		c.underWay += microsOf(r.interval)
		*v = Reservation{r, p}
		pg.mu.Unlock()
		return 0, nil
	}
	turn := make(chan time.Duration, 1)
	if pg.waiting == nil {
		pg.waiting = make(map[*count][]chan time.Duration)
	}
	pg.waiting[c] = append(pg.waiting[c], turn)
	pg.mu.Unlock()
	end := time.NewTimer(patience)
	defer end.Stop()
	select {
	case wait = <-turn:
	case <-end.C:
		err = context.DeadlineExceeded
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		switch failures, ok := r.leave(p, turn); {
		case ok && failures && errors.Is(err, context.DeadlineExceeded):
			return r.interval, nil
		case ok:
			return 0, err
		}
		wait = <-turn // it came at the same time
	}
	if wait == 0 {
		*v = Reservation{r, p}
	}
	return wait, nil
}

// leave ends a wait, and reports whether failures take most of the room. ok is
// false if its turn has come.
func (r *Table) leave(p Slot, turn chan time.Duration) (failures, ok bool) {
	pg, c := r.lock(p)
	defer pg.mu.Unlock()
	at := slices.Index(pg.waiting[c], turn)
	if at < 0 {
		return false, false
	}
	pg.keep(c, slices.Delete(pg.waiting[c], at, at+1))
	return c.failed > c.underWay, true
}

// keep notes the requests that still wait for a count.
func (pg *page) keep(c *count, queue []chan time.Duration) {
	if len(queue) == 0 {
		delete(pg.waiting, c)
		return
	}
	pg.waiting[c] = queue
}

// Settle gives the room back, or keeps it if the request has failed, and tells
// those that waited for it.
func (v *Reservation) Settle(failed bool) {
	r, p := v.table, v.slot
	if r == nil {
		return
	}
	*v = Reservation{}
	pg, c := r.lock(p)
	defer pg.mu.Unlock()
	c.underWay -= microsOf(r.interval)
	if failed {
		r.fail(c)
	}
	if len(pg.waiting) > 0 {
		pg.keep(c, r.next(pg.waiting[c], c))
	}
}

// next answers those waiting callers of a count whose outcome is settled, and
// returns the others.
func (r *Table) next(queue []chan time.Duration, c *count) []chan time.Duration {
	for len(queue) > 0 {
		wait := r.full(c)
		if wait == 0 && !r.hasRoom(c) {
			break
		}
		if wait == 0 {
			c.underWay += microsOf(r.interval)
		}
		queue[0] <- wait // it has room for one
		queue = queue[1:]
	}
	return queue
}
