package sqlstore

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/contit/oauth/storage"
)

// queue lets writes of one kind that come at once share a statement. It needs
// no goroutine and no timer, and while few write, nobody waits:
//
//   - Who comes while less than a few rows are under way sends a row of its own,
//     as if there were no queue.
//   - Who comes while more are under way waits. When that is over, one of those
//     who wait is told to lead: to send the rows of all, up to mostRows, in one
//     statement, and to tell the others what came of it. When so many wait that
//     a statement is half full, it need not wait for another: a server with a
//     second processor begins with it, and one that hangs does not hold up all
//     the others.
//   - What the others learn is whether the statement went well and, if so,
//     whether it added their row. That it did is success. If it did not, each
//     looks for its own reason. From a statement that failed, for whatever
//     reason, nothing follows: each sends its row again, alone, with the receipt
//     that it had. So one bad row spoils nothing for the others, and an answer
//     that was lost is found by the receipt, as it is for a row that was alone
//     from the start.
//
// Who waits and whose context ends leaves. Its row may be under way. The context
// of a statement is its leader's: when that ends, the leader leaves at once too,
// and the others send their rows alone. This is rare, since the last who came
// leads: of callers who are equally patient it has the most time left.
//
// No two rows of a statement have a key in common. Rivals of a row that is under
// way go alone when it is over, so that no verdict rests on what a database
// makes of a conflict within a statement, and a race for one credential does not
// fail the statement where a conflict is an error.
type queue struct {
	alone func(context.Context, *write) (bool, error)
	// together sends several rows, once, in the order in which they are given,
	// and returns what to tell to each of their callers. If it is nil, nothing
	// is coalesced.
	together func(context.Context, []*write) (func(*write) word, error)
	limits

	mu         sync.Mutex
	statements int      // under way
	rows       int      // in them
	crowded    bool     // the last who was told to lead had many with it
	waiting    []*write // in the order in which they came
}

const (
	// mostRows share a statement. By row, one of 64 costs less than a third of
	// one of its own, and not much less than one of 16.
	mostRows = 64
	// manyRows need not wait for another statement. With 64 callers on two
	// processors, two statements of 32 rows did a quarter more than one of 64.
	manyRows = mostRows / 2
	// mostBytes is the size of a row that may share a statement. Larger ones go
	// alone: 64 of them might be more than a server accepts at once.
	mostBytes = 16 << 10
)

// limits say what may be under way before others wait. They are measured.
type limits struct {
	// fewRows go alone, each at once. A server commits eight statements about
	// as fast as one, so that it would be in vain to wait.
	fewRows int
	// mostStatements are under way when there are more rows, or were just now:
	// one, and others if they have many rows. Each further one takes rows away
	// from the first, and makes work for the server with them.
	mostStatements int
}

// limits: SQLite has one writer at a time. Others would wait for the file
// instead, and find out by turns whether it is free.
func (d Dialect) limits() limits {
	if d == SQLite {
		return limits{fewRows: 1, mostStatements: 1}
	}
	return limits{fewRows: 8, mostStatements: 4}
}

// mayBegin reports whether one more statement may be under way.
func (q *queue) mayBegin() bool {
	switch {
	case q.statements == 0:
		return true
	case !q.crowded && q.rows < q.fewRows:
		return true
	}
	return len(q.waiting) >= manyRows-1 && q.statements < q.mostStatements
}

// write is a row that is to be added.
type write struct {
	*args
	// keys are what no other row may have: the digest of its parent, which for
	// a row without one is its own, and its own.
	keys [2]storage.Digest
	told chan word // nil if it never waited
}

// word is what someone who waits is told, once.
type word int

const (
	lead     word = iota + 1 // send your row and those of others
	added                    // your row was added
	notAdded                 // the statement went well, but nobody knows that it added your row
	failed                   // the statement failed, or was a rival's: send your row alone
)

// newWrite makes a write of a row whose first column is its digest.
func newWrite(a *args, parent storage.Digest) *write {
	return &write{args: a, keys: [2]storage.Digest{parent, storage.Digest(a.values[0].([]byte))}}
}

func (w *write) digest() storage.Digest { return w.keys[1] }

// add adds a row, and reports whether it is known to have been added. If it is
// not, with or without an error, the caller looks what became of it.
func (q *queue) add(ctx context.Context, w *write) (bool, error) {
	switch {
	case ctx.Err() != nil: // or a leader might take it before it leaves
		return false, ctx.Err()
	case q.together == nil || w.size() > mostBytes:
		return q.alone(ctx, w)
	}
	told, err := q.enter(ctx, w)
	if told == lead {
		told, err = q.lead(ctx, w)
	}
	if told == failed {
		return q.alone(ctx, w)
	}
	return told == added, err
}

// enter returns what w is told, or an error if ctx ends before that.
func (q *queue) enter(ctx context.Context, w *write) (word, error) {
	q.mu.Lock()
	if q.mayBegin() {
		q.begin()
		q.mu.Unlock()
		return lead, nil
	}
	w.detach()
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()

	select {
	case told := <-w.told:
		if told == lead && ctx.Err() != nil { // it would fail the others
			q.end(1)
			return 0, ctx.Err()
		}
		return told, nil
	case <-ctx.Done():
		q.leave(w)
		return 0, ctx.Err()
	}
}

// detach makes w one that another may send: its caller may leave before that,
// and change what it brought.
func (w *write) detach() {
	w.told = make(chan word, 1)
	for i, v := range w.values {
		if b, ok := v.([]byte); ok {
			w.values[i] = bytes.Clone(b)
		}
	}
}

// leave takes w out of the queue. If it was told to lead, another must.
func (q *queue) leave(w *write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, w); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		return
	}
	select {
	case told := <-w.told:
		if told == lead {
			q.endLocked(1)
		}
	default: // its row is under way
	}
}

// lead sends w's row together with those of others who wait, and returns what
// came of it for w. Even if the driver panics, the others are told what came of
// it for them, and the next one leads.
func (q *queue) lead(ctx context.Context, w *write) (word, error) {
	if w.told != nil {
		runtime.Gosched() // those who were just told come again, if there is more to do
	}
	all, rivals := q.take(w)
	verdict := func(*write) word { return failed }
	defer func() {
		for _, other := range all {
			if other != w {
				other.told <- verdict(other)
			}
		}
		for _, rival := range rivals {
			rival.told <- failed
		}
		q.end(len(all))
	}()
	if len(all) == 1 {
		ok, err := q.alone(ctx, w)
		if !ok {
			return notAdded, err
		}
		return added, nil
	}
	if told, err := q.together(ctx, all); err == nil {
		verdict = told
	}
	return verdict(w), nil
}

// take returns the writes that share a statement with w, which is one of them,
// and those that would if they had no key in common with one of these. All
// replicas put them in the same order, so that of two statements that add the
// same rows one waits for the other, and not each for the other.
func (q *queue) take(w *write) (all, rivals []*write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all = append(all, w)
	n := min(len(q.waiting), mostRows-1)
	if n == 0 && w.told == nil {
		return all, nil
	}
	taken := map[storage.Digest]bool{w.keys[0]: true, w.keys[1]: true}
	for _, next := range q.waiting[:n] {
		if taken[next.keys[0]] || taken[next.keys[1]] {
			rivals = append(rivals, next)
			continue
		}
		taken[next.keys[0]], taken[next.keys[1]] = true, true
		all = append(all, next)
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.rows += len(all) - 1
	q.crowded = len(all) > q.fewRows
	slices.SortFunc(all, func(a, b *write) int { return bytes.Compare(a.keys[0][:], b.keys[0][:]) })
	return all, rivals
}

// begin notes a statement with a row in it.
func (q *queue) begin() {
	q.statements++
	q.rows++
}

// end notes that a statement is over, and lets the last who came lead.
func (q *queue) end(rows int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endLocked(rows)
}

func (q *queue) endLocked(rows int) {
	q.statements--
	q.rows -= rows
	last := len(q.waiting) - 1
	if last < 0 || !q.mayBegin() {
		return
	}
	w := q.waiting[last]
	q.waiting = slices.Delete(q.waiting, last, last+1)
	q.begin()
	w.told <- lead
}
