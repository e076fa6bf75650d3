package endpointtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// protectedRules is an API behind the middleware of the endpoint. What that
// answers to a token has tests of its own, in package bearer.
var protectedRules = []rule{
	{"P05_a_protected_route_knows_what_is_revoked_at_once", revokedAtOnce},
	{"P05_a_protected_route_without_Revocations", protectedOffline},
	{"P05_a_protected_route_of_another_audience", protectedElsewhere},
	{"I37_a_refresh_token_at_a_protected_route", i37Protected},
}

var timedProtectedRules = []rule{
	{"P05_another_replica_knows_in_time", revokedInTime},
	{"P05_another_replica_knows_at_once_if_it_must", revokedEverywhere},
}

// call asks a protected route of this process with a token, and returns the
// status.
func (f *fixture) call(token string, scope ...string) int {
	f.Helper()
	return f.callBehind(f.handler.RequireToken(scope...), token)
}

func (f *fixture) callBehind(protect func(http.Handler) http.Handler, token string) int {
	f.Helper()
	h := protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := bearer.Token(r.Context())
		if !ok || t.Issuer != issuer || !strings.HasPrefix(token, "ey") {
			f.Errorf("the claims behind the middleware are %+v, %t", t, ok)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	r := httptest.NewRequest("GET", "https://api.test/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// wantCall asserts the status of a protected route.
func (f *fixture) wantCall(want int, what, token string, scope ...string) {
	f.Helper()
	if got := f.call(token, scope...); got != want {
		f.Errorf("%s: a protected route answers %d, want %d", what, got, want)
	}
}

// revokedAtOnce: whatever way the revocation took in this process.
func revokedAtOnce(t *testing.T, open opener) {
	f := newFixture(t, open, strict)
	for what, end := range map[string]func(got, next tokens) (dead []string){
		"an access token that was revoked": func(got, _ tokens) []string {
			f.send(revoke(f.c1, got.accessToken)).ended()
			return []string{got.accessToken}
		},
		"a family that was revoked": func(got, next tokens) []string {
			f.send(revoke(f.c1, next.refreshToken)).ended()
			return []string{got.accessToken, next.accessToken}
		},
		"a family that ended at a replay": func(got, next tokens) []string {
			f.send(refresh(f.c1, got.refreshToken)).refused("invalid_grant")
			return []string{got.accessToken, next.accessToken}
		},
		"a family whose end was an outage to tell": func(got, _ tokens) []string {
			f.breakStore(fault{mRevoke, true})
			f.send(revoke(f.c1, got.refreshToken)).unavailable()
			f.store.heal()
			return []string{got.accessToken}
		},
		"an access token whose end was an outage to tell": func(got, _ tokens) []string {
			f.breakStore(fault{mRevokeToken, true})
			f.send(revoke(f.c1, got.accessToken)).unavailable()
			f.store.heal()
			return []string{got.accessToken}
		},
	} {
		f.sub(what, func() {
			got := f.pair(f.c1)
			next := f.next(f.c1, got.refreshToken)
			for _, token := range []string{got.accessToken, next.accessToken} {
				f.wantCall(http.StatusNoContent, "before", token, "read", "write")
			}
			for _, token := range end(got, next) {
				f.wantCall(http.StatusUnauthorized, what, token)
			}
		})
	}
	token := f.access(f.cc)
	f.wantCall(http.StatusForbidden, "a scope that is not there", token, "read", "write")
	f.store.failWith(mRevoked, errOutage)
	f.wantCall(http.StatusNoContent, "what was asked a moment ago", token)
	f.wantCall(http.StatusServiceUnavailable, "a store that is away", f.access(f.c1))
}

func protectedOffline(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.Revocations, c.TokenType = nil, jws.TypeJWT })
	got := f.pair(f.c1)
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.asksNothing(func() { f.wantCall(http.StatusNoContent, "a token that nobody asks about", got.accessToken) })
	f.wantCall(http.StatusUnauthorized, "a cut token", got.accessToken[:len(got.accessToken)-1])
}

func protectedElsewhere(t *testing.T, open opener) {
	f := newFixture(t, open)
	p := f.newWideClient(func(c *storage.Client) { c.Audience = []string{otherAudience} })
	here, there := f.access(f.c1), f.access(p)
	v, err := f.handler.Verifier(otherAudience)
	if err != nil {
		t.Fatal(err)
	}
	f.wantCall(http.StatusNoContent, "for this audience", here)
	f.wantCall(http.StatusUnauthorized, "for another audience", there)
	for token, want := range map[string]int{here: http.StatusUnauthorized, there: http.StatusNoContent} {
		if got := f.callBehind(v.RequireToken("read"), token); got != want {
			t.Errorf("the other audience answers %d, want %d", got, want)
		}
	}
	f.send(revoke(p, there)).ended()
	if got := f.callBehind(v.RequireToken(), there); got != http.StatusUnauthorized {
		t.Errorf("the other audience answers %d to what was revoked, want 401", got)
	}
	if v, err := f.handler.Verifier(""); err == nil || v != nil {
		t.Errorf("a verifier for nobody: got %v, %v, want an error", v, err)
	}
}

func i37Protected(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.wantCall(http.StatusUnauthorized, "a refresh token", f.refreshToken(f.c1))
	f.wantCall(http.StatusUnauthorized, "a code", f.code(f.c1))
}

// revokedInTime: two replicas have the store in common, and no more.
func revokedInTime(t *testing.T, open opener) {
	f := newTimed(t, open)
	other := newTimed(t, beside(f))
	got := f.pair(f.c1)
	other.wantCall(http.StatusNoContent, "before", got.accessToken)
	time.Sleep(time.Second)
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.wantCall(http.StatusUnauthorized, "here", got.accessToken)
	other.store.counted()
	time.Sleep(4*time.Second - time.Nanosecond)
	other.wantCall(http.StatusNoContent, "within the staleness", got.accessToken) // pinned: that is what it is for
	other.asked(map[string]int{})
	time.Sleep(time.Nanosecond)
	other.wantCall(http.StatusUnauthorized, "after it", got.accessToken)
	other.asked(map[string]int{mRevoked: 1})
}

func revokedEverywhere(t *testing.T, open opener) {
	f := newTimed(t, open)
	other := newTimed(t, beside(f), func(c *tokenendpoint.Config) { c.RevocationStaleness = -1 })
	got := f.pair(f.c1)
	other.wantCall(http.StatusNoContent, "before", got.accessToken)
	f.send(revoke(f.c1, got.accessToken)).ended()
	other.wantCall(http.StatusUnauthorized, "at once", got.accessToken)
}
