package jws_test

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// When the clock is put back by a day, the keys are fetched again at once, and do
// not serve for a day longer while the server is down. A caller that is a little
// late is not taken for that.
func TestRemoteWhenTheClockIsPutBack(t *testing.T) {
	s := &jwksServer{answer: publishing(named(t, "old"))}
	r := newRemote(t, s)
	today := time.Date(2026, 8, 2, 12, 0, 0, 0, time.UTC) // no monotonic clock
	want := func(id string, at time.Time, verdictWanted string, fetches int) {
		t.Helper()
		k, err := r.PublicKey(t.Context(), id, at)
		if got := verdict(k, err); got != verdictWanted {
			t.Errorf("PublicKey(%q) at %s = %s (%v), want %s", id, at, got, err, verdictWanted)
		}
		wantFetches(t, s, fetches)
	}
	want("old", today, "key", 1)
	want("old", today.Add(-time.Minute), "key", 0)
	yesterday := today.Add(-24 * time.Hour)
	s.set(publishing(named(t, "new")))
	want("new", yesterday, "key", 1)
	want("new", yesterday.Add(time.Second), "key", 0)

	down := errors.New("down")
	s.set(func(*http.Request) (*http.Response, error) { return nil, down })
	before := yesterday.Add(-365 * 24 * time.Hour)
	want("new", before, "key", 1)
	want("new", before.Add(time.Second), "key", 0) // not at every request
	want("new", before.Add(24*time.Hour-1), "key", 1)
	want("new", before.Add(24*time.Hour), "outage", 0)
}
