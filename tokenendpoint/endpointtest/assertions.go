package endpointtest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/contit/oauth/tokenendpoint"
)

// asked asserts how often the store was called since the last time.
func (f *fixture) asked(want map[string]int) {
	f.Helper()
	if got := f.store.counted(); !maps.Equal(got, want) {
		f.Errorf("the store was called %v, want %v", got, want)
	}
}

// wroteNothing asserts that the store was not asked to change anything since the last
// time.
func (f *fixture) wroteNothing() {
	f.Helper()
	got := f.store.counted()
	for _, m := range []string{mCreateCredential, mSpend, mRevoke, mRevokeToken} {
		if got[m] > 0 {
			f.Errorf("the store was called %v, want no change", got)
		}
	}
}

// sameAs asserts that two responses cannot be told apart. The Date may differ.
func (r *reply) sameAs(other *reply, what string) {
	r.t.Helper()
	h, o := r.header.Clone(), other.header.Clone()
	h.Del("Date")
	o.Del("Date")
	if r.status != other.status || r.body != other.body || !maps.EqualFunc(h, o, equalValues) {
		r.t.Errorf("%s: got %d %v %s, want as before %d %v %s", what, r.status, h, r.body, other.status, o, other.body)
	}
}

func equalValues(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// untouched asserts that the store was not called since the last count.
func (f *fixture) untouched(what string) {
	f.Helper()
	if n := f.store.counted(); len(n) > 0 {
		f.Errorf("%s: the store was called: %v, want no call", short(what), n)
	}
}

// refusedUnread asserts that each of the requests is refused with an
// invalid_request before anything is looked up.
func (f *fixture) refusedUnread(requests ...*request) {
	f.Helper()
	for _, r := range requests {
		f.store.counted()
		f.send(r).refused("invalid_request")
		f.untouched(r.text())
	}
}

// changesNothing asserts that while do runs the endpoint calls no method of the
// store that writes.
func (f *fixture) changesNothing(do func()) {
	f.Helper()
	f.store.counted()
	do()
	f.wroteNothing()
}

// wantCalls asserts which calls of the store are made while do runs.
func (f *fixture) wantCalls(want map[string]int, do func()) {
	f.Helper()
	f.store.counted()
	do()
	f.asked(want)
}

// asksNothing asserts that while do runs the store is not called at all.
func (f *fixture) asksNothing(do func()) {
	f.Helper()
	f.wantCalls(map[string]int{}, do)
}

// wantAlike asserts that responses cannot be told apart.
func (f *fixture) wantAlike(replies map[string]*reply) {
	f.Helper()
	names := slices.Sorted(maps.Keys(replies))
	for _, name := range names[min(1, len(names)):] {
		r := *replies[name]
		r.t = f.T // that of its own subtest is over
		r.sameAs(replies[names[0]], name+" and "+names[0])
	}
}

// outcome asserts how the last request ended.
func (f *fixture) outcome(want tokenendpoint.Outcome) {
	f.Helper()
	if got := f.lastEvent().Outcome; got != want {
		f.Errorf("the event's outcome is %q, want %q", got, want)
	}
}

// works asserts that a refresh token can be used, and returns its successor.
func (f *fixture) works(p *party, token string) string {
	f.Helper()
	return f.send(refresh(p, token)).tokens().refreshToken
}

// dead asserts that refresh tokens cannot be used. Name the newest first: to
// present an old one may be what ends the family.
func (f *fixture) dead(p *party, tokens ...string) {
	f.Helper()
	for _, token := range tokens {
		f.send(refresh(p, token)).refused("invalid_grant")
	}
}

// granted asserts the scope in the response and in the token.
func (r *reply) granted(scope string) {
	r.t.Helper()
	got := r.tokens()
	claim, _ := got.claims["scope"].(string)
	if got.scope != scope || claim != scope {
		r.t.Errorf("%s: scope is %q and %q in the token, want %q", r.sent.text(), got.scope, claim, scope)
	}
}

// scoped asserts the scope of the response and of the access token.
func (r *reply) scoped(want string) tokens {
	r.t.Helper()
	got := r.tokens()
	if claim, _ := got.claims["scope"].(string); got.scope != want || claim != want {
		r.t.Errorf("%s: scope is %q and the claim %q, want %q", r.sent.text(), got.scope, claim, want)
	}
	return got
}

// audience asserts the aud of the access token.
func (r *reply) audience(want ...string) tokens {
	r.t.Helper()
	got := r.tokens()
	if !slices.Equal(audienceOf(got), want) {
		r.t.Errorf("aud is %v, want %q", got.claims["aud"], want)
	}
	return got
}

// lifetime asserts that exp − iat is expires_in, and how long that is.
func (r *reply) lifetime(want int64) tokens {
	r.t.Helper()
	got := r.tokens()
	iat, _ := got.claims["iat"].(float64)
	exp, _ := got.claims["exp"].(float64)
	if int64(exp-iat) != got.expiresIn || got.expiresIn != want {
		r.t.Errorf("%s: expires_in is %d and exp − iat %v, want %d", r.sent.text(), got.expiresIn, exp-iat, want)
	}
	return got
}

// wantCode is reply.refused for a table.
func wantCode(code string) func(*reply) {
	return func(r *reply) { r.t.Helper(); r.refused(code) }
}

func wantServerError(r *reply) {
	r.t.Helper()
	r.refusedWith(http.StatusInternalServerError, "server_error")
}

// wantIdentity asserts for whom and to whom a token was issued.
func (f *fixture) wantIdentity(got tokens, client *party, subject string) {
	f.Helper()
	for name, want := range map[string]string{"sub": subject, "client_id": client.id, "iss": issuer} {
		if got.claims[name] != want {
			f.Errorf("%s is %v, want %s", name, got.claims[name], want)
		}
	}
}

// audienceOf reads aud, a string or a list of them (RFC 7519 §4.1.3).
func audienceOf(t tokens) []string {
	switch aud := t.claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		all := make([]string, len(aud))
		for i, a := range aud {
			all[i], _ = a.(string)
		}
		return all
	}
	return nil
}
