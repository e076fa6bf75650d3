package endpointtest

import (
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// hookRules are about hooks that go wrong with what they were given.
var hookRules = []rule{
	{"F08_a_hook_that_replaces_the_authorization", hookReplaces},
	{"F08_a_hook_changes_a_copy", hookCopies},
	{"I21_a_repeat_without_a_refresh_token", repeatWithout},
	{"K05_a_lifetime_under_a_second", shortLifetime},
}

// replace is a hook that starts anew, with nothing that it does not know of.
func replace(refresh bool) func(*grants.Authorization) error {
	return func(a *grants.Authorization) error {
		*a = grants.Authorization{Subject: a.Subject, Scope: a.Scope, Audience: a.Audience, Refresh: refresh}
		return nil
	}
}

// hookReplaces: what was presented is not the hook's to give back, nor is the
// key that it rests on, nor the user.
func hookReplaces(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere, strict, codeReuseWindow(-1))
	for grant, r := range f.requests(f.c1) {
		h.do(replace(false))
		if got := f.send(r).tokens(); got.refreshToken != "" {
			t.Errorf("%s: there is a refresh token, want none", grant)
		}
		h.do(nil)
		if grant == grants.TypeAuthorizationCode || grant == grants.TypeRefreshToken {
			f.send(r).refused("invalid_grant")
			f.outcome(tokenendpoint.Replayed)
		}
	}
	h.do(replace(true))
	key := f.apiKey(f.c1)
	token := f.works(f.c1, f.send(presentKey(f.c1, key)).tokens().refreshToken)
	if got, want := f.record(token).APIKey, f.storedKey(key).Digest; got != want {
		t.Errorf("the refresh token is bound to the key %v, want %v", got, want)
	}
	f.store.set(func(s *spy) { s.editAPIKey = func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt } })
	f.dead(f.c1, token)
	f.store.set(func(s *spy) { s.editAPIKey = nil })

	code := f.code(f.c1)
	family := f.stored(codeDigest(code)).Family
	if got := f.record(f.send(f.redeem(f.c1, code)).tokens().refreshToken).Family; got != family {
		t.Errorf("the refresh token is of the family %q, want %q, that of its code", got, family)
	}
	requests := f.requests(f.c1)
	f.store.counted()
	for _, change := range []func(*grants.Authorization){
		func(a *grants.Authorization) { *a = grants.Authorization{} },
		func(a *grants.Authorization) { a.Subject = "root" },
		func(a *grants.Authorization) { a.Subject += "x" },
	} {
		h.do(func(a *grants.Authorization) error { change(a); return nil })
		for _, r := range requests {
			f.send(r).refusedWith(500, "server_error")
		}
	}
	f.wroteNothing()
}

// hookCopies: a hook that writes into the lists and the maps that it is shown
// changes one access token. The family keeps what was granted, all but the
// scope of its first token: see grants.Hook.
func hookCopies(t *testing.T, open opener) {
	const a, b = "https://a.test", "https://b.test"
	var h hook
	f := newFixture(t, open, h.everywhere)
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{a, b} })
	meddle := func(a *grants.Authorization) error {
		a.Scope = append(a.Scope[:0], a.Scope[1:]...)
		a.Audience = append(a.Audience[:0], a.Audience[1:]...)
		if org, ok := a.Claims["org"].(map[string]any); ok {
			org["admin"] = true
		}
		a.AddClaim("extra", true)
		return nil
	}
	code := f.code(f.c1, func(r *grants.AuthorizationRequest) {
		r.Audience, r.Claims = []string{a, b}, map[string]any{"org": map[string]any{"id": "o1"}}
	})
	check := func(r *request, meddled bool, scope string) string {
		t.Helper()
		change, audience := h.do, []string{a, b}
		change(nil)
		if meddled {
			change(meddle)
			audience = audience[1:]
		}
		reply := f.send(r)
		got := reply.scoped(scope)
		reply.audience(audience...)
		org, _ := got.claims["org"].(map[string]any)
		if org["id"] != "o1" || (org["admin"] == true) != meddled || (got.claims["extra"] == true) != meddled {
			t.Errorf("the claims are %v, want those of the hook: %t", got.claims, meddled)
		}
		return got.refreshToken
	}
	first := check(f.redeem(f.c1, code), true, "write")
	h.do(nil)
	second := check(refresh(f.c1, first), false, "write")
	whole := f.refreshToken(f.c1, func(r *grants.AuthorizationRequest) {
		r.Audience, r.Claims = []string{a, b}, map[string]any{"org": map[string]any{"id": "o1"}}
	})
	next := check(refresh(f.c1, whole), true, "write")
	check(refresh(f.c1, next), false, "read write")
	check(refresh(f.c1, second), false, "write")
}

// repeatWithout: a hook that drops the refresh token drops it from the repeated
// answer, too. The family goes on for whoever has its token.
func repeatWithout(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	token := f.refreshToken(f.c1)
	next := f.works(f.c1, token)
	h.do(func(a *grants.Authorization) error { a.Refresh = false; return nil })
	for _, r := range both(refresh(f.c1, token)) {
		if got := f.send(r).tokens(); got.refreshToken != "" {
			t.Errorf("refresh_token is %q, want none", got.refreshToken)
		}
		f.outcome(tokenendpoint.Repeated)
	}
	h.do(nil)
	if again := f.works(f.c1, token); again != next {
		t.Errorf("refresh_token is %q, want the successor %q again", again, next)
	}
	f.works(f.c1, next)
}

// shortLifetime: expires_in counts whole seconds, so a shorter life is a defect
// of whoever set it.
func shortLifetime(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	requests := f.requests(f.c1)
	f.store.counted()
	for _, r := range requests {
		h.do(func(a *grants.Authorization) error { a.Lifetime = 999_999_999; return nil })
		f.send(r).refusedWith(500, "server_error")
		h.do(func(a *grants.Authorization) error { a.Lifetime = -1; return nil })
		f.send(r).refusedWith(500, "server_error")
		h.do(nil)
		f.edit(f.c1, func(c *storage.Client) { c.AccessTokenLifetime = 1 })
		f.send(r).refusedWith(500, "server_error")
		f.restore()
	}
	f.wroteNothing()
	for _, r := range requests {
		f.send(r).lifetime(3600)
	}
}
