package coalesce_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

const fewRows, mostStatements = 8, 4

// row is a row that has a digest, a parent and a blob.
type row struct {
	Digest, Parent storage.Digest
	Blob           []byte
}

// Keys implements [coalesce.Row].
func (r *row) Keys() [2]coalesce.Key {
	return [2]coalesce.Key{coalesce.Key(r.Parent), coalesce.Key(r.Digest)}
}

// Size implements [coalesce.Row].
func (r *row) Size() int { return len(r.Digest) + len(r.Blob) }

func newQueue(alone func(context.Context, *row) (bool, error), shared func(context.Context, []*row) (func(*row) coalesce.Result, error)) *coalesce.Queue[*row] {
	return &coalesce.Queue[*row]{Alone: alone, Shared: shared, Limits: coalesce.Limits{FewRows: fewRows, MostStatements: mostStatements}}
}

var errStatement = errors.New("the statement failed")

// pretender is a database that executes a statement when it is let.
type pretender struct {
	*coalesce.Queue[*row]
	// verdict returns the result of a shared statement for each row, unless the
	// statement fails.
	verdict func(*row) coalesce.Result
	// fail, if not nil, returns the error of a shared statement.
	fail func(ctx context.Context) error

	mu    sync.Mutex
	alone []*row        // the rows that were sent alone
	many  [][]*row      // the rows that were sent together
	now   int           // how many statements are in flight
	next  chan struct{} // each value lets one statement go on; if closed, all go on
}

func newPretender() *pretender {
	p := &pretender{next: make(chan struct{}), verdict: func(*row) coalesce.Result { return coalesce.Added }}
	p.Queue = newQueue(
		func(ctx context.Context, r *row) (bool, error) {
			p.note(func() { p.alone = append(p.alone, r) })
			err := p.wait(ctx)
			return err == nil, err
		},
		func(ctx context.Context, all []*row) (func(*row) coalesce.Result, error) {
			p.note(func() { p.many = append(p.many, all) })
			err := p.wait(ctx)
			if err == nil && p.fail != nil {
				err = p.fail(ctx)
			}
			return p.verdict, err
		})
	return p
}

func (p *pretender) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *pretender) wait(ctx context.Context) error {
	p.note(func() { p.now++ })
	defer p.note(func() { p.now-- })
	select {
	case <-p.next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// counts returns how many rows were sent alone, and how many together.
func (p *pretender) counts() (alone int, together []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range p.many {
		together = append(together, len(all))
	}
	return len(p.alone), together
}

func (p *pretender) want(t *testing.T, what string, alone int, together ...int) {
	t.Helper()
	synctest.Wait()
	gotAlone, gotTogether := p.counts()
	if gotAlone != alone || !slices.Equal(gotTogether, together) {
		t.Errorf("%s: got %d rows alone and statements of %d rows, want %d and %d", what, gotAlone, gotTogether, alone, together)
	}
}

// let lets statements go on, one after the other.
func (p *pretender) let(n int) {
	for range n {
		p.next <- struct{}{}
		synctest.Wait()
	}
}

// caller adds a row, and has its result when it is done.
type caller struct {
	row  *row
	ctx  context.Context
	done chan struct{}
	ok   bool
	err  error
}

func newRow() *row {
	return &row{Digest: storage.NewSecret("").Digest("row"), Parent: storage.NewSecret("").Digest("row"), Blob: []byte("blob")}
}

// call lets callers come, one after the other. Each has a row of its own.
func (p *pretender) call(ctx context.Context, n int) (all []*caller) {
	for range n {
		all = append(all, p.callWith(ctx, newRow()))
	}
	return all
}

func (p *pretender) callWith(ctx context.Context, r *row) *caller {
	c := &caller{row: r, ctx: ctx, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		defer func() {
			if r := recover(); r != nil {
				c.err = r.(error)
			}
		}()
		c.ok, c.err = p.Add(ctx, r)
	}()
	synctest.Wait()
	return c
}

// busy keeps so many rows in flight that the next caller waits.
func (p *pretender) busy(t *testing.T) []*caller {
	t.Helper()
	all := p.call(t.Context(), fewRows)
	p.want(t, "before a caller waits", fewRows)
	return all
}

// wantAll waits for callers, and compares their results.
func wantAll(t *testing.T, what string, all []*caller, ok bool, err error) {
	t.Helper()
	synctest.Wait()
	for _, c := range all {
		select {
		case <-c.done:
			if c.ok != ok || !errors.Is(c.err, err) {
				t.Errorf("%s: got %t and error %v, want %t and %v", what, c.ok, c.err, ok, err)
			}
		default:
			t.Errorf("%s: got no answer, want %t and error %v", what, ok, err)
		}
	}
}

// inBubble runs a test with a pretender.
func inBubble(t *testing.T, f func(t *testing.T, p *pretender)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newPretender()) })
}

func TestLoneCallerSendsItsRowAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		for i := range 3 {
			one := p.call(t.Context(), 1)
			p.want(t, "one after the other", i+1)
			p.let(1)
			wantAll(t, "one after the other", one, true, nil)
		}
	})
}

func TestCallersThatWaitShareAStatement(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		first, others := p.busy(t), p.call(t.Context(), 10)
		p.want(t, "while statements are in flight", fewRows)
		p.let(1)
		p.want(t, "when one of them is over", fewRows, 10)
		for i, r := range p.many[0][1:] {
			if bytes.Compare(p.many[0][i].Parent[:], r.Parent[:]) >= 0 {
				t.Errorf("row %d: got it after one with a larger key, want them in order: replicas would wait for each other", i+1)
			}
		}
		close(p.next)
		wantAll(t, "the first", first, true, nil)
		wantAll(t, "the others", others, true, nil)
	})
}

func TestRowsOfAStatementAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		first, others := p.busy(t), p.call(t.Context(), 2*coalesce.MostRows+5)
		close(p.next)
		wantAll(t, "the first", first, true, nil)
		wantAll(t, "the others", others, true, nil)
		_, together := p.counts()
		total := 0
		for _, n := range together {
			total += n
		}
		if slices.Max(together) != coalesce.MostRows || total < len(others)-fewRows {
			t.Errorf("got statements of %d rows, want all of %d, at most %d in one", together, len(others), coalesce.MostRows)
		}
	})
}

func TestFewStatementsAreInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		others := p.call(t.Context(), 6*coalesce.MostRows)
		p.let(fewRows)
		full := coalesce.MostRows
		p.want(t, "when the first callers are done", fewRows, full, full, full, full)
		if p.now != mostStatements {
			t.Errorf("in flight: got %d statements, want %d", p.now, mostStatements)
		}
		p.let(2)
		p.want(t, "when two more are done", fewRows, full, full, full, full, full, full)
		others = append(others, p.call(t.Context(), 3)...)
		p.let(mostStatements - 1)
		p.want(t, "when one statement is in flight", fewRows, full, full, full, full, full, full)
		p.let(1)
		p.want(t, "when all are done", fewRows, full, full, full, full, full, full, 3)
		p.let(1)
		wantAll(t, "all", others, true, nil)

		p.call(t.Context(), fewRows)
		p.want(t, "callers after the crowd", 2*fewRows, full, full, full, full, full, full, 3)
		close(p.next)
	})
}

// The callers of a crowd come again and share statements again, all but the first, until
// the crowd is small.
func TestCrowdThatComesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		p.call(t.Context(), 20)
		p.let(fewRows)
		p.want(t, "a crowd", fewRows, 20)
		p.let(1)
		p.call(t.Context(), 5)
		p.want(t, "callers that come again", fewRows+1, 20)
		p.let(1)
		p.want(t, "when the first of them is done", fewRows+1, 20, 4)
		p.let(1)
		p.call(t.Context(), fewRows)
		p.want(t, "callers after the crowd", 2*fewRows+1, 20, 4)
		close(p.next)
	})
}

// A statement that hangs holds up waiting callers only until their rows half
// fill the next one.
func TestStatementThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		hung := p.call(t.Context(), fewRows+1)
		p.let(1)
		p.want(t, "the statement that hangs", fewRows, len(hung))
		p.let(fewRows - 1)
		others := p.call(t.Context(), coalesce.ManyRows-1)
		p.want(t, "while too few callers wait", fewRows, len(hung))
		others = append(others, p.call(t.Context(), 1)...)
		p.want(t, "when enough callers wait", fewRows, len(hung), coalesce.ManyRows)
		close(p.next)
		wantAll(t, "all", append(hung, others...), true, nil)
	})
}

func TestEachCallerGetsItsOwnVerdict(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		all := p.call(t.Context(), 9)
		verdicts := make(map[storage.Digest]coalesce.Result)
		for i, c := range all {
			verdicts[c.row.Digest] = [...]coalesce.Result{coalesce.Added, coalesce.NotAdded, coalesce.Failed}[i%3]
		}
		p.verdict = func(r *row) coalesce.Result { return verdicts[r.Digest] }
		p.let(1)
		p.want(t, "the statement", fewRows, 9)
		close(p.next)
		p.want(t, "in the end", fewRows+3, 9)
		for i, c := range all {
			wantAll(t, [...]string{"a caller whose row was added", "a caller whose row was not", "a caller whose row was sent again"}[i%3], all[i:i+1], i%3 != 1, nil)
			if sent := slices.ContainsFunc(p.alone, func(r *row) bool { return r.Digest == c.row.Digest }); sent != (i%3 == 2) {
				t.Errorf("the row of caller %d: sent alone: %t", i, sent)
			}
		}
	})
}

func TestRowsOfAFailedStatementAreSentAlone(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"an error": func(context.Context) error { return errStatement },
		"a panic":  func(context.Context) error { panic(errStatement) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pretender) {
				const n = fewRows
				p.fail = fail
				first, others := p.busy(t), p.call(t.Context(), n)
				leader := others[n-1:] // the caller that came last
				p.let(1)
				p.want(t, "the statement", fewRows, n)
				close(p.next)
				wantAll(t, "the first", first, true, nil)
				wantAll(t, "the others", others[:n-1], true, nil)
				alone := fewRows + n
				if name == "a panic" {
					wantAll(t, "the leader", leader, false, errStatement)
					alone--
				} else {
					wantAll(t, "the leader", leader, true, nil)
				}
				p.want(t, "in the end", alone, n)
				p.next = make(chan struct{})
				p.call(t.Context(), fewRows+2)
				p.want(t, "callers after the failure", alone+fewRows, n)
				close(p.next)
			})
		})
	}
}

func TestRivalsGoAlone(t *testing.T) {
	for name, rival := range map[string]func(*row) *row{
		"the same parent": func(r *row) *row { n := newRow(); n.Parent = r.Parent; return n },
		"the same digest": func(r *row) *row { n := newRow(); n.Digest = r.Digest; return n },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pretender) {
				p.busy(t)
				all := p.call(t.Context(), 5)
				all = append(all, p.callWith(t.Context(), rival(all[1].row)), p.callWith(t.Context(), rival(all[1].row)))
				all = append(all, p.call(t.Context(), 1)...)
				p.let(1)
				p.want(t, "while the statement is in flight", fewRows, 6)
				close(p.next)
				wantAll(t, "all", all, true, nil)
				p.want(t, "in the end", fewRows+2, 6)
			})
		})
	}
}

func TestRowsThatAreNotCoalesced(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		large := newRow()
		large.Blob = make([]byte, coalesce.MostBytes)
		p.callWith(t.Context(), large)
		p.want(t, "a large row", fewRows+1)
		close(p.next)
	})
	inBubble(t, func(t *testing.T, p *pretender) {
		p.Queue = newQueue(func(context.Context, *row) (bool, error) {
			p.note(func() { p.alone = append(p.alone, nil) })
			<-p.next
			return true, nil
		}, nil)
		p.call(t.Context(), 3*fewRows)
		p.want(t, "a queue that coalesces nothing", 3*fewRows)
		close(p.next)
	})
}
