package endpointtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// futureRules are about a use that the store dates into the future: a replica
// whose clock was ahead wrote it, or the clock of this one was set back.
var futureRules = []rule{
	{"I40_a_refresh_token_used_in_an_hour", i40Refresh},
	{"I40_a_code_redeemed_in_an_hour", i40Code},
	{"I40_within_what_clocks_may_differ", i40Near},
}

var timedFutureRules = []rule{
	{"I40_the_tolerance_is_a_minute", i40Tolerance},
	{"I40_a_slow_request_is_not_in_the_future", i40Slow},
}

// spentCode stores a code of c1 that was redeemed as long ago as used says, and
// the refresh token that came of it.
func spentCode(f *testbed.Fixture, used time.Duration) (code, next string) {
	f.Helper()
	code = f.Code(f.C1)
	old := f.Stored(testbed.CodeDigest(code))
	secret := storage.NewSecret("rt_")
	record := old.Clone()
	record.Digest, record.Kind = secret.Digest(storage.KindRefreshToken), storage.KindRefreshToken
	record.RedirectURI, record.PKCE, record.Challenge = "", "", ""
	record.ExpiresAt = record.ExpiresAt.Add(time.Hour)
	record.FamilyExpiresAt = record.ExpiresAt
	old.FamilyExpiresAt = record.ExpiresAt
	if err := f.Store.Spend(f.Context(), old, record, time.Now().Add(-used)); err != nil {
		f.Fatalf("spending a code: %v", err)
	}
	return code, f.Secret(secret.Reveal())
}

func i40Refresh(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute })
	chain := f.Chain(f.C1, -time.Hour)
	f.Dead(f.C1, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	if e := f.LastEvent(); e.Cause == nil || !strings.Contains(e.Cause.Error(), "do the clocks differ?") {
		t.Errorf("the cause is %v, want that it is the clocks", e.Cause)
	}
	f.Dead(f.C1, chain[1])
}

func i40Code(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.CodeReuseWindow(time.Minute))
	code, next := spentCode(f, -time.Hour)
	f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}

// i40Near: a replica whose clock is half a minute ahead has just used it.
func i40Near(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	chain := f.Chain(f.C1, -30*time.Second)
	if got := f.Works(f.C1, chain[0]); got != chain[1] {
		t.Errorf("refresh_token is %q, want the successor", got)
	}
	f.Outcome(tokenendpoint.Repeated)
	code, next := spentCode(f, -30*time.Second)
	f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
	f.Outcome(tokenendpoint.Refused)
	f.Works(f.C1, next)
}

func i40Tolerance(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	chain := f.Chain(f.C1, -time.Minute)
	if got := f.Works(f.C1, chain[0]); got != chain[1] {
		t.Errorf("refresh_token is %q, want the successor", got)
	}
	f.Dead(f.C1, f.Chain(f.C1, -time.Minute-time.Microsecond)[0])
	f.Outcome(tokenendpoint.Replayed)
}

// i40Slow: a request is held up for seventy seconds, and another one uses the
// token first. That lies in the future of the instant at which the slow one is
// judged, and nothing is wrong with any clock.
func i40Slow(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, testbed.Patient)
	token, next := f.RefreshToken(f.C1), ""
	f.Store.Set(func(s *testbed.Spy) {
		s.Before = func(_ context.Context, method string) error {
			switch method {
			case testbed.CallCredential:
				time.Sleep(50 * time.Second)
			case testbed.CallSpend:
				time.Sleep(20 * time.Second)
				f.Store.Heal()
				next = f.Works(f.C1, token)
			}
			return nil
		}
	})
	if again := f.Works(f.C1, token); again != next || next == "" {
		t.Errorf("refresh_token is %q, want %q as the one that overtook", again, next)
	}
	f.Outcome(tokenendpoint.Repeated)
}
