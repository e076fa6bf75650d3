package testbed

import (
	"maps"
	"net/http"
	"slices"

	"github.com/contit/oauth/tokenendpoint"
)

// Asked asserts how often the store was called since the last time.
func (f *Fixture) Asked(want map[string]int) {
	f.Helper()
	if got := f.Store.Counted(); !maps.Equal(got, want) {
		f.Errorf("the store was called %v, want %v", got, want)
	}
}

// WroteNothing asserts that the store was not asked to change anything since the last
// time.
func (f *Fixture) WroteNothing() {
	f.Helper()
	got := f.Store.Counted()
	for _, m := range Writes {
		if got[m] > 0 {
			f.Errorf("the store was called %v, want no change", got)
		}
	}
}

// SameAs asserts that two responses cannot be told apart. The Date may differ.
func (r *Reply) SameAs(other *Reply, what string) {
	r.T.Helper()
	h, o := r.Header.Clone(), other.Header.Clone()
	h.Del("Date")
	o.Del("Date")
	if r.Status != other.Status || r.Body != other.Body || !maps.EqualFunc(h, o, equalValues) {
		r.T.Errorf("%s: got %d %v %s, want as before %d %v %s", what, r.Status, h, r.Body, other.Status, o, other.Body)
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

// Untouched asserts that the store was not called since the last count.
func (f *Fixture) Untouched(what string) {
	f.Helper()
	if n := f.Store.Counted(); len(n) > 0 {
		f.Errorf("%s: the store was called: %v, want no call", Short(what), n)
	}
}

// RefusedUnread asserts that each of the requests is refused with an
// invalid_request before anything is looked up.
func (f *Fixture) RefusedUnread(requests ...*Request) {
	f.Helper()
	for _, r := range requests {
		f.Store.Counted()
		f.Send(r).Refused("invalid_request")
		f.Untouched(r.Text())
	}
}

// ChangesNothing asserts that while do runs the endpoint calls no method of the
// store that writes.
func (f *Fixture) ChangesNothing(do func()) {
	f.Helper()
	f.Store.Counted()
	do()
	f.WroteNothing()
}

// WantCalls asserts which calls of the store are made while do runs.
func (f *Fixture) WantCalls(want map[string]int, do func()) {
	f.Helper()
	f.Store.Counted()
	do()
	f.Asked(want)
}

// AsksNothing asserts that while do runs the store is not called at all.
func (f *Fixture) AsksNothing(do func()) {
	f.Helper()
	f.WantCalls(map[string]int{}, do)
}

// WantAlike asserts that responses cannot be told apart.
func (f *Fixture) WantAlike(replies map[string]*Reply) {
	f.Helper()
	names := slices.Sorted(maps.Keys(replies))
	for _, name := range names[min(1, len(names)):] {
		r := *replies[name]
		r.T = f.T // that of its own subtest is over
		r.SameAs(replies[names[0]], name+" and "+names[0])
	}
}

// Outcome asserts how the last request ended.
func (f *Fixture) Outcome(want tokenendpoint.Outcome) {
	f.Helper()
	if got := f.LastEvent().Outcome; got != want {
		f.Errorf("the event's outcome is %q, want %q", got, want)
	}
}

// Works asserts that a refresh token can be used, and returns its successor.
func (f *Fixture) Works(p *Party, token string) string {
	f.Helper()
	return f.Send(Refresh(p, token)).Tokens().RefreshToken
}

// Dead asserts that refresh tokens cannot be used. Name the newest first:
// presenting an old one may end the family.
func (f *Fixture) Dead(p *Party, tokens ...string) {
	f.Helper()
	for _, token := range tokens {
		f.Send(Refresh(p, token)).Refused("invalid_grant")
	}
}

// Granted asserts the scope in the response and in the token.
func (r *Reply) Granted(scope string) {
	r.T.Helper()
	got := r.Tokens()
	claim, _ := got.Claims["scope"].(string)
	if got.Scope != scope || claim != scope {
		r.T.Errorf("%s: scope is %q and %q in the token, want %q", r.Sent.Text(), got.Scope, claim, scope)
	}
}

// Scoped asserts the scope of the response and of the access token.
func (r *Reply) Scoped(want string) Tokens {
	r.T.Helper()
	got := r.Tokens()
	if claim, _ := got.Claims["scope"].(string); got.Scope != want || claim != want {
		r.T.Errorf("%s: scope is %q and the claim %q, want %q", r.Sent.Text(), got.Scope, claim, want)
	}
	return got
}

// Audience asserts the aud of the access token.
func (r *Reply) Audience(want ...string) Tokens {
	r.T.Helper()
	got := r.Tokens()
	if !slices.Equal(AudienceOf(got), want) {
		r.T.Errorf("aud is %v, want %q", got.Claims["aud"], want)
	}
	return got
}

// Lifetime asserts that exp − iat is expires_in, and how long that is.
func (r *Reply) Lifetime(want int64) Tokens {
	r.T.Helper()
	got := r.Tokens()
	iat, _ := got.Claims["iat"].(float64)
	exp, _ := got.Claims["exp"].(float64)
	if int64(exp-iat) != got.ExpiresIn || got.ExpiresIn != want {
		r.T.Errorf("%s: expires_in is %d and exp − iat %v, want %d", r.Sent.Text(), got.ExpiresIn, exp-iat, want)
	}
	return got
}

// WantCode is reply.refused for a table.
func WantCode(code string) func(*Reply) {
	return func(r *Reply) { r.T.Helper(); r.Refused(code) }
}

// WantServerError is Reply.RefusedWith for a fault, for a table.
func WantServerError(r *Reply) {
	r.T.Helper()
	r.RefusedWith(http.StatusInternalServerError, "server_error")
}

// WantIdentity asserts for whom and to whom a token was issued.
func (f *Fixture) WantIdentity(got Tokens, client *Party, subject string) {
	f.Helper()
	for name, want := range map[string]string{"sub": subject, "client_id": client.ID, "iss": Issuer} {
		if got.Claims[name] != want {
			f.Errorf("%s is %v, want %s", name, got.Claims[name], want)
		}
	}
}

// AudienceOf reads aud, a string or a list of them (RFC 7519 §4.1.3).
func AudienceOf(t Tokens) []string {
	switch aud := t.Claims["aud"].(type) {
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
