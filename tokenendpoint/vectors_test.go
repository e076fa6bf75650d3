package tokenendpoint_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// TestVectors runs the rules of the wire that no store can change.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no vectors: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		vectors, err := parseVectors(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vectors {
			t.Run(strings.TrimSuffix(v.name, "."), func(t *testing.T) {
				for _, failure := range v.run(t) {
					t.Error(failure)
				}
			})
		}
	}
}

// A verdict is the part of the answers on which form and JSON must agree.
type verdict struct {
	status int
	body   string // of a refusal; a fault has an identifier of its own
}

// run sends the requests of a vector, for each round through its loops, as they
// are and with its forms as JSON. It returns the faults.
func (v *vector) run(t testing.TB) (failures []string) {
	t.Helper()
	s := newVectorServer(t, v)
	defer s.close()
	for _, variables := range v.rounds() {
		var asForm []verdict
		for _, asJSON := range []bool{false, true} {
			x := &expander{server: s, variables: variables, made: map[string]string{}}
			verdicts, isForm, problems := v.round(x, asJSON)
			if err := s.leaked(); err != nil {
				problems = append(problems, err.Error())
			}
			if asJSON && len(problems) == 0 && !slices.Equal(verdicts, asForm) {
				problems = []string{fmt.Sprintf("got %v, want the verdicts on the form: %v", verdicts, asForm)}
			}
			for _, p := range problems {
				failures = append(failures, fmt.Sprintf("%s%s%s", p, spelled(variables), map[bool]string{true: ", as JSON"}[asJSON]))
			}
			asForm = verdicts
			if !isForm || v.formOnly || len(problems) > 0 {
				break
			}
		}
		if len(failures) > 20 {
			break
		}
	}
	return failures
}

// rounds are the values of the variables in each round: each item of a loop with
// each of the others.
func (v *vector) rounds() []map[string]string {
	rounds := []map[string]string{v.lets}
	for _, l := range v.loops {
		var more []map[string]string
		for _, before := range rounds {
			for _, item := range l.items {
				variables := maps.Clone(before)
				for i, name := range l.names {
					variables[name] = item[i]
				}
				more = append(more, variables)
			}
		}
		rounds = more
	}
	return rounds
}

// round sends the requests once. It reports whether one of them is a form that
// can be said in JSON.
func (v *vector) round(x *expander, asJSON bool) (verdicts []verdict, isForm bool, problems []string) {
	var first *vectorAnswer
	for _, s := range v.steps {
		r, err := x.request(s.request, asJSON)
		if err != nil {
			return nil, false, append(problems, fmt.Sprintf("%s: %v", s.place, err))
		}
		isForm = isForm || r.form
		found, answer := s.send(x, r, first)
		for _, p := range found {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", s.place, r, p))
		}
		if answer == nil {
			return nil, false, problems
		}
		if first == nil {
			first = answer
		}
		verdicts = append(verdicts, verdict{answer.status, map[bool]string{true: answer.body}[answer.status/100 == 4]})
	}
	return verdicts, isForm, problems
}

// quickly bounds the time for an answer that needs no look-up. Work that is
// quadratic in the body takes longer.
const quickly = 100 * time.Millisecond

// send sends one request and checks the answer. A quick one that was slow is
// sent again, since the machine may be busy.
func (s *step) send(x *expander, r *vectorRequest, first *vectorAnswer) (problems []string, answer *vectorAnswer) {
	callsOf(x.server.store)
	took := time.Hour
	for try := 0; try == 0 || s.quick && try < 5 && took > quickly; try++ {
		start := time.Now()
		var err error
		if answer, err = x.server.send(r); err != nil {
			return []string{fmt.Sprintf("got no answer: %v", err)}, nil
		}
		took = min(took, time.Since(start))
	}
	calls := callsOf(x.server.store)
	want := make([]string, len(s.answer))
	for i, line := range s.answer {
		expanded, err := x.expand(line)
		if err != nil {
			return []string{err.Error()}, nil
		}
		want[i] = unescapeVector(expanded)
	}
	c := &answerCheck{vectorAnswer: answer, server: x.server, request: r, first: first}
	if first == nil {
		c.first = answer
	}
	c.check(want)
	if s.quick && took > quickly {
		c.problem("it took %v, want less than %v", took, quickly)
	}
	s.checkStore(c, calls)
	return c.problems, answer
}

// checkStore compares the calls of the store with the vector. A refusal changes
// nothing, in any vector.
func (s *step) checkStore(c *answerCheck, asked []string) {
	switch {
	case s.store == nil:
	case *s.store == "not asked":
		if len(asked) > 0 {
			c.problem("the store was asked %q, want no call", asked)
		}
	case strings.Join(asked, " ") != *s.store:
		c.problem("the store was asked %q, want %s", asked, *s.store)
	}
	if c.status >= 400 && slices.ContainsFunc(asked, func(call string) bool { return slices.Contains(testbed.Writes, call) }) {
		c.problem("the store was asked %q, want nothing that changes it", asked)
	}
}

// spelled is the round of a failure.
func spelled(variables map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if name == strings.ToLower(name) { // definitions have capitals
			fmt.Fprintf(&b, ", %s is %.100q", name, variables[name])
		}
	}
	return b.String()
}
