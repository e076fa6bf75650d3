package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

var errStatement = errors.New("the statement failed")

// pretender is a database that executes a statement when it is let.
type pretender struct {
	*sqlstore.Queue
	// verdict is what a statement for several says of each, unless it fails.
	verdict func(*sqlstore.Row) sqlstore.Word
	// fail, if not nil, is asked what a statement for several fails with.
	fail func(ctx context.Context) error

	mu    sync.Mutex
	alone []*sqlstore.Row   // that were sent alone
	many  [][]*sqlstore.Row // that were sent together
	now   int               // statements that are under way
	next  chan struct{}     // each lets one statement go on; closed, all
}

func newPretender() *pretender {
	p := &pretender{next: make(chan struct{}), verdict: func(*sqlstore.Row) sqlstore.Word { return sqlstore.Added }}
	p.Queue = sqlstore.NewQueue(
		func(ctx context.Context, r *sqlstore.Row) (bool, error) {
			p.note(func() { p.alone = append(p.alone, r) })
			err := p.wait(ctx)
			return err == nil, err
		},
		func(ctx context.Context, all []*sqlstore.Row) (func(*sqlstore.Row) sqlstore.Word, error) {
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
	row  *sqlstore.Row
	ctx  context.Context
	done chan struct{}
	ok   bool
	err  error
}

func newRow() *sqlstore.Row {
	return &sqlstore.Row{Digest: storage.NewSecret("").Digest("row"), Parent: storage.NewSecret("").Digest("row"), Blob: []byte("blob")}
}

// call lets callers come, one after the other. Each has a row of its own.
func (p *pretender) call(ctx context.Context, n int) (all []*caller) {
	for range n {
		all = append(all, p.callWith(ctx, newRow()))
	}
	return all
}

func (p *pretender) callWith(ctx context.Context, r *sqlstore.Row) *caller {
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

// busy keeps so many rows under way that whoever comes next waits.
func (p *pretender) busy(t *testing.T) []*caller {
	t.Helper()
	all := p.call(t.Context(), sqlstore.FewRows)
	p.want(t, "before anyone waits", sqlstore.FewRows)
	return all
}

// wantAll waits for callers, and compares what they got.
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

func TestWhoComesAloneGoesAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		for i := range 3 {
			one := p.call(t.Context(), 1)
			p.want(t, "one after the other", i+1)
			p.let(1)
			wantAll(t, "one after the other", one, true, nil)
		}
	})
}

func TestWhoComesMeanwhileGoesTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		first, others := p.busy(t), p.call(t.Context(), 10)
		p.want(t, "while statements are under way", sqlstore.FewRows)
		p.let(1)
		p.want(t, "when one of them is over", sqlstore.FewRows, 10)
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

func TestStatementsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		first, others := p.busy(t), p.call(t.Context(), 2*sqlstore.MostRows+5)
		close(p.next)
		wantAll(t, "the first", first, true, nil)
		wantAll(t, "the others", others, true, nil)
		_, together := p.counts()
		total := 0
		for _, n := range together {
			total += n
		}
		if slices.Max(together) != sqlstore.MostRows || total < len(others)-sqlstore.FewRows {
			t.Errorf("got statements of %d rows, want all of %d, at most %d in one", together, len(others), sqlstore.MostRows)
		}
	})
}

func TestFewStatementsAreUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		others := p.call(t.Context(), 6*sqlstore.MostRows)
		p.let(sqlstore.FewRows)
		full := sqlstore.MostRows
		p.want(t, "when those who were first are done", sqlstore.FewRows, full, full, full, full)
		if p.now != sqlstore.MostStatements {
			t.Errorf("under way: got %d statements, want %d", p.now, sqlstore.MostStatements)
		}
		p.let(2)
		p.want(t, "when two more are done", sqlstore.FewRows, full, full, full, full, full, full)
		others = append(others, p.call(t.Context(), 3)...)
		p.let(sqlstore.MostStatements - 1)
		p.want(t, "when there is one that is not", sqlstore.FewRows, full, full, full, full, full, full)
		p.let(1)
		p.want(t, "when all are done", sqlstore.FewRows, full, full, full, full, full, full, 3)
		p.let(1)
		wantAll(t, "all", others, true, nil)

		p.call(t.Context(), sqlstore.FewRows)
		p.want(t, "who comes after the crowd", 2*sqlstore.FewRows, full, full, full, full, full, full, 3)
		close(p.next)
	})
}

// A crowd that comes again shares again, all but the first, until it is small.
func TestCrowdThatComesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		p.call(t.Context(), 20)
		p.let(sqlstore.FewRows)
		p.want(t, "a crowd", sqlstore.FewRows, 20)
		p.let(1)
		p.call(t.Context(), 5)
		p.want(t, "what is left of it, again", sqlstore.FewRows+1, 20)
		p.let(1)
		p.want(t, "when the first is done", sqlstore.FewRows+1, 20, 4)
		p.let(1)
		p.call(t.Context(), sqlstore.FewRows)
		p.want(t, "those who come after it", 2*sqlstore.FewRows+1, 20, 4)
		close(p.next)
	})
}

// A statement that hangs holds up those who wait until there are so many that
// they half fill the next one.
func TestStatementThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		hung := p.call(t.Context(), sqlstore.FewRows+1)
		p.let(1)
		p.want(t, "what hangs", sqlstore.FewRows, len(hung))
		p.let(sqlstore.FewRows - 1)
		others := p.call(t.Context(), sqlstore.ManyRows-1)
		p.want(t, "while fewer wait", sqlstore.FewRows, len(hung))
		others = append(others, p.call(t.Context(), 1)...)
		p.want(t, "when there are enough", sqlstore.FewRows, len(hung), sqlstore.ManyRows)
		close(p.next)
		wantAll(t, "all", append(hung, others...), true, nil)
	})
}

func TestEveryoneGetsHisOwnVerdict(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		all := p.call(t.Context(), 9)
		verdicts := make(map[storage.Digest]sqlstore.Word)
		for i, c := range all {
			verdicts[c.row.Digest] = [...]sqlstore.Word{sqlstore.Added, sqlstore.NotAdded, sqlstore.Failed}[i%3]
		}
		p.verdict = func(r *sqlstore.Row) sqlstore.Word { return verdicts[r.Digest] }
		p.let(1)
		p.want(t, "the statement", sqlstore.FewRows, 9)
		close(p.next)
		p.want(t, "in the end", sqlstore.FewRows+3, 9)
		for i, c := range all {
			wantAll(t, [...]string{"whose row was added", "whose row was not", "whose row was sent again"}[i%3], all[i:i+1], i%3 != 1, nil)
			if sent := slices.ContainsFunc(p.alone, func(r *sqlstore.Row) bool { return r.Digest == c.row.Digest }); sent != (i%3 == 2) {
				t.Errorf("the row of caller %d: sent alone: %t", i, sent)
			}
		}
	})
}

func TestStatementThatFailsIsRetriedOneByOne(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"an error": func(context.Context) error { return errStatement },
		"a panic":  func(context.Context) error { panic(errStatement) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pretender) {
				const n = sqlstore.FewRows
				p.fail = fail
				first, others := p.busy(t), p.call(t.Context(), n)
				leader := others[n-1:] // the last who came
				p.let(1)
				p.want(t, "the statement", sqlstore.FewRows, n)
				close(p.next)
				wantAll(t, "the first", first, true, nil)
				wantAll(t, "the others", others[:n-1], true, nil)
				alone := sqlstore.FewRows + n
				if name == "a panic" {
					wantAll(t, "the leader", leader, false, errStatement)
					alone--
				} else {
					wantAll(t, "the leader", leader, true, nil)
				}
				p.want(t, "in the end", alone, n)
				p.next = make(chan struct{})
				p.call(t.Context(), sqlstore.FewRows+2)
				p.want(t, "who comes after that", alone+sqlstore.FewRows, n)
				close(p.next)
			})
		})
	}
}

func TestWhoLeaves(t *testing.T) {
	t.Run("while he waits is in no statement", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			before, gone, after := p.call(t.Context(), 2), p.call(ctx, 3), p.call(t.Context(), 2)
			cancel()
			wantAll(t, "who has left", gone, false, context.Canceled)
			p.let(1)
			p.want(t, "the statement", sqlstore.FewRows, 4)
			close(p.next)
			wantAll(t, "who has not", append(before, after...), true, nil)
		})
	})
	t.Run("while his row is under way leaves the others alone", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			gone, others := p.call(ctx, 3), p.call(t.Context(), 3)
			p.let(1)
			p.want(t, "under way", sqlstore.FewRows, 6)
			cancel()
			wantAll(t, "who has left", gone, false, context.Canceled)
			for _, c := range gone {
				copy(c.row.Blob, "XXXX")
			}
			for _, r := range p.many[0] {
				if string(r.Blob) != "blob" {
					t.Errorf("a row whose caller has left: got %q, want it as it was", r.Blob)
				}
			}
			close(p.next)
			wantAll(t, "who has not", others, true, nil)
			p.want(t, "in the end", sqlstore.FewRows, 6)
		})
	})
	t.Run("while he leads leaves the others to themselves", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			ctx, cancel := context.WithCancel(t.Context())
			p.busy(t)
			others, leader := p.call(t.Context(), 5), p.call(ctx, 1)
			p.let(1)
			p.want(t, "under way", sqlstore.FewRows, 6)
			cancel()
			wantAll(t, "the leader", leader, false, context.Canceled)
			close(p.next)
			wantAll(t, "the others", others, true, nil)
			p.want(t, "in the end", sqlstore.FewRows+6, 6)
		})
	})
	t.Run("when he is told to lead lets another", func(t *testing.T) {
		for range 50 { // he hears of both at once
			inBubble(t, func(t *testing.T, p *pretender) {
				p.busy(t)
				others := p.call(t.Context(), 3)
				gone := p.leave(&leaving{Context: t.Context(), first: func() { p.next <- struct{}{} }})
				p.want(t, "when he has left", sqlstore.FewRows, 3)
				close(p.next)
				wantAll(t, "who has left", []*caller{gone}, false, context.Canceled)
				wantAll(t, "who has not", others, true, nil)
				p.next = make(chan struct{})
				p.call(t.Context(), sqlstore.FewRows+1)
				p.want(t, "who comes after that", 2*sqlstore.FewRows, 3)
				close(p.next)
			})
		}
	})
	t.Run("before he comes is not let in", func(t *testing.T) {
		inBubble(t, func(t *testing.T, p *pretender) {
			p.busy(t)
			others := p.call(t.Context(), 3)
			gone := p.leave(&leaving{Context: t.Context(), ended: true, first: func() {
				others = append(others, p.call(t.Context(), 1)...) // who would lead
				p.next <- struct{}{}
			}})
			wantAll(t, "who has left", []*caller{gone}, false, context.Canceled)
			close(p.next)
			wantAll(t, "who has not", others, true, nil)
			for _, all := range p.many {
				if len(all) > len(others) {
					t.Errorf("got a statement of %d rows, want %d at most", len(all), len(others))
				}
			}
		})
	})
}

// leaving is a context that ends while somebody asks for the first time when it
// will, after something else.
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

func TestRivalsGoAlone(t *testing.T) {
	for name, rival := range map[string]func(*sqlstore.Row) *sqlstore.Row{
		"the same parent": func(r *sqlstore.Row) *sqlstore.Row { n := newRow(); n.Parent = r.Parent; return n },
		"the same digest": func(r *sqlstore.Row) *sqlstore.Row { n := newRow(); n.Digest = r.Digest; return n },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pretender) {
				p.busy(t)
				all := p.call(t.Context(), 5)
				all = append(all, p.callWith(t.Context(), rival(all[1].row)), p.callWith(t.Context(), rival(all[1].row)))
				all = append(all, p.call(t.Context(), 1)...)
				p.let(1)
				p.want(t, "while the statement is under way", sqlstore.FewRows, 6)
				close(p.next)
				wantAll(t, "all", all, true, nil)
				p.want(t, "in the end", sqlstore.FewRows+2, 6)
			})
		})
	}
}

func TestWhatIsNotCoalesced(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		large := newRow()
		large.Blob = make([]byte, sqlstore.MostBytes)
		p.callWith(t.Context(), large)
		p.want(t, "a large row", sqlstore.FewRows+1)
		close(p.next)
	})
	inBubble(t, func(t *testing.T, p *pretender) {
		p.Queue = sqlstore.NewQueue(func(context.Context, *sqlstore.Row) (bool, error) {
			p.note(func() { p.alone = append(p.alone, nil) })
			<-p.next
			return true, nil
		}, nil)
		p.call(t.Context(), 3*sqlstore.FewRows)
		p.want(t, "a queue that coalesces nothing", 3*sqlstore.FewRows)
		close(p.next)
	})
}
