// Package brake counts failures, and reserves one before it is known whether
// there is one.
package brake

import (
	"sync"
	"time"
)

const (
	ratePages  = 128
	pageCounts = 512
)

// Table is a table of counts. Each rises by one with a failure, up to burst at
// once, and falls by one in each interval.
//
// A reservation counts as a failure until it is settled, and it is taken under the
// lock that decides whether there is room for it. However many requests come at
// once, no more than burst of them, and one more in each interval, can fail.
//
// The table takes a mebibyte at most. A page of it, 8 KiB, is made when the first
// of its counts is used. It keeps nothing that a request brings: a count has its
// slot by a hash under a key of the process, so that nobody can choose whose
// count to share, or push one out.
//
// A count keeps its debt and the instant of that debt, and no future instant. So
// no count stands longer than burst intervals, even if the clock is set back.
type Table struct {
	burst    time.Duration // in intervals
	interval time.Duration
	start    time.Time // for the monotonic clock
	pages    [ratePages]page
}

// Slot is the place of a count in the table: a hash.
type Slot uint64

// page is a part of a table that has a lock of its own.
type page struct {
	mu      sync.Mutex
	counts  *[pageCounts]count
	waiting map[*count][]chan time.Duration // in the order in which they came, see Reservation.Take
}

// count is 16 bytes. Up to 35 minutes of microseconds fit into 32 bits.
type count struct {
	last     time.Duration // since the start; of no meaning while failed is zero
	failed   micros        // the rest of the failures at that time
	underWay micros        // reservations
}

type micros uint32

func microsOf(d time.Duration) micros { return micros(d / time.Microsecond) }

func (m micros) duration() time.Duration { return time.Duration(m) * time.Microsecond }

// New returns a table of counts that are all zero.
func New(burst int, interval time.Duration) *Table {
	return &Table{burst: time.Duration(burst) * interval, interval: interval, start: time.Now()}
}

// lock returns a count as it is now, and its page, whose lock the caller has then.
func (r *Table) lock(p Slot) (*page, *count) {
	pg := &r.pages[p%ratePages]
	pg.mu.Lock()
	if pg.counts == nil {
		pg.counts = new([pageCounts]count)
	}
	c := &pg.counts[p/ratePages%pageCounts]
	if c.failed > 0 { // else there is nothing to forget, and nobody reads the clock
		now := r.now()
		passed := max(now-c.last, 0) // a clock that runs backwards forgets nothing
		c.failed = microsOf(max(c.failed.duration()-passed, 0))
		c.last = now
	}
	return pg, c
}

func (r *Table) now() time.Duration { return time.Since(r.start).Truncate(time.Microsecond) }

// full returns how long it takes until there is room for one more failure,
// however the reservations end; zero if there may be room now.
func (r *Table) full(c *count) time.Duration {
	return max(c.failed.duration()+r.interval-r.burst, 0)
}

// hasRoom reports whether one more may fail, even if all that is under way fails.
func (r *Table) hasRoom(c *count) bool {
	return (c.failed+c.underWay).duration()+r.interval <= r.burst
}

func (r *Table) fail(c *count) {
	if c.failed == 0 { // lock has not read the clock
		c.last = r.now()
	}
	c.failed = microsOf(min(c.failed.duration()+r.interval, r.burst))
}

// Count counts a failure that nobody has reserved.
func (r *Table) Count(p Slot) {
	pg, c := r.lock(p)
	defer pg.mu.Unlock()
	r.fail(c)
}

// Wait returns how long it takes until one more may fail, and reserves nothing.
func (r *Table) Wait(p Slot) time.Duration {
	pg, c := r.lock(p)
	defer pg.mu.Unlock()
	return r.full(c)
}
