package endpointtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var refreshScopeRules = []rule{
	{"I12_scope_omitted_is_the_scope_granted", i12},
	{"I13_narrowing_the_access_token_only", i13},
	{"I14_widening_is_refused", i14},
	{"I15_back_to_the_original_and_no_further", i15},
	{"I16_a_scope_that_the_client_lost", i16},
	{"I17_an_audience_that_the_client_lost", i17},
	{"I18_a_user_who_was_locked", i18},
}

func i12(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	token = f.send(refresh(f.c1, token)).scoped("read write").refreshToken
	token = f.send(refresh(f.c1, token).with("scope", "read")).scoped("read").refreshToken
	token = f.send(refresh(f.c1, token)).scoped("read write").refreshToken
	token = f.send(refresh(f.c1, token).with("scope", "write")).scoped("write").refreshToken
	f.send(refresh(f.c1, token).with("scope", "")).scoped("read write")
}

// i13: the new refresh token has the scope of the old one (OAuth 2.1 §4.3.3).
// A repeat within the grace window may narrow as well.
func i13(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	for _, r := range both(refresh(f.c1, token).with("scope", "read")) {
		next := f.send(r).scoped("read").refreshToken
		if got := f.record(next).Scope; !slices.Equal(got, []string{"read", "write"}) {
			t.Errorf("the successor's scope is %q, want read write", got)
		}
	}
	f.send(refresh(f.c1, token)).scoped("read write")
}

func i14(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	f.store.counted()
	for _, scope := range []string{"read write admin:x", "admin:x", "read READ", "openid read"} {
		for _, r := range both(refresh(f.c1, token).with("scope", scope)) {
			f.send(r).refused("invalid_scope")
		}
	}
	f.wroteNothing()
	f.works(f.c1, token)
}

func i15(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.send(refresh(f.c1, f.refreshToken(f.c1)).with("scope", "read")).scoped("read").refreshToken
	f.send(refresh(f.c1, token).with("scope", "read write admin:x")).refused("invalid_scope")
	token = f.send(refresh(f.c1, token).with("scope", "write read")).scoped("read write").refreshToken
	f.send(refresh(f.c1, token)).scoped("read write")
}

// i16 is pinned: without a scope parameter the token is narrowed to what is
// left and the response says so; what is asked for by name and lost is
// invalid_scope, and so is a token of which nothing is left. The refresh token
// keeps what was granted, for the day the client gets it back.
func i16(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	f.edit(f.c1, func(c *storage.Client) { c.Scope = []string{"read", "admin:x"} })
	token = f.send(refresh(f.c1, token)).scoped("read").refreshToken
	f.store.counted()
	for _, scope := range []string{"read write", "write"} {
		f.send(refresh(f.c1, token).with("scope", scope)).refused("invalid_scope")
	}
	f.edit(f.c1, func(c *storage.Client) { c.Scope = []string{"admin:x"} })
	f.send(refresh(f.c1, token)).refused("invalid_scope")
	f.edit(f.c1, func(c *storage.Client) { c.Scope = nil })
	f.send(refresh(f.c1, token)).refused("invalid_scope")
	f.wroteNothing()
	f.restore()
	f.send(refresh(f.c1, token)).scoped("read write")
}

func i17(t *testing.T, open opener) {
	f := newFixture(t, open)
	p := f.newClient(&storage.Client{ID: "two", GrantTypes: f.c1.record.GrantTypes, Scope: f.c1.record.Scope,
		RedirectURIs: f.c1.record.RedirectURIs, Audience: []string{"https://a.test", "https://b.test"}})
	token := f.refreshToken(p, func(a *grants.AuthorizationRequest) { a.Audience = p.record.Audience })
	next := f.send(refresh(p, token)).audience("https://a.test", "https://b.test").refreshToken
	f.edit(p, func(c *storage.Client) { c.Audience = []string{"https://b.test", "https://c.test"} })
	next = f.send(refresh(p, next)).audience("https://b.test").refreshToken
	f.store.counted()
	for _, lost := range []string{"https://a.test", "https://c.test"} { // c was never granted
		f.send(refresh(p, next).with("resource", lost)).refused("invalid_target")
	}
	f.edit(p, func(c *storage.Client) { c.Audience = []string{"https://c.test"} })
	f.send(refresh(p, next)).refused("invalid_target")
	f.edit(p, func(c *storage.Client) { c.Audience = []string{} })
	f.send(refresh(p, next)).refused("invalid_target")
	f.wroteNothing()
	f.restore()
	f.send(refresh(p, next)).audience("https://a.test", "https://b.test")
}

// i18 asks the host at every refresh, the repeated ones too.
func i18(t *testing.T, open opener) {
	var verdict error
	f := newFixture(t, open, withGrant("refresh_token", grants.RefreshToken{
		Hook: func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			if a.Subject != "u1" || r.Client == nil || r.GrantType != grants.TypeRefreshToken {
				t.Errorf("the hook is asked about %q and %v", a.Subject, r.Client)
			}
			return verdict
		},
	}))
	token := f.refreshToken(f.c1)
	f.store.counted()
	verdict = grants.InvalidGrant.Because(errors.New("the user is locked"))
	for _, r := range both(refresh(f.c1, token)) {
		f.send(r).refused("invalid_grant")
	}
	verdict = errors.New("the user database is down")
	f.send(refresh(f.c1, token)).unavailable()
	f.wroteNothing()
	verdict = nil
	next := f.works(f.c1, token)
	verdict = grants.InvalidGrant
	f.store.counted()
	f.dead(f.c1, token, next)
	f.wroteNothing()
	verdict = nil
	f.works(f.c1, next)
}
