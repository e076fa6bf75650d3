package coalesce_test

import (
	"context"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

// TestConnectionsThatHang has as many statements in flight as there may be, and none of
// them ends. Callers that come later do not wait until the contexts of the first ones end.
func TestConnectionsThatHang(t *testing.T) {
	for name, reads := range map[string]bool{"writes": false, "reads": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pretender) {
				p.Reads = reads
				const patience = 500 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
				defer cancel()
				hung := p.call(ctx, fewRows)
				waiting := p.call(ctx, fewRows)
				time.Sleep(patience - 1)
				waiting = append(waiting, p.call(t.Context(), 1)...)
				p.want(t, "just before the hanging statements stop counting", fewRows)
				time.Sleep(time.Nanosecond)
				later := p.call(t.Context(), 1)
				p.want(t, "when the hanging statements have stopped counting", fewRows, len(waiting)+1)
				p.call(t.Context(), fewRows)
				p.want(t, "while the statement of the waiting callers is in flight", fewRows, len(waiting)+1)

				time.Sleep(3 * patience) // the contexts of the hanging callers end
				wantAll(t, "the hanging callers", hung, false, context.DeadlineExceeded)
				close(p.next)
				wantAll(t, "the caller that came later", later, true, nil)
				wantAll(t, "the waiting caller that has time left", waiting[fewRows:], true, nil)
				p.next = make(chan struct{})
				before, together := p.counts()
				p.call(t.Context(), fewRows+2)
				p.want(t, "callers after that: each statement was counted once", before+fewRows, together...)
				close(p.next)
			})
		})
	}
}

// The statement of a leader without a deadline counts as in flight for
// [coalesce.MostPatience].
func TestStatementThatHangsForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		waiting := p.call(t.Context(), 3)
		time.Sleep(coalesce.MostPatience - 1)
		waiting = append(waiting, p.call(t.Context(), 1)...)
		p.want(t, "just before the hanging statements stop counting", fewRows)
		time.Sleep(time.Nanosecond)
		waiting = append(waiting, p.call(t.Context(), 1)...)
		p.want(t, "when the hanging statements have stopped counting", fewRows, len(waiting))
		close(p.next)
		wantAll(t, "all", waiting, true, nil)
	})
}
