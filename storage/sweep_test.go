package storage_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// expirer answers DeleteExpired with a list of answers, and then with nothing to
// delete.
type expirer struct {
	answers []int // -1 is an error
	befores []time.Time
}

var errDown = errors.New("down")

// DeleteExpired gives the next answer.
func (e *expirer) DeleteExpired(_ context.Context, before time.Time, limit int) (int, error) {
	e.befores = append(e.befores, before)
	if limit <= 0 || len(e.answers) == 0 {
		return 0, nil
	}
	n := e.answers[0]
	e.answers = e.answers[1:]
	if n < 0 {
		return 0, errDown
	}
	return n, nil
}

func TestSweepDeletesInBatchesUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
		defer cancel()
		e, errs := &expirer{answers: []int{1000, 3, 0, -1, 7}}, 0
		err := storage.Sweep(ctx, e, time.Hour, func(err error) {
			if errs++; !errors.Is(err, errDown) {
				t.Errorf("failed: got %v, want %v", err, errDown)
			}
		})
		if !errors.Is(err, context.DeadlineExceeded) || errs != 1 {
			t.Errorf("Sweep: got error %v after %d reports, want that of the context after one", err, errs)
		}
		var got []time.Duration
		for _, before := range e.befores {
			got = append(got, before.Sub(start.Add(-time.Hour)))
		}
		want := []time.Duration{0, 0, 0, time.Hour, 2 * time.Hour, 2 * time.Hour}
		if len(got) != len(want) {
			t.Fatalf("DeleteExpired: got calls at %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("DeleteExpired, call %d: got an instant %v after the first, want %v", i, got[i], want[i])
			}
		}
	})
}

func TestSweepWithoutAReporterEndsWithTheFirstError(t *testing.T) {
	if err := storage.Sweep(t.Context(), &expirer{answers: []int{-1}}, time.Hour, nil); !errors.Is(err, errDown) {
		t.Errorf("Sweep: got error %v, want %v", err, errDown)
	}
	if err := storage.Sweep(t.Context(), new(expirer), 0, nil); err == nil {
		t.Error("Sweep without an interval: got no error, want one")
	}
}

// The host gives Sweep a goroutine of its own.
func ExampleSweep() {
	store := new(memory.Store)
	ctx, stop := context.WithCancel(context.Background())
	stop() // when the host shuts down
	_ = storage.Sweep(ctx, store, time.Hour, func(err error) { /* log it */ })
	// Output:
}
