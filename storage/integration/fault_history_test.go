package integration_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// call is a request about one family: of its code, or of a refresh token.
type call struct {
	code  bool
	token string
}

// outcome is the outcome of a call: a successor, a refusal, or unknown.
type outcome struct {
	successor        string
	refused, unknown bool
}

// life is the state of a family.
type life struct {
	redeemed, revoked bool
	leaf              string // the refresh token that can be used, or unheard
	parent            string // the refresh token that was spent for it
}

// unheard is a refresh token that no answer has told so far.
const unheard = "?"

// next returns the states that a call with this outcome may lead to, none if it
// cannot have had this outcome. It follows the promises of the endpoint, if the
// grace and the window for repeated codes outlast the history.
func (l life) next(c call, o outcome) []life {
	redeemed, rotated, revoked := l, l, l
	redeemed.redeemed, redeemed.leaf = true, o.successor
	rotated.leaf, rotated.parent = o.successor, c.token
	revoked.revoked = true
	if o.unknown {
		redeemed.leaf, rotated.leaf = unheard, unheard
	}
	switch {
	case o.unknown && c.code && !l.redeemed && !l.revoked:
		return []life{l, redeemed}
	case o.unknown && !c.code && c.token == l.leaf && !l.revoked:
		return []life{l, rotated}
	case o.unknown && !c.code && c.token != l.parent:
		return []life{l, revoked}
	case o.unknown:
		return []life{l}

	case o.refused && l.revoked:
		return []life{l}
	case o.refused && c.code && l.redeemed: // and it ends nobody's session so soon
		return []life{l}
	case o.refused && !c.code && c.token != l.leaf && c.token != l.parent: // a replay
		return []life{revoked}
	case o.refused || l.revoked:
		return nil

	case c.code && !l.redeemed:
		return []life{redeemed}
	case !c.code && c.token == l.leaf:
		return []life{rotated}
	case !c.code && c.token == l.parent && (l.leaf == unheard || l.leaf == o.successor):
		return []life{rotated}
	}
	return nil
}

// familyModel gives life.next to porcupine.
var familyModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{life{}} },
	Step: func(state, input, output any) []any {
		var all []any
		for _, l := range state.(life).next(input.(call), output.(outcome)) {
			all = append(all, l)
		}
		return all
	},
}).ToModel()

// history has all calls about one family and their outcomes.
type history struct {
	began time.Time
	mu    sync.Mutex
	calls []porcupine.Operation
}

func newHistory() *history { return &history{began: time.Now()} }

// note makes a call and notes it.
func (h *history) note(c call, f func() *reply) *reply {
	asked := time.Since(h.began)
	r := f()
	answered := time.Since(h.began).Nanoseconds()
	o := outcome{successor: r.body.Refresh, refused: r.refused(), unknown: r.unknown()}
	if o.unknown {
		answered = math.MaxInt64 // if it happens at all, then whenever it likes
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{
		ClientId: len(h.calls), Input: c, Output: o, Call: asked.Nanoseconds(), Return: answered,
	})
	return r
}

// check reports a history that no order of the calls explains, and each token
// that was spent twice in it.
func (h *history) check(t testing.TB, n *faultCounts) {
	t.Helper()
	redeemed, successors, before := 0, make(map[string]string), n.doubles.Load()
	for _, op := range h.calls {
		c, o := op.Input.(call), op.Output.(outcome)
		switch {
		case o.refused || o.unknown:
		case c.code:
			if redeemed++; redeemed > 1 {
				n.double(t, "a code\n%s", h)
			}
		case successors[c.token] != "" && successors[c.token] != o.successor:
			n.double(t, "a refresh token, with two successors\n%s", h)
		default:
			successors[c.token] = o.successor
		}
	}
	if n.doubles.Load() > before || n.told.Load() > 3 { // it takes long to find out that there is no order
		return
	}
	switch porcupine.CheckOperationsTimeout(familyModel, h.calls, time.Minute) {
	case porcupine.Illegal:
		n.mistake(t, "no order of these calls explains what they came to\n%s", h)
	case porcupine.Unknown:
		t.Errorf("porcupine came to no result in time about %d calls", len(h.calls))
	}
}

// String lists the calls by when they began, with short names for the tokens.
func (h *history) String() string {
	names := map[string]string{"": "-"}
	name := func(token string) string {
		if names[token] == "" {
			names[token] = fmt.Sprintf("rt%d", len(names))
		}
		return names[token]
	}
	all := slices.Clone(h.calls)
	slices.SortFunc(all, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var text strings.Builder
	for _, op := range all {
		c, o := op.Input.(call), op.Output.(outcome)
		what := "redeem the code"
		if !c.code {
			what = "refresh " + name(c.token)
		}
		fmt.Fprintf(&text, "%10.3f ms to %10.3f ms: %s: ", float64(op.Call)/1e6, float64(op.Return)/1e6, what)
		switch {
		case o.unknown:
			fmt.Fprintln(&text, "unknown")
		case o.refused:
			fmt.Fprintln(&text, "refused")
		default:
			fmt.Fprintln(&text, name(o.successor))
		}
	}
	return text.String()
}

// The model itself must tell right from wrong.
func TestHistoryModel(t *testing.T) {
	redeem, first, second := call{code: true}, call{token: "1"}, call{token: "2"}
	got := func(token string) outcome { return outcome{successor: token} }
	refused, unknown := outcome{refused: true}, outcome{unknown: true}
	type step struct {
		call
		outcome
	}
	for _, tt := range []struct {
		name  string
		want  bool
		steps []step // one after the other, but a call with an unknown outcome may happen later
	}{
		{"a code gives tokens once", true, []step{{redeem, got("1")}, {redeem, refused}, {first, got("2")}}},
		{"a code does not give tokens twice", false, []step{{redeem, got("1")}, {redeem, got("x")}}},
		{"a code is not refused at first", false, []step{{redeem, refused}}},
		{"a code is refused when an answer was lost", true, []step{{redeem, unknown}, {redeem, refused}}},
		{"a code works when a question was lost", true, []step{{redeem, unknown}, {redeem, got("1")}}},
		{"not both", false, []step{{redeem, unknown}, {redeem, refused}, {redeem, got("1")}}},
		{"a refresh is repeated with the same successor", true, []step{{redeem, got("1")}, {first, got("2")}, {first, got("2")}}},
		{"and with no other", false, []step{{redeem, got("1")}, {first, got("2")}, {first, got("x")}}},
		{"a lost answer is recovered", true, []step{{redeem, got("1")}, {first, unknown}, {first, got("2")}, {first, got("2")}}},
		{"with one successor", false, []step{{redeem, got("1")}, {first, unknown}, {first, got("2")}, {first, got("x")}}},
		{"a refresh token that can be used is not refused", false, []step{{redeem, got("1")}, {first, refused}}},
		{"nor is one whose answer was lost", false, []step{{redeem, got("1")}, {first, unknown}, {first, refused}}},
		{"a replay is refused, and ends the family", true, []step{{redeem, got("1")}, {first, got("2")}, {second, got("3")}, {first, refused}, {second, refused}}},
		{"a replay is not answered", false, []step{{redeem, got("1")}, {first, got("2")}, {second, got("3")}, {first, got("2")}}},
		{"nothing of a family works when it has ended", false, []step{{redeem, got("1")}, {first, got("2")}, {second, got("3")}, {first, refused}, {second, got("3")}}},
		{"a repeated code ends nothing", false, []step{{redeem, got("1")}, {redeem, refused}, {first, refused}}},
	} {
		var all []porcupine.Operation
		for i, s := range tt.steps {
			op := porcupine.Operation{ClientId: i, Input: s.call, Output: s.outcome, Call: int64(2 * i), Return: int64(2*i + 1)}
			if s.unknown {
				op.Return = math.MaxInt64
			}
			all = append(all, op)
		}
		if got := porcupine.CheckOperations(familyModel, all); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
