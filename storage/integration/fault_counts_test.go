package integration_test

import (
	"sync/atomic"
	"testing"
)

// faultCounts counts the results of a test under faults.
type faultCounts struct {
	attempts, faults, lost, doubles, wrong atomic.Int64
	told                                   atomic.Int64
}

// double counts something that was spent twice (INV1, INV4).
func (n *faultCounts) double(t testing.TB, format string, args ...any) {
	t.Helper()
	n.doubles.Add(1)
	n.tell(t, "spent twice: "+format, args...)
}

// mistake counts an answer that a healthy server would not give (INV8), or one
// that is malformed.
func (n *faultCounts) mistake(t testing.TB, format string, args ...any) {
	t.Helper()
	n.wrong.Add(1)
	n.tell(t, "wrong verdict: "+format, args...)
}

// tell fails the test, and does not flood its output.
func (n *faultCounts) tell(t testing.TB, format string, args ...any) {
	t.Helper()
	if n.told.Add(1) <= 10 {
		t.Errorf(format, args...)
		return
	}
	t.Fail()
}

// report prints the counts. A test in which nothing happened has tested nothing.
func (n *faultCounts) report(t testing.TB) {
	t.Helper()
	t.Logf("%d attempts, %d faults injected, %d lost answers, %d double spends, %d wrong verdicts",
		n.attempts.Load(), n.faults.Load(), n.lost.Load(), n.doubles.Load(), n.wrong.Load())
	if n.attempts.Load() == 0 || n.faults.Load() == 0 {
		t.Error("got no attempts or no faults: nothing was tested")
	}
	if n.doubles.Load() != 0 || n.wrong.Load() != 0 {
		t.Errorf("got %d double spends and %d wrong verdicts, want none", n.doubles.Load(), n.wrong.Load())
	}
}
