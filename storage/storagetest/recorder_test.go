package storagetest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/contit/oauth/storage/storagetest"
)

// recorder is a testing.TB that keeps failures to itself.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *recorder) record(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, text)
}

func (r *recorder) Errorf(format string, args ...any) { r.record(fmt.Sprintf(format, args...)) }
func (r *recorder) Error(args ...any)                 { r.record(fmt.Sprint(args...)) }
func (r *recorder) Fail()                             { r.record("Fail") }

func (r *recorder) Fatalf(format string, args ...any) {
	r.record(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) {
	r.record(fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *recorder) FailNow() {
	r.record("FailNow")
	runtime.Goexit()
}

// Skip and the like would let a store pass without a look.
func (r *recorder) Skip(args ...any)            { r.Fatal("skipped: ", fmt.Sprint(args...)) }
func (r *recorder) SkipNow()                    { r.Fatal("skipped") }
func (r *recorder) Skipf(f string, args ...any) { r.Fatal("skipped: ", fmt.Sprintf(f, args...)) }

// Logf is silent, since broken stores log much.
func (r *recorder) Logf(string, ...any) {}

// failures returns the failures that a rule reports about a store.
func failures(t *testing.T, r storagetest.Rule, s storagetest.Store) []string {
	t.Helper()
	return recorded(t, func(tb testing.TB) { r.Check(tb, s) })
}

// recorded returns the failures that a check reports.
func recorded(t *testing.T, check func(t testing.TB)) []string {
	t.Helper()
	rec := &recorder{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() { check(rec) })
	wg.Wait()
	return rec.failures
}

// ruleNamed returns a rule of the suite.
func ruleNamed(t *testing.T, name string) storagetest.Rule {
	t.Helper()
	for _, r := range storagetest.Rules() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("the suite has no rule %q", name)
	panic("unreachable")
}

// wantRejected wants that a store fails a rule, with a text that names the rule
// and where it comes from.
func wantRejected(t *testing.T, rule string, s storagetest.Store) {
	t.Helper()
	r := ruleNamed(t, rule)
	wantRejectedBy(t, rule, func(tb testing.TB) { r.Check(tb, s) })
}

func wantRejectedBy(t *testing.T, rule string, check func(t testing.TB)) {
	t.Helper()
	got := recorded(t, check)
	if len(got) == 0 {
		t.Errorf("rule %q: the broken store passed, want it rejected", rule)
		return
	}
	for _, text := range got {
		if !strings.Contains(text, "rule: "+rule) || !strings.Contains(text, "see:  the comment of ") {
			t.Errorf("rule %q: got failure %q, want one that names the rule and its comment", rule, text)
		}
	}
	t.Logf("%s", got[0])
}
