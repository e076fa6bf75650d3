package endpointtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

var refreshRaceRules = []rule{
	{"I27_fifty_concurrent_refreshes_without_grace", i27},
	{"I28_fifty_concurrent_refreshes_with_grace", i28},
	{"I29_refresh_against_revocation", i29},
}

// i27: one refresh wins. The others are replays, and without a grace window
// that is the end of the family.
func i27(t *testing.T, open opener) {
	f := newFixture(t, open, strict)
	for range rounds {
		token := f.refreshToken(f.c1)
		replies := f.crowdOf(refresh(f.c1, token))
		next := ""
		for _, r := range replies {
			if r.status != http.StatusOK {
				r.refused("invalid_grant")
				continue
			}
			if next != "" {
				t.Error("two refreshes won, want one")
			}
			next = r.tokens().refreshToken
		}
		if next == "" {
			t.Fatal("no refresh won, want one")
		}
		f.dead(f.c1, next, token)
	}
}

// i28: all get the one successor, and nobody's family ends. The window is as
// long as it may be, so that a slow machine cannot leave it.
func i28(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for range rounds {
		token := f.refreshToken(f.c1)
		f.store.counted()
		next := ""
		for _, r := range f.crowdOf(refresh(f.c1, token)) {
			got := r.tokens().refreshToken
			if next != "" && got != next {
				t.Errorf("refresh_token is %q and %q, want one successor", got, next)
			}
			next = got
		}
		if calls := f.store.counted(); calls[mRevoke] != 0 || calls[mCreateCredential] != 0 {
			t.Errorf("the calls were %v, want no Revoke and no CreateCredential", calls)
		}
		if got := f.record(token).Uses; got != racers {
			t.Errorf("the parent has %d uses, want %d", got, racers)
		}
		f.works(f.c1, f.works(f.c1, next))
	}
}

// crowdOf sends a request fifty times at once.
func (f *fixture) crowdOf(r *request) []*reply {
	f.Helper()
	replies := make([]*reply, racers)
	crowd(racers, func(i int) { replies[i] = f.send(both(r)[i%2]) })
	for _, r := range replies {
		if r == nil {
			f.Fatal("a request of the crowd had no response")
		}
	}
	return replies
}

// i29: whatever the order was, nothing of the family lives when both have
// returned.
func i29(t *testing.T, open opener) {
	for _, o := range []option{strict, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute }} {
		f := newFixture(t, open, o)
		for range rounds {
			token := f.refreshToken(f.c1)
			family := f.record(token).Family
			replies := make([]*reply, racers)
			crowd(racers, func(i int) {
				if i == 0 {
					if err := f.store.Store.Revoke(t.Context(), family); err != nil {
						t.Errorf("Revoke: %v", err)
					}
					return
				}
				replies[i] = f.send(refresh(f.c1, token))
			})
			next := ""
			for _, r := range replies[1:] {
				if r.status != http.StatusOK {
					r.refused("invalid_grant")
					continue
				}
				next = r.tokens().refreshToken
			}
			if next != "" {
				f.dead(f.c1, next)
			}
			f.dead(f.c1, token)
		}
	}
}

// i29Endpoint: whatever the order was, nothing of the family lives when all
// have returned.
func i29Endpoint(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	for range rounds / 4 {
		got := f.pair(f.c1)
		replies := make([]*reply, racers)
		crowd(racers+1, func(i int) {
			if i == racers {
				f.send(revoke(f.c1, got.refreshToken)).ended()
				return
			}
			replies[i] = f.send(refresh(f.c1, got.refreshToken))
		})
		next := ""
		for _, r := range replies {
			if r.status != 200 {
				r.refused("invalid_grant")
				continue
			}
			issued := r.tokens()
			next = issued.refreshToken
			f.gone(f.c1, issued.accessToken)
		}
		if next != "" {
			f.dead(f.c1, next)
		}
		f.dead(f.c1, got.refreshToken)
		f.gone(f.c1, got.accessToken)
	}
}
