package endpointtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
)

// redeemAtOnce sends the same code fifty times at once, to several endpoints,
// as form and as JSON, and returns the tokens of the one that must win.
func (f *fixture) redeemAtOnce(code string, endpoints ...*fixture) tokens {
	f.Helper()
	requests := both(f.redeem(f.c1, code))
	for i, r := range requests {
		requests[i] = r.frozen()
	}
	replies := make([]*reply, racers)
	crowd(racers, func(i int) {
		replies[i] = endpoints[i%len(endpoints)].send(requests[i/len(endpoints)%2])
	})
	return f.oneWins(replies)
}

// oneWins asserts that exactly one of the racers got tokens and that the others
// got one and the same refusal.
func (f *fixture) oneWins(replies []*reply) tokens {
	f.Helper()
	var winner *reply
	losers := map[string]*reply{}
	for i, r := range replies {
		switch {
		case r == nil:
			f.Fatalf("racer %d got no answer", i)
		case r.status != http.StatusOK:
			r.refused("invalid_grant")
			losers[string(rune('A'+i))] = r
		case winner != nil:
			f.Fatalf("two racers won: %s and %s", winner.body, r.body)
		default:
			winner = r
		}
	}
	if winner == nil {
		f.Fatalf("none of %d racers won, want one", len(replies))
	}
	f.wantAlike(losers)
	return winner.tokens()
}

// g18 lets two processes share one store. The window is long, so that no loser
// can come after it however slow the store is.
func g18(t *testing.T, open opener) {
	f, l := newLedger(t, open, codeReuseWindow(time.Minute))
	second := newFixture(t, beside(f), codeReuseWindow(time.Minute))
	for round := range rounds {
		code := second.secret(f.code(f.c1))
		got := f.redeemAtOnce(code, f, second)
		if n := l.refreshTokens(t.Context()); n != 2*round+1 { // one more by the refresh of each round before
			t.Fatalf("round %d: the store has %d refresh tokens, want %d: one of each redemption", round, n, 2*round+1)
		}
		if record := f.stored(codeDigest(code)); record.Uses != 1 || record.Revoked {
			t.Errorf("the code was used %d times and revoked is %t, want once and not revoked", record.Uses, record.Revoked)
		}
		f.send(refresh(f.c1, got.refreshToken)).tokens()
	}
	a, b := f.outcomes(), second.outcomes()
	if issued := a[tokenendpoint.Issued] + b[tokenendpoint.Issued]; issued != 2*rounds {
		t.Errorf("%d events say issued, want %d", issued, 2*rounds)
	}
	if refused := a[tokenendpoint.Refused] + b[tokenendpoint.Refused]; refused != (racers-1)*rounds {
		t.Errorf("%d events say refused, want %d", refused, (racers-1)*rounds)
	}
}

// g19 is the policy unless configured otherwise: a proxy that repeats a request
// logs nobody out.
func g19(t *testing.T, open opener) {
	f := newFixture(t, open)
	for range rounds {
		code := f.code(f.c1)
		got := f.redeemAtOnce(code, f)
		f.send(refresh(f.c1, got.refreshToken)).tokens()
	}
	if n := f.outcomes()[tokenendpoint.Replayed]; n != 0 {
		t.Errorf("%d of the losers ended the family, want none", n)
	}
}

// g19WithoutWindow is the other policy: every second use is theft.
func g19WithoutWindow(t *testing.T, open opener) {
	f := newFixture(t, open, codeReuseWindow(-1))
	for round := range rounds {
		code := f.code(f.c1)
		got := f.redeemAtOnce(code, f)
		if !f.stored(codeDigest(code)).Revoked {
			t.Errorf("round %d: the family is not revoked", round)
		}
		f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
	}
	if n := f.outcomes()[tokenendpoint.Replayed]; n < rounds {
		t.Errorf("%d events say replayed, want one for each of %d rounds at least", n, rounds)
	}
}

func g19Timed(t *testing.T, open opener) {
	for _, policy := range []struct {
		configured, window time.Duration
	}{
		{0, 2 * time.Second},
		{30 * time.Second, 30 * time.Second},
		{time.Minute, time.Minute},
	} {
		f := newTimed(t, open, codeReuseWindow(policy.configured))
		code := f.code(f.c1)
		got := f.send(f.redeem(f.c1, code)).tokens()
		time.Sleep(policy.window - time.Millisecond)
		f.changesNothing(func() { f.send(f.redeem(f.c1, code)).refused("invalid_grant") })
		f.outcome(tokenendpoint.Refused)
		got = f.send(refresh(f.c1, got.refreshToken)).tokens()
		time.Sleep(time.Millisecond)
		f.replayEnds(f.redeem(f.c1, code), code)
		f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
	}
}

// g19SlowWinner: the window is for who repeats a request whose answer took
// long, so it begins when the code was used and not when its request came.
func g19SlowWinner(t *testing.T, open opener) {
	f := newTimed(t, open, patient, withGrant(grants.TypeAuthorizationCode, grants.AuthorizationCode{Hook: slowly()}))
	code := f.code(f.c1)
	got := f.send(f.redeem(f.c1, code)).tokens()
	time.Sleep(2*time.Second - time.Millisecond)
	f.changesNothing(func() { f.send(f.redeem(f.c1, code)).refused("invalid_grant") })
	f.outcome(tokenendpoint.Refused)
	got = f.send(refresh(f.c1, got.refreshToken)).tokens()
	time.Sleep(time.Millisecond)
	f.replayEnds(f.redeem(f.c1, code), code)
	f.dead(f.c1, got.refreshToken)
}
