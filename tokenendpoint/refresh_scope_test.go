package tokenendpoint_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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

func i12(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	token = f.Send(testbed.Refresh(f.C1, token)).Scoped("read write").RefreshToken
	token = f.Send(testbed.Refresh(f.C1, token).With("scope", "read")).Scoped("read").RefreshToken
	token = f.Send(testbed.Refresh(f.C1, token)).Scoped("read write").RefreshToken
	token = f.Send(testbed.Refresh(f.C1, token).With("scope", "write")).Scoped("write").RefreshToken
	f.Send(testbed.Refresh(f.C1, token).With("scope", "")).Scoped("read write")
}

// i13: the new refresh token has the scope of the old one (OAuth 2.1 §4.3.3).
// A repeat within the grace window may narrow as well.
func i13(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	for _, r := range testbed.Both(testbed.Refresh(f.C1, token).With("scope", "read")) {
		next := f.Send(r).Scoped("read").RefreshToken
		if got := f.Record(next).Scope; !slices.Equal(got, []string{"read", "write"}) {
			t.Errorf("the successor's scope is %q, want read write", got)
		}
	}
	f.Send(testbed.Refresh(f.C1, token)).Scoped("read write")
}

func i14(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	f.Store.Counted()
	for _, scope := range []string{"read write admin:x", "admin:x", "read READ", "openid read"} {
		for _, r := range testbed.Both(testbed.Refresh(f.C1, token).With("scope", scope)) {
			f.Send(r).Refused("invalid_scope")
		}
	}
	f.WroteNothing()
	f.Works(f.C1, token)
}

func i15(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.Send(testbed.Refresh(f.C1, f.RefreshToken(f.C1)).With("scope", "read")).Scoped("read").RefreshToken
	f.Send(testbed.Refresh(f.C1, token).With("scope", "read write admin:x")).Refused("invalid_scope")
	token = f.Send(testbed.Refresh(f.C1, token).With("scope", "write read")).Scoped("read write").RefreshToken
	f.Send(testbed.Refresh(f.C1, token)).Scoped("read write")
}

// i16 is pinned: without a scope parameter the endpoint narrows the token to the
// scopes that are left, and the response names them. A lost scope that the
// client asks for by name is invalid_scope, and so is a token with no scope
// left. The refresh token keeps the whole grant, for the day the client gets the
// scope back.
func i16(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = []string{"read", "admin:x"} })
	token = f.Send(testbed.Refresh(f.C1, token)).Scoped("read").RefreshToken
	f.Store.Counted()
	for _, scope := range []string{"read write", "write"} {
		f.Send(testbed.Refresh(f.C1, token).With("scope", scope)).Refused("invalid_scope")
	}
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = []string{"admin:x"} })
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_scope")
	f.Edit(f.C1, func(c *storage.Client) { c.Scope = nil })
	f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_scope")
	f.WroteNothing()
	f.Restore()
	f.Send(testbed.Refresh(f.C1, token)).Scoped("read write")
}

func i17(t *testing.T) {
	f := testbed.New(t, openMemory)
	p := f.NewClient(&storage.Client{ID: "two", GrantTypes: f.C1.Record.GrantTypes, Scope: f.C1.Record.Scope,
		RedirectURIs: f.C1.Record.RedirectURIs, Audience: []string{"https://a.test", "https://b.test"}})
	token := f.RefreshToken(p, func(a *grants.AuthorizationRequest) { a.Audience = p.Record.Audience })
	next := f.Send(testbed.Refresh(p, token)).Audience("https://a.test", "https://b.test").RefreshToken
	f.Edit(p, func(c *storage.Client) { c.Audience = []string{"https://b.test", "https://c.test"} })
	next = f.Send(testbed.Refresh(p, next)).Audience("https://b.test").RefreshToken
	f.Store.Counted()
	for _, lost := range []string{"https://a.test", "https://c.test"} { // c was never granted
		f.Send(testbed.Refresh(p, next).With("resource", lost)).Refused("invalid_target")
	}
	f.Edit(p, func(c *storage.Client) { c.Audience = []string{"https://c.test"} })
	f.Send(testbed.Refresh(p, next)).Refused("invalid_target")
	f.Edit(p, func(c *storage.Client) { c.Audience = []string{} })
	f.Send(testbed.Refresh(p, next)).Refused("invalid_target")
	f.WroteNothing()
	f.Restore()
	f.Send(testbed.Refresh(p, next)).Audience("https://a.test", "https://b.test")
}

// i18 asks the host at every refresh, the repeated ones too.
func i18(t *testing.T) {
	var verdict error
	f := testbed.New(t, openMemory, testbed.WithGrant("refresh_token", grants.RefreshToken{
		Hook: func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			if a.Subject != "u1" || r.Client == nil || r.GrantType != grants.TypeRefreshToken {
				t.Errorf("the hook is asked about %q and %v", a.Subject, r.Client)
			}
			return verdict
		},
	}))
	token := f.RefreshToken(f.C1)
	f.Store.Counted()
	verdict = grants.InvalidGrant.Because(errors.New("the user is locked"))
	for _, r := range testbed.Both(testbed.Refresh(f.C1, token)) {
		f.Send(r).Refused("invalid_grant")
	}
	verdict = errors.New("the user database is down")
	f.Send(testbed.Refresh(f.C1, token)).Unavailable()
	f.WroteNothing()
	verdict = nil
	next := f.Works(f.C1, token)
	verdict = grants.InvalidGrant
	f.Store.Counted()
	f.Dead(f.C1, token, next)
	f.WroteNothing()
	verdict = nil
	f.Works(f.C1, next)
}
