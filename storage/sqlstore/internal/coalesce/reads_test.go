package coalesce_test

import "testing"

// TestReadersOfOneRowGoTogether has callers that look up one row. If they added it, one of
// them would be in the statement, and the others would go alone.
func TestReadersOfOneRowGoTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pretender) {
		p.Reads = true
		first, one := p.busy(t), newRow()
		var others []*caller
		for range 5 {
			others = append(others, p.callWith(t.Context(), one))
		}
		p.let(1)
		p.want(t, "when a statement is over", fewRows, 5)
		close(p.next)
		wantAll(t, "the first", first, true, nil)
		wantAll(t, "the others", others, true, nil)
		p.want(t, "in the end", fewRows, 5)
	})
}
