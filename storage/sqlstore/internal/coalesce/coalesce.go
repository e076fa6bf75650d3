// Package coalesce lets writes, or reads, of one kind that come at once share a statement.
// It needs no goroutine and no timer, and while few callers come, none waits.
package coalesce

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Key is a value that no two rows of a table may share.
type Key [32]byte

// Row is a row that a caller adds, or looks up. Another caller may send it when its own has
// left. So a row refers to no memory that its caller may change, and a caller that has left
// reads nothing that Alone or Shared writes into the row.
type Row interface {
	// Keys are the key of the row's parent, which for a row without one is its
	// own, and its own.
	Keys() [2]Key
	// Size is about how many bytes the row has.
	Size() int
}

// Queue coalesces writes. Alone must be set before the first Add.
//
//   - A caller that arrives while fewer than [Limits.FewRows] rows are in flight
//     sends its row alone, as if there were no queue.
//   - A caller that arrives while more are in flight waits. When a statement
//     ends, the queue tells one waiting caller to lead: to send the rows of
//     all, up to MostRows, in one statement, and to tell the others the result.
//     When the waiting rows half fill a statement, the queue sends it without
//     waiting for another to end: a server with a second processor begins with
//     it, and a statement that hangs does not hold up all the others.
//   - A statement that takes a quarter of the time that its leader has, or
//     MostPatience, counts as in flight no more: its connection may hang. The
//     next caller that arrives sends a statement, and takes those that wait
//     with it. Without that, a few connections that hang would stop all callers
//     until their contexts end, as they stop nobody else without a queue.
//   - The others learn whether the statement went well and, if so, whether it
//     added their row. If it did, they have succeeded. If it did not, each
//     caller looks for its own reason. A failed statement proves nothing,
//     whichever the reason: each caller sends its row again, alone and
//     unchanged. So one bad row spoils nothing for the others.
//
// A caller that waits leaves when its context ends. Its row may be in flight. A
// statement has the context of its leader: when that ends, the leader leaves at
// once too, and the others send their rows alone. This is rare, since the
// caller that came last leads: if all are equally patient, it has the most time
// left.
//
// No two rows of a statement have a key in common. Rivals of a row in flight go
// alone when its statement is over, so that no verdict rests on how a database
// treats a conflict within a statement, and a race for one credential does not
// fail the statement where a conflict is an error.
type Queue[R Row] struct {
	// Alone sends one row, and reports whether it was added.
	Alone func(context.Context, R) (bool, error)
	// Shared sends several rows, once, in the given order, and returns a
	// function that gives each row's result. If Shared is nil, the queue
	// coalesces nothing.
	Shared func(context.Context, []R) (func(R) Result, error)
	// Reads says that callers look up rows instead of adding them. Added then says that
	// the statement has an answer for the row. Rows with a key in common are no rivals,
	// and share a statement.
	Reads bool
	Limits

	mu      sync.Mutex
	leaders []*entry[R] // of the statements that count as in flight
	rows    int         // in them
	crowded bool        // the last leader had many with it
	waiting []*entry[R] // in the order in which they came
}

const (
	// MostRows share a statement. By row, one of 64 costs less than a third of
	// one of its own, and not much less than one of 16.
	MostRows = 64
	// ManyRows need not wait for another statement. With 64 callers on two
	// processors, two statements of 32 rows did a quarter more than one of 64.
	ManyRows = MostRows / 2
	// MostBytes is the size of a row that may share a statement. Larger ones go
	// alone: 64 of them might be more than a server accepts at once.
	MostBytes = 16 << 10
	// MostPatience is how long a statement counts as in flight whose leader has
	// much time, or no end of it.
	MostPatience = 10 * time.Second
)

// Limits say how much may be in flight before others wait. They are measured.
type Limits struct {
	// FewRows go alone, each at once. A server commits eight statements about
	// as fast as one, so that it would be in vain to wait.
	FewRows int
	// MostStatements are in flight when there are more rows, or were just now:
	// one, and others if they have many rows. Each further one takes rows away
	// from the first, and makes work for the server with them.
	MostStatements int
}

// Result tells whether a statement added a row.
type Result int

const (
	// Added says that the row was added.
	Added Result = iota + 1
	// NotAdded says that the statement went well, and that it is not known to
	// have added the row.
	NotAdded
	// Failed says that the statement failed, or was a rival's: the caller sends
	// its row alone.
	Failed
	// lead tells a caller that waits to send its row and those of others.
	lead
)

// entry is a row in the queue.
type entry[R Row] struct {
	row  R
	keys [2]Key
	told chan Result // nil if it never waited

	// Of a leader: how many rows its statement has, when its own time ends, if
	// ever, and when the statement counts as in flight no more.
	rows      int
	end, late time.Time
}

// mayBegin reports whether one more statement may be in flight.
func (q *Queue[R]) mayBegin() bool {
	q.forgetLate()
	switch {
	case len(q.leaders) == 0:
		return true
	case !q.crowded && q.rows < q.FewRows:
		return true
	}
	return len(q.waiting) >= ManyRows-1 && len(q.leaders) < q.MostStatements
}

// forgetLate leaves out the statements that have been in flight for too long.
func (q *Queue[R]) forgetLate() {
	if len(q.leaders) == 0 {
		return
	}
	now := time.Now() // it measures a duration
	q.leaders = slices.DeleteFunc(q.leaders, func(e *entry[R]) bool {
		late := !now.Before(e.late)
		if late {
			q.rows -= e.rows
		}
		return late
	})
}

// Add adds a row, and reports whether it is known to have been added. If it is
// not, with or without an error, the caller looks for the reason.
func (q *Queue[R]) Add(ctx context.Context, row R) (bool, error) {
	switch {
	case ctx.Err() != nil: // or a leader might take the row before its caller leaves
		return false, ctx.Err()
	case q.Shared == nil || row.Size() > MostBytes:
		return q.Alone(ctx, row)
	}
	e := &entry[R]{row: row, keys: row.Keys()}
	told, err := q.enter(ctx, e)
	if told == lead {
		told, err = q.lead(ctx, e)
	}
	if told == Failed {
		return q.Alone(ctx, e.row)
	}
	return told == Added, err
}

// enter returns the result that e is told, or an error if ctx ends before that.
func (q *Queue[R]) enter(ctx context.Context, e *entry[R]) (Result, error) {
	q.mu.Lock()
	e.end, _ = ctx.Deadline()
	if q.mayBegin() {
		q.begin(e)
		q.mu.Unlock()
		return lead, nil
	}
	e.told = make(chan Result, 1)
	q.waiting = append(q.waiting, e)
	q.mu.Unlock()

	select {
	case told := <-e.told:
		if told == lead && ctx.Err() != nil { // its statement would fail the others
			q.end(e)
			return 0, ctx.Err()
		}
		return told, nil
	case <-ctx.Done():
		q.leave(e)
		return 0, ctx.Err()
	}
}

// leave takes e out of the queue. If it was told to lead, another must.
func (q *Queue[R]) leave(e *entry[R]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, e); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		return
	}
	select {
	case told := <-e.told:
		if told == lead {
			q.endLocked(e)
		}
	default: // its row is in flight
	}
}

// lead sends e's row together with those of other waiting callers, and returns
// the result for e. Even if the driver panics, lead tells the others their
// results, and the next one leads.
func (q *Queue[R]) lead(ctx context.Context, e *entry[R]) (Result, error) {
	if e.told != nil {
		runtime.Gosched() // callers that were just told come again, if they have more to do
	}
	all, rivals := q.take(e)
	result := func(R) Result { return Failed }
	defer func() {
		for _, other := range all {
			if other != e {
				other.told <- result(other.row)
			}
		}
		for _, rival := range rivals {
			rival.told <- Failed
		}
		q.end(e)
	}()
	if len(all) == 1 {
		ok, err := q.Alone(ctx, e.row)
		if !ok {
			return NotAdded, err
		}
		return Added, nil
	}
	rows := make([]R, len(all))
	for i, other := range all {
		rows[i] = other.row
	}
	if told, err := q.Shared(ctx, rows); err == nil {
		result = told
	}
	return result(e.row), nil
}

// take returns the entries that share a statement with e, which is one of them,
// and those that would if they had no key in common with one of these. All
// replicas put them in the same order, so that of two statements that add the
// same rows one waits for the other, and not each for the other.
func (q *Queue[R]) take(e *entry[R]) (all, rivals []*entry[R]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all = append(all, e)
	n := min(len(q.waiting), MostRows-1)
	if n == 0 && e.told == nil {
		return all, nil
	}
	taken := map[Key]bool{e.keys[0]: true, e.keys[1]: true}
	for _, next := range q.waiting[:n] {
		if !q.Reads && (taken[next.keys[0]] || taken[next.keys[1]]) {
			rivals = append(rivals, next)
			continue
		}
		taken[next.keys[0]], taken[next.keys[1]] = true, true
		all = append(all, next)
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
	if slices.Contains(q.leaders, e) { // it is not late yet
		q.rows += len(all) - 1
	}
	e.rows = len(all)
	q.crowded = len(all) > q.FewRows
	slices.SortFunc(all, func(a, b *entry[R]) int { return bytes.Compare(a.keys[0][:], b.keys[0][:]) })
	return all, rivals
}

// begin notes a statement with the row of its leader in it.
func (q *Queue[R]) begin(e *entry[R]) {
	now := time.Now() // it measures a duration
	e.rows, e.late = 1, now.Add(MostPatience)
	if quarter := e.end.Sub(now) / 4; !e.end.IsZero() && quarter < MostPatience {
		e.late = now.Add(quarter)
	}
	q.leaders = append(q.leaders, e)
	q.rows++
}

// end notes that the statement of a leader is over, and lets the last caller that
// came lead.
func (q *Queue[R]) end(e *entry[R]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLocked(e)
}

func (q *Queue[R]) endLocked(e *entry[R]) {
	if i := slices.Index(q.leaders, e); i >= 0 {
		q.leaders = slices.Delete(q.leaders, i, i+1)
		q.rows -= e.rows
	}
	last := len(q.waiting) - 1
	if last < 0 || !q.mayBegin() {
		return
	}
	next := q.waiting[last]
	q.waiting = slices.Delete(q.waiting, last, last+1)
	q.begin(next)
	next.told <- lead
}
