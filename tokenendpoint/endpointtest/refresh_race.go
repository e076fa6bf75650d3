package endpointtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var refreshRaceRules = []rule{
	{"I27_fifty_concurrent_refreshes_without_grace", i27},
	{"I28_fifty_concurrent_refreshes_with_grace", i28},
	{"I29_refresh_against_revocation", i29},
	{"I39_more_refreshes_at_once_than_may_repeat", i39},
}

// i27: one refresh wins. The others are replays, and without a grace window
// that is the end of the family.
func i27(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, testbed.Strict)
	for range testbed.Rounds {
		token := f.RefreshToken(f.C1)
		replies := crowdOf(f, testbed.Refresh(f.C1, token))
		next := ""
		for _, r := range replies {
			if r.Status != http.StatusOK {
				r.Refused("invalid_grant")
				continue
			}
			if next != "" {
				t.Error("two refreshes won, want one")
			}
			next = r.Tokens().RefreshToken
		}
		if next == "" {
			t.Fatal("no refresh won, want one")
		}
		f.Dead(f.C1, next, token)
	}
}

// i28: all get the one successor, and nobody's family ends. The window is as
// long as it may be, so that a slow machine cannot leave it.
func i28(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for range testbed.Rounds {
		token := f.RefreshToken(f.C1)
		f.Store.Counted()
		next := ""
		for _, r := range crowdOf(f, testbed.Refresh(f.C1, token)) {
			got := r.Tokens().RefreshToken
			if next != "" && got != next {
				t.Errorf("refresh_token is %q and %q, want one successor", got, next)
			}
			next = got
		}
		if calls := f.Store.Counted(); calls[testbed.CallRevoke] != 0 || calls[testbed.CallCreateCredential] != 0 {
			t.Errorf("the calls were %v, want no Revoke and no CreateCredential", calls)
		}
		if got := f.Record(token).Uses; got != testbed.Racers {
			t.Errorf("the parent has %d uses, want %d", got, testbed.Racers)
		}
		f.Works(f.C1, f.Works(f.C1, next))
	}
}

// i39: fifty more than RefreshRetries come at once, all of them honest. Those
// that find no repeat left are refused, and nobody's family ends.
func i39(t *testing.T, open testbed.Opener) {
	for _, retries := range []int{0, 10} { // zero is a hundred
		allowed := 1 + retries
		if retries == 0 {
			allowed = 101
		}
		f := testbed.New(t, open, testbed.Patient, func(c *tokenendpoint.Config) {
			c.RefreshRetries, c.RefreshGrace = retries, time.Minute
		})
		token := f.RefreshToken(f.C1)
		f.Store.Counted()
		ok, next := oneSuccessor(f, crowdOfMany(f, allowed+testbed.Racers-1, testbed.Refresh(f.C1, token)))
		if ok != allowed {
			t.Errorf("%d of %d refreshes at once are answered, want %d", ok, allowed+testbed.Racers-1, allowed)
		}
		if n := f.Store.Counted()[testbed.CallRevoke]; n != 0 {
			t.Errorf("Revoke was called %d times, want never", n)
		}
		f.Dead(f.C1, token)
		f.Outcome(tokenendpoint.Refused)
		last := f.Works(f.C1, next)
		f.Dead(f.C1, token)
		f.Outcome(tokenendpoint.Replayed)
		f.Dead(f.C1, last)
	}
}

// oneSuccessor counts the answers that have tokens, and wants the same refresh token in all
// of them. The others are invalid_grant.
func oneSuccessor(f *testbed.Fixture, replies []*testbed.Reply) (n int, next string) {
	f.Helper()
	for _, r := range replies {
		if r.Status != http.StatusOK {
			r.Refused("invalid_grant")
			continue
		}
		got := r.Tokens().RefreshToken
		if next != "" && got != next {
			f.Errorf("refresh_token is %q and %q, want one successor", got, next)
		}
		n, next = n+1, got
	}
	return n, next
}

// crowdOf sends a request fifty times at once.
func crowdOf(f *testbed.Fixture, r *testbed.Request) []*testbed.Reply {
	f.Helper()
	return crowdOfMany(f, testbed.Racers, r)
}

func crowdOfMany(f *testbed.Fixture, n int, r *testbed.Request) []*testbed.Reply {
	f.Helper()
	replies := make([]*testbed.Reply, n)
	testbed.Crowd(n, func(i int) { replies[i] = f.Send(testbed.Both(r)[i%2]) })
	for _, r := range replies {
		if r == nil {
			f.Fatal("a request of the crowd had no response")
		}
	}
	return replies
}

// i29: in every order, nothing of the family lives when both calls have
// returned.
func i29(t *testing.T, open testbed.Opener) {
	for _, o := range []testbed.Option{testbed.Strict, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute }} {
		f := testbed.New(t, open, testbed.Patient, o)
		for range testbed.Rounds {
			token := f.RefreshToken(f.C1)
			family := f.Record(token).Family
			replies := make([]*testbed.Reply, testbed.Racers)
			testbed.Crowd(testbed.Racers, func(i int) {
				if i == 0 {
					if err := f.Store.Store.Revoke(t.Context(), family); err != nil {
						t.Errorf("Revoke: %v", err)
					}
					return
				}
				replies[i] = f.Send(testbed.Refresh(f.C1, token))
			})
			next := ""
			for _, r := range replies[1:] {
				if r.Status != http.StatusOK {
					r.Refused("invalid_grant")
					continue
				}
				next = r.Tokens().RefreshToken
			}
			if next != "" {
				f.Dead(f.C1, next)
			}
			f.Dead(f.C1, token)
		}
	}
}

// i29Endpoint: in every order, nothing of the family lives when all requests
// have returned.
func i29Endpoint(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for range testbed.Rounds / 4 {
		got := f.Pair(f.C1)
		replies := make([]*testbed.Reply, testbed.Racers)
		testbed.Crowd(testbed.Racers+1, func(i int) {
			if i == testbed.Racers {
				f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
				return
			}
			replies[i] = f.Send(testbed.Refresh(f.C1, got.RefreshToken))
		})
		next := ""
		for _, r := range replies {
			if r.Status != 200 {
				r.Refused("invalid_grant")
				continue
			}
			issued := r.Tokens()
			next = issued.RefreshToken
			f.Gone(f.C1, issued.AccessToken)
		}
		if next != "" {
			f.Dead(f.C1, next)
		}
		f.Dead(f.C1, got.RefreshToken)
		f.Gone(f.C1, got.AccessToken)
	}
}
