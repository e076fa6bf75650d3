package endpointtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// redeemAtOnce sends the same code fifty times at once, to several endpoints,
// as form and as JSON, and returns the tokens of the one that must win.
func redeemAtOnce(f *testbed.Fixture, code string, endpoints ...*testbed.Fixture) testbed.Tokens {
	f.Helper()
	requests := testbed.Both(f.Redeem(f.C1, code))
	for i, r := range requests {
		requests[i] = r.Frozen()
	}
	replies := make([]*testbed.Reply, testbed.Racers)
	testbed.Crowd(testbed.Racers, func(i int) {
		replies[i] = endpoints[i%len(endpoints)].Send(requests[i/len(endpoints)%2])
	})
	return oneWins(f, replies)
}

// oneWins asserts that exactly one of the racers got tokens and that the others
// got one and the same refusal.
func oneWins(f *testbed.Fixture, replies []*testbed.Reply) testbed.Tokens {
	f.Helper()
	var winner *testbed.Reply
	losers := map[string]*testbed.Reply{}
	for i, r := range replies {
		switch {
		case r == nil:
			f.Fatalf("racer %d got no answer", i)
		case r.Status != http.StatusOK:
			r.Refused("invalid_grant")
			losers[string(rune('A'+i))] = r
		case winner != nil:
			f.Fatalf("two racers won: %s and %s", winner.Body, r.Body)
		default:
			winner = r
		}
	}
	if winner == nil {
		f.Fatalf("none of %d racers won, want one", len(replies))
	}
	f.WantAlike(losers)
	return winner.Tokens()
}

// g18 lets two processes share one store. The window is long, so that no loser
// can come after it however slow the store is, and so is the Timeout.
func g18(t *testing.T, open testbed.Opener) {
	f, l := testbed.NewLedger(t, open, testbed.Patient, testbed.CodeReuseWindow(time.Minute))
	second := testbed.New(t, testbed.Beside(f), testbed.Patient, testbed.CodeReuseWindow(time.Minute))
	for round := range testbed.Rounds {
		code := second.Secret(f.Code(f.C1))
		got := redeemAtOnce(f, code, f, second)
		if n := l.RefreshTokens(t.Context()); n != 2*round+1 { // one more by the refresh of each round before
			t.Fatalf("round %d: the store has %d refresh tokens, want %d: one of each redemption", round, n, 2*round+1)
		}
		if record := f.Stored(testbed.CodeDigest(code)); record.Uses != 1 || record.Revoked {
			t.Errorf("the code was used %d times and revoked is %t, want once and not revoked", record.Uses, record.Revoked)
		}
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
	}
	a, b := f.Outcomes(), second.Outcomes()
	if issued := a[tokenendpoint.Issued] + b[tokenendpoint.Issued]; issued != 2*testbed.Rounds {
		t.Errorf("%d events say issued, want %d", issued, 2*testbed.Rounds)
	}
	if refused := a[tokenendpoint.Refused] + b[tokenendpoint.Refused]; refused != (testbed.Racers-1)*testbed.Rounds {
		t.Errorf("%d events say refused, want %d", refused, (testbed.Racers-1)*testbed.Rounds)
	}
}

// g19: a proxy that repeats a request logs nobody out. The window and the Timeout are
// long for the reason of g18; g19Timed has the window that holds unless configured.
func g19(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, testbed.CodeReuseWindow(time.Minute))
	for range testbed.Rounds {
		code := f.Code(f.C1)
		got := redeemAtOnce(f, code, f)
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
	}
	if n := f.Outcomes()[tokenendpoint.Replayed]; n != 0 {
		t.Errorf("%d of the losers ended the family, want none", n)
	}
}

// g19WithoutWindow is the other policy: every second use is theft.
func g19WithoutWindow(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, testbed.CodeReuseWindow(-1))
	for round := range testbed.Rounds {
		code := f.Code(f.C1)
		got := redeemAtOnce(f, code, f)
		if !f.Stored(testbed.CodeDigest(code)).Revoked {
			t.Errorf("round %d: the family is not revoked", round)
		}
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
	}
	if n := f.Outcomes()[tokenendpoint.Replayed]; n < testbed.Rounds {
		t.Errorf("%d events say replayed, want one for each of %d rounds at least", n, testbed.Rounds)
	}
}

func g19Timed(t *testing.T, open testbed.Opener) {
	for _, policy := range []struct {
		configured, window time.Duration
	}{
		{0, 2 * time.Second},
		{30 * time.Second, 30 * time.Second},
		{time.Minute, time.Minute},
	} {
		f := testbed.NewTimed(t, open, testbed.CodeReuseWindow(policy.configured))
		code := f.Code(f.C1)
		got := f.Send(f.Redeem(f.C1, code)).Tokens()
		time.Sleep(policy.window - time.Millisecond)
		f.ChangesNothing(func() { f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant") })
		f.Outcome(tokenendpoint.Refused)
		got = f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
		time.Sleep(time.Millisecond)
		replayEnds(f, f.Redeem(f.C1, code), code)
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
	}
}

// g19SlowWinner: the window is for a client that repeats a request whose answer took
// long, so it begins when the code was used and not when its request came.
func g19SlowWinner(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open, testbed.Patient, testbed.WithGrant(grants.TypeAuthorizationCode, grants.AuthorizationCode{Hook: testbed.Slowly()}))
	code := f.Code(f.C1)
	got := f.Send(f.Redeem(f.C1, code)).Tokens()
	time.Sleep(2*time.Second - time.Millisecond)
	f.ChangesNothing(func() { f.Send(f.Redeem(f.C1, code)).Refused("invalid_grant") })
	f.Outcome(tokenendpoint.Refused)
	got = f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
	time.Sleep(time.Millisecond)
	replayEnds(f, f.Redeem(f.C1, code), code)
	f.Dead(f.C1, got.RefreshToken)
}
