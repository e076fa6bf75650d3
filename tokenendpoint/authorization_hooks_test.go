package tokenendpoint_test

import (
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// hookRules are about hooks that change their arguments in a wrong way.
var hookRules = []rule{
	{"F08_a_hook_that_replaces_the_authorization", hookReplaces},
	{"F08_a_hook_changes_a_copy", hookCopies},
	{"I21_a_repeat_without_a_refresh_token", repeatWithout},
	{"K05_a_lifetime_under_a_second", shortLifetime},
}

// replace is a hook that builds a new answer from only the fields that it knows.
func replace(refresh bool) func(*grants.Authorization) error {
	return func(a *grants.Authorization) error {
		*a = grants.Authorization{Subject: a.Subject, Scope: a.Scope, Audience: a.Audience, Refresh: refresh}
		return nil
	}
}

// hookReplaces: a hook cannot replace the presented credential, the key that it
// rests on, or the user.
func hookReplaces(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere, testbed.Strict, testbed.CodeReuseWindow(-1))
	for grant, r := range f.Requests(f.C1) {
		h.Do(replace(false))
		if got := f.Send(r).Tokens(); got.RefreshToken != "" {
			t.Errorf("%s: there is a refresh token, want none", grant)
		}
		h.Do(nil)
		if grant == grants.TypeAuthorizationCode || grant == grants.TypeRefreshToken {
			f.Send(r).Refused("invalid_grant")
			f.Outcome(tokenendpoint.Replayed)
		}
	}
	h.Do(replace(true))
	key := f.APIKey(f.C1)
	token := f.Works(f.C1, f.Send(testbed.PresentKey(f.C1, key)).Tokens().RefreshToken)
	if got, want := f.Record(token).APIKey, f.StoredKey(key).Digest; got != want {
		t.Errorf("the refresh token is bound to the key %v, want %v", got, want)
	}
	f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt } })
	f.Dead(f.C1, token)
	f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })

	code := f.Code(f.C1)
	family := f.Stored(testbed.CodeDigest(code)).Family
	if got := f.Record(f.Send(f.Redeem(f.C1, code)).Tokens().RefreshToken).Family; got != family {
		t.Errorf("the refresh token is of the family %q, want %q, that of its code", got, family)
	}
	requests := f.Requests(f.C1)
	f.Store.Counted()
	for _, change := range []func(*grants.Authorization){
		func(a *grants.Authorization) { *a = grants.Authorization{} },
		func(a *grants.Authorization) { a.Subject = "root" },
		func(a *grants.Authorization) { a.Subject += "x" },
	} {
		h.Do(func(a *grants.Authorization) error { change(a); return nil })
		for _, r := range requests {
			f.Send(r).RefusedWith(500, "server_error")
		}
	}
	f.WroteNothing()
}

// hookCopies: a hook that writes into the lists and the maps that it is shown
// changes one access token. The family keeps the grant, all but the scope of its
// first token: see grants.Hook.
func hookCopies(t *testing.T) {
	const a, b = "https://a.test", "https://b.test"
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{a, b} })
	meddle := func(a *grants.Authorization) error {
		a.Scope = append(a.Scope[:0], a.Scope[1:]...)
		a.Audience = append(a.Audience[:0], a.Audience[1:]...)
		if org, ok := a.Claims["org"].(map[string]any); ok {
			org["admin"] = true
		}
		a.AddClaim("extra", true)
		return nil
	}
	code := f.Code(f.C1, func(r *grants.AuthorizationRequest) {
		r.Audience, r.Claims = []string{a, b}, map[string]any{"org": map[string]any{"id": "o1"}}
	})
	check := func(r *testbed.Request, meddled bool, scope string) string {
		t.Helper()
		change, audience := h.Do, []string{a, b}
		change(nil)
		if meddled {
			change(meddle)
			audience = audience[1:]
		}
		reply := f.Send(r)
		got := reply.Scoped(scope)
		reply.Audience(audience...)
		org, _ := got.Claims["org"].(map[string]any)
		if org["id"] != "o1" || (org["admin"] == true) != meddled || (got.Claims["extra"] == true) != meddled {
			t.Errorf("the claims are %v, want those of the hook: %t", got.Claims, meddled)
		}
		return got.RefreshToken
	}
	first := check(f.Redeem(f.C1, code), true, "write")
	h.Do(nil)
	second := check(testbed.Refresh(f.C1, first), false, "write")
	whole := f.RefreshToken(f.C1, func(r *grants.AuthorizationRequest) {
		r.Audience, r.Claims = []string{a, b}, map[string]any{"org": map[string]any{"id": "o1"}}
	})
	next := check(testbed.Refresh(f.C1, whole), true, "write")
	check(testbed.Refresh(f.C1, next), false, "read write")
	check(testbed.Refresh(f.C1, second), false, "write")
}

// repeatWithout: a hook that drops the refresh token drops it from the repeated
// answer, too. A client that has the family's token can go on with it.
func repeatWithout(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	token := f.RefreshToken(f.C1)
	next := f.Works(f.C1, token)
	h.Do(func(a *grants.Authorization) error { a.Refresh = false; return nil })
	for _, r := range testbed.Both(testbed.Refresh(f.C1, token)) {
		if got := f.Send(r).Tokens(); got.RefreshToken != "" {
			t.Errorf("refresh_token is %q, want none", got.RefreshToken)
		}
		f.Outcome(tokenendpoint.Repeated)
	}
	h.Do(nil)
	if again := f.Works(f.C1, token); again != next {
		t.Errorf("refresh_token is %q, want the successor %q again", again, next)
	}
	f.Works(f.C1, next)
}

// shortLifetime: expires_in counts whole seconds, so a hook that sets a shorter
// life has a defect.
func shortLifetime(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	requests := f.Requests(f.C1)
	f.Store.Counted()
	for _, r := range requests {
		h.Do(func(a *grants.Authorization) error { a.Lifetime = 999_999_999; return nil })
		f.Send(r).RefusedWith(500, "server_error")
		h.Do(func(a *grants.Authorization) error { a.Lifetime = -1; return nil })
		f.Send(r).RefusedWith(500, "server_error")
		h.Do(nil)
		f.Edit(f.C1, func(c *storage.Client) { c.AccessTokenLifetime = 1 })
		f.Send(r).RefusedWith(500, "server_error")
		f.Restore()
	}
	f.WroteNothing()
	for _, r := range requests {
		f.Send(r).Lifetime(3600)
	}
}
