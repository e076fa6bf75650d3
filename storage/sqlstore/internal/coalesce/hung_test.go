package coalesce_test

import (
	"context"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

// TestConnectionsThatHang has as many statements as may be in flight, none of which ends.
// Callers that come later need not wait until the time of those that hang is over.
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
				p.want(t, "a little before they count no more", fewRows)
				time.Sleep(time.Nanosecond)
				later := p.call(t.Context(), 1)
				p.want(t, "when they count no more", fewRows, len(waiting)+1)
				p.call(t.Context(), fewRows)
				p.want(t, "while the statement of those who waited is in flight", fewRows, len(waiting)+1)

				time.Sleep(3 * patience) // the time of those that hang is over
				wantAll(t, "those that hang", hung, false, context.DeadlineExceeded)
				close(p.next)
				wantAll(t, "the caller that came later", later, true, nil)
				wantAll(t, "the one that waited and has time", waiting[fewRows:], true, nil)
				p.next = make(chan struct{})
				before, together := p.counts()
				p.call(t.Context(), fewRows+2)
				p.want(t, "who comes after that: all statements were counted once", before+fewRows, together...)
				close(p.next)
			})
		})
	}
}

// A leader without a deadline has the patience that is the limit.
func TestStatementThatHangsForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.busy(t)
		waiting := p.call(t.Context(), 3)
		time.Sleep(coalesce.MostPatience - 1)
		waiting = append(waiting, p.call(t.Context(), 1)...)
		p.want(t, "a little before they count no more", fewRows)
		time.Sleep(time.Nanosecond)
		waiting = append(waiting, p.call(t.Context(), 1)...)
		p.want(t, "when they count no more", fewRows, len(waiting))
		close(p.next)
		wantAll(t, "all", waiting, true, nil)
	})
}
