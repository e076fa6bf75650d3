package tokenendpoint_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// protectedRules is an API behind the middleware of the endpoint. The answers of
// the middleware have tests of their own, in package bearer.
var protectedRules = []rule{
	{"P05_a_protected_route_knows_what_is_revoked_at_once", revokedAtOnce},
	{"P05_a_protected_route_without_Revocations", protectedOffline},
	{"P05_a_protected_route_of_another_audience", protectedElsewhere},
	{"I37_a_refresh_token_at_a_protected_route", i37Protected},
	{"P05_what_the_operator_learns_of_a_protected_route", protectedEvents},
}

var timedProtectedRules = []rule{
	{"P05_another_replica_knows_in_time", revokedInTime},
	{"P05_another_replica_knows_at_once_if_it_must", revokedEverywhere},
}

// revokedAtOnce: a revocation in this process holds at once, by every way to
// revoke.
func revokedAtOnce(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.Strict)
	for what, end := range map[string]func(got, next testbed.Tokens) (dead []string){
		"an access token that was revoked": func(got, _ testbed.Tokens) []string {
			f.Send(testbed.Revoke(f.C1, got.AccessToken)).Ended()
			return []string{got.AccessToken}
		},
		"a family that was revoked": func(got, next testbed.Tokens) []string {
			f.Send(testbed.Revoke(f.C1, next.RefreshToken)).Ended()
			return []string{got.AccessToken, next.AccessToken}
		},
		"a family that ended at a replay": func(got, next testbed.Tokens) []string {
			f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
			return []string{got.AccessToken, next.AccessToken}
		},
		"a family whose end was an outage to tell": func(got, _ testbed.Tokens) []string {
			f.BreakStore(testbed.Fault{Method: testbed.CallRevoke, After: true})
			f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Unavailable()
			f.Store.Heal()
			return []string{got.AccessToken}
		},
		"an access token whose end was an outage to tell": func(got, _ testbed.Tokens) []string {
			f.BreakStore(testbed.Fault{Method: testbed.CallRevokeToken, After: true})
			f.Send(testbed.Revoke(f.C1, got.AccessToken)).Unavailable()
			f.Store.Heal()
			return []string{got.AccessToken}
		},
	} {
		f.Sub(what, func() {
			got := f.Pair(f.C1)
			next := f.Next(f.C1, got.RefreshToken)
			for _, token := range []string{got.AccessToken, next.AccessToken} {
				f.WantCall(http.StatusNoContent, "before", token, "read", "write")
			}
			for _, token := range end(got, next) {
				f.WantCall(http.StatusUnauthorized, what, token)
			}
		})
	}
	token := f.Access(f.CC)
	f.WantCall(http.StatusForbidden, "a scope that is not there", token, "read", "write")
	f.Store.FailWith(testbed.CallRevoked, testbed.ErrOutage)
	f.WantCall(http.StatusNoContent, "what was asked a moment ago", token)
	f.WantCall(http.StatusServiceUnavailable, "a store that is away", f.Access(f.C1))
}

func protectedOffline(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Revocations, c.TokenType = nil, jws.TypeJWT })
	got := f.Pair(f.C1)
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.AsksNothing(func() { f.WantCall(http.StatusNoContent, "a token that nobody asks about", got.AccessToken) })
	f.WantCall(http.StatusUnauthorized, "a cut token", got.AccessToken[:len(got.AccessToken)-1])
}

func protectedElsewhere(t *testing.T) {
	f := testbed.New(t, openMemory)
	p := f.NewWideClient(func(c *storage.Client) { c.Audience = []string{testbed.OtherAudience} })
	here, there := f.Access(f.C1), f.Access(p)
	v, err := f.Handler.Verifier(testbed.OtherAudience)
	if err != nil {
		t.Fatal(err)
	}
	f.WantCall(http.StatusNoContent, "for this audience", here)
	f.WantCall(http.StatusUnauthorized, "for another audience", there)
	for token, want := range map[string]int{here: http.StatusUnauthorized, there: http.StatusNoContent} {
		if got := f.CallBehind(v.RequireToken("read"), token); got != want {
			t.Errorf("the other audience answers %d, want %d", got, want)
		}
	}
	f.Send(testbed.Revoke(p, there)).Ended()
	if got := f.CallBehind(v.RequireToken(), there); got != http.StatusUnauthorized {
		t.Errorf("the other audience answers %d to a revoked token, want 401", got)
	}
	if v, err := f.Handler.Verifier(""); err == nil || v != nil {
		t.Errorf("a verifier for nobody: got %v, %v, want an error", v, err)
	}
}

func i37Protected(t *testing.T) {
	f := testbed.New(t, openMemory)
	f.WantCall(http.StatusUnauthorized, "a refresh token", f.RefreshToken(f.C1))
	f.WantCall(http.StatusUnauthorized, "a code", f.Code(f.C1))
}

// revokedInTime: two replicas share the store, and nothing else.
func revokedInTime(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	other := testbed.NewTimed(t, testbed.Beside(f))
	got := f.Pair(f.C1)
	other.WantCall(http.StatusNoContent, "before", got.AccessToken)
	time.Sleep(time.Second)
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.WantCall(http.StatusUnauthorized, "here", got.AccessToken)
	other.Store.Counted()
	time.Sleep(4*time.Second - time.Nanosecond)
	other.WantCall(http.StatusNoContent, "within the staleness", got.AccessToken) // pinned: that is the purpose of the staleness
	other.Asked(map[string]int{})
	time.Sleep(time.Nanosecond)
	other.WantCall(http.StatusUnauthorized, "after it", got.AccessToken)
	other.Asked(map[string]int{testbed.CallRevoked: 1})
}

func revokedEverywhere(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	other := testbed.NewTimed(t, testbed.Beside(f), func(c *tokenendpoint.Config) { c.RevocationStaleness = -1 })
	got := f.Pair(f.C1)
	other.WantCall(http.StatusNoContent, "before", got.AccessToken)
	f.Send(testbed.Revoke(f.C1, got.AccessToken)).Ended()
	other.WantCall(http.StatusUnauthorized, "at once", got.AccessToken)
}

// protectedEvents: Config.ObserveBearer gets the events of the routes of
// RequireToken and of every Verifier, and of no request to the endpoints.
func protectedEvents(t *testing.T) {
	var events []bearer.Event
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.ObserveBearer = func(_ context.Context, e bearer.Event) { events = append(events, e) }
	})
	v, err := f.Handler.Verifier(testbed.OtherAudience)
	if err != nil {
		t.Fatal(err)
	}
	token := f.Access(f.C1)
	f.WantCall(http.StatusNoContent, "before", token, "read")
	f.CallBehind(v.RequireToken(), token)
	f.WantCall(http.StatusForbidden, "a scope that is not there", token, "nothing")
	f.WantCall(http.StatusUnauthorized, "no token", "x")
	f.Send(testbed.Revoke(f.C1, token)).Ended()
	f.WantCall(http.StatusUnauthorized, "revoked", token)
	want := []bearer.Reason{"", bearer.WrongAudience, bearer.LacksScope, bearer.NotAToken, bearer.Revoked}
	if len(events) != len(want) {
		t.Fatalf("there are %d events, want %d: %+v", len(events), len(want), events)
	}
	for i, e := range events {
		known := e.ClientID == f.C1.ID && e.Subject == f.C1.ID && e.TokenID != ""
		if e.Reason != want[i] || known != (want[i] != bearer.NotAToken) || (e.Outcome == bearer.Admitted) != (i == 0) {
			t.Errorf("event %d is %+v, want %q", i, e, want[i])
		}
	}
	for _, want := range []string{"reason=revoked", "reason=lacks_scope", "reason=wrong_audience"} {
		if line := `level=INFO msg="bearer token refused" status=`; !strings.Contains(f.Logged(), want) || !strings.Contains(f.Logged(), line) {
			t.Errorf("the log has no line at info with %s:\n%s", want, f.Logged())
		}
	}
}
