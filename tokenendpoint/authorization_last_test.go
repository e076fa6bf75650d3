package tokenendpoint_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// lastRules are about the last word. Nobody gets it by writing into the values
// by which the endpoint judges.
var lastRules = []rule{
	{"F21_a_last_word_for_every_grant", lastWord},
	{"F21_the_last_word_is_heard_after_the_grant's_hook", lastOfTwo},
	{"F08_what_a_hook_writes_into_its_request_counts_for_nothing", hookWrites},
	{"F08_what_a_grant_writes_into_its_request_counts_for_nothing", grantWrites},
	{"F08_a_hook_shortens_and_lengthens_nothing", hookShortens},
}

func last(hook grants.Hook) testbed.Option { return func(c *tokenendpoint.Config) { c.Hook = hook } }

// lastWord: one hook, configured once, is asked by every grant, and refuses
// before anything is used up.
func lastWord(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, testbed.WithOwnGrants, last(h.Ask))
	p := f.NewWideClient()
	for _, w := range testbed.Ways() {
		r := w.Request(f, p)
		f.ChangesNothing(func() {
			h.Do(func(*grants.Authorization) error { return grants.InvalidGrant })
			f.Send(r).Refused("invalid_grant")
			h.Do(func(a *grants.Authorization) error { a.Scope = append(a.Scope, "root"); return nil })
			f.Send(r).RefusedWith(500, "server_error")
			h.Do(func(a *grants.Authorization) error { a.Subject = "root"; return nil })
			f.Send(r).RefusedWith(500, "server_error")
		})
		h.Do(testbed.Claim("tier", "gold"))
		if got := f.Send(r).Tokens().Claims["tier"]; got != "gold" {
			t.Errorf("%s: the claim of the hook is %v, want gold", w.Name, got)
		}
	}
}

// lastOfTwo: the endpoint's hook sees the result of the grant's hook, and cannot
// bring back anything that the grant's hook has taken away.
func lastOfTwo(t *testing.T) {
	var first, second testbed.Hook
	f := testbed.New(t, openMemory, first.Everywhere, last(second.Ask))
	requests := f.Requests(f.C1)
	f.ChangesNothing(func() {
		for _, r := range requests {
			first.Do(func(a *grants.Authorization) error { a.Scope = []string{"read"}; return nil })
			second.Do(func(a *grants.Authorization) error { a.Scope = []string{"read", "write"}; return nil })
			f.Send(r).RefusedWith(500, "server_error")
			second.Do(func(*grants.Authorization) error { t.Error("the second hook was asked after a refusal"); return nil })
			first.Do(func(*grants.Authorization) error { return grants.InvalidGrant })
			f.Send(r).Refused("invalid_grant")
		}
	})
	first.Do(func(a *grants.Authorization) error {
		a.AddClaim("tier", "gold")
		a.Lifetime, a.Refresh = time.Minute, false
		return nil
	})
	second.Do(func(a *grants.Authorization) error {
		a.AddClaim("seen", a.Claims["tier"])
		a.Lifetime, a.Refresh = 2*time.Minute, true
		return nil
	})
	for grant, r := range requests {
		got := f.Send(r).Lifetime(60)
		if got.Claims["seen"] != "gold" || got.RefreshToken != "" {
			t.Errorf("%s: the claims are %v and the refresh token %q, want those of both hooks and none", grant, got.Claims, got.RefreshToken)
		}
	}
}

// scribble writes into every value that a host's code gets of a request.
func scribble(r *grants.Request) {
	c := r.Client
	c.Scope[0] = "root"
	c.ID, c.Scope, c.DefaultScope = "other", append(c.Scope, "root"), []string{"root"}
	c.Audience, c.GrantTypes = []string{"https://elsewhere.test"}, append(c.GrantTypes, testbed.EveryGrant()...)
	c.RefreshNotRotated, c.PKCENotRequired = true, true
	c.AccessTokenLifetime, c.RefreshTokenLifetime, c.RefreshTokenIdle = 10*time.Hour, 9999*time.Hour, 9999*time.Hour
	for i := range r.Scope {
		r.Scope[i] = "root"
	}
	for i := range r.Resource {
		r.Resource[i] = "https://elsewhere.test"
	}
	r.Scope, r.Resource = []string{"root"}, []string{"https://elsewhere.test"}
	r.Form["scope"], r.GrantType, r.AuthMethod = "root", grants.TypeClientCredentials, storage.ClientSecretBasic
	r.Time = r.Time.Add(-time.Hour)
	r.Storage = nil
}

// hookWrites: the writes of a hook change nothing in the tokens that the
// endpoint issues.
func hookWrites(t *testing.T) {
	write := func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
		scribble(r)
		if r.Form["greedy"] != "" {
			a.Scope, a.Audience = append(a.Scope, "root"), []string{"https://elsewhere.test"}
		}
		return nil
	}
	f := testbed.New(t, openMemory, testbed.WithHook(write), last(write))
	p := f.NewWideClient(func(c *storage.Client) { c.GrantTypes = allBut(c.GrantTypes, grants.TypeRefreshToken) })
	full := f.NewWideClient()
	for _, w := range testbed.Ways() {
		if w.GrantType != grants.TypeRefreshToken {
			got := f.Send(w.Request(f, p).With("scope", "read", "resource", testbed.Audience)).Lifetime(3600)
			if got.RefreshToken != "" || !slices.Equal(testbed.AudienceOf(got), []string{testbed.Audience}) || got.Claims["client_id"] != p.ID {
				t.Errorf("%s: the claims are %v and the refresh token %q, want those of the registration", w.Name, got.Claims, got.RefreshToken)
			}
			if w.GrantType != grants.TypeAuthorizationCode && got.Scope != "read" {
				t.Errorf("%s: the scope is %q, want the requested one", w.Name, got.Scope)
			}
		}
		r := w.Request(f, full)
		f.ChangesNothing(func() { f.Send(r.With("greedy", "1")).RefusedWith(500, "server_error") })
		got := f.Send(r).Scoped("read write")
		if w.Spends {
			if next := f.Works(full, got.RefreshToken); next == got.RefreshToken {
				t.Errorf("%s: the refresh token stays, want it rotated", w.Name)
			}
			if record := f.Record(got.RefreshToken); time.Until(record.FamilyExpiresAt) > 31*24*time.Hour {
				t.Errorf("%s: the family lives until %s, want 30 days", w.Name, record.FamilyExpiresAt)
			}
		}
	}
}

func allBut(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(t string) bool { return t == s })
}

// grantWrites: a grant of the host's may give more, and no more than the client
// may have. It cannot present a credential for another client.
func grantWrites(t *testing.T) {
	kept := []string{"read", "write"}
	f, p := newOwn(t, func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		if id := r.Form["as"]; id != "" {
			r.Client.ID = id
			c, err := r.Present(ctx, testbed.KindVoucher, storage.PresentedSecret(r.Form["voucher"]))
			if err != nil {
				return nil, err
			}
			return &grants.Authorization{Subject: c.Subject, Scope: c.Scope}, nil
		}
		scribble(r)
		a := &grants.Authorization{Subject: "u1", Scope: []string{"root"}, Refresh: true}
		if r.Form["root"] == "" {
			a.Scope = kept
		}
		a.Hook = func(context.Context, *grants.Request, *grants.Authorization) error { kept[0] = "write"; return nil }
		return a, nil
	})
	own := testbed.Form("grant_type", "own").By(p)
	f.ChangesNothing(func() { f.Send(own.With("root", "1")).Refused("invalid_scope") })
	got := f.Send(own).Lifetime(3600)
	if got.Scope != "read write" || !slices.Equal(testbed.AudienceOf(got), []string{testbed.Audience}) || got.Claims["client_id"] != p.ID {
		t.Errorf("the claims are %v, want those of the registration", got.Claims)
	}
	if next := f.Works(p, got.RefreshToken); next == got.RefreshToken {
		t.Error("the refresh token stays, want it rotated")
	}
	other := f.NewWideClient()
	voucher := f.Mint(other, testbed.KindVoucher, "vo_")
	f.ChangesNothing(func() {
		f.Send(own.With("as", other.ID, "voucher", voucher)).RefusedWith(500, "server_error")
	})
	f.Send(testbed.Form("grant_type", testbed.TypeVoucher, "voucher", voucher).By(other)).Tokens()
}

// hookShortens: a hook cannot give a longer life, a later end or none, or a
// refresh token that the grant has not asked for.
func hookShortens(t *testing.T) {
	var h testbed.Hook
	f, p := newOwn(t, func(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
		a := &grants.Authorization{Subject: "u1", Refresh: r.Form["refresh"] != "", Hook: h.Ask}
		if r.Form["short"] != "" {
			a.Lifetime = 10 * time.Minute
		}
		if r.Form["ends"] != "" {
			a.ExpiresAt = r.Time.Truncate(time.Second).Add(5 * time.Minute)
		}
		return a, nil
	})
	own := testbed.Form("grant_type", "own").By(p)
	set := func(lifetime time.Duration, end time.Time) func(*grants.Authorization) error {
		return func(a *grants.Authorization) error { a.Lifetime, a.ExpiresAt = lifetime, end; return nil }
	}
	far := time.Now().Add(1000 * time.Hour)
	for _, tt := range []struct {
		name   string
		r      *testbed.Request
		change func(*grants.Authorization) error
		want   int64
	}{
		{"a longer life than the endpoint's", own, set(2*time.Hour, time.Time{}), 3600},
		{"a longer life than the grant's", own.With("short", "1"), set(20*time.Minute, time.Time{}), 600},
		{"no life of its own", own.With("short", "1"), set(0, time.Time{}), 600},
		{"a shorter life", own.With("short", "1"), set(time.Minute, time.Time{}), 60},
		{"a later end", own.With("ends", "1"), set(0, far), 300},
		{"no end", own.With("ends", "1"), set(0, time.Time{}), 300},
		{"an end where there was none", own, set(0, far), 3600},
	} {
		h.Do(tt.change)
		t.Log(tt.name)
		f.Send(tt.r).Lifetime(tt.want)
	}
	f.Edit(p, func(c *storage.Client) { c.AccessTokenLifetime = time.Minute })
	h.Do(set(2*time.Minute, time.Time{}))
	f.Send(own).Lifetime(60)
	f.Restore()
	// The family ends then, too.
	h.Do(set(0, far))
	token := f.Send(own.With("ends", "1", "refresh", "1")).Tokens().RefreshToken
	if end := f.Record(token).FamilyExpiresAt; time.Until(end) > 5*time.Minute {
		t.Errorf("the family lives until %s, want the five minutes of the grant", end)
	}
	h.Do(func(a *grants.Authorization) error { a.Refresh = true; return nil })
	if got := f.Send(own).Tokens(); got.RefreshToken != "" {
		t.Error("a hook has made the endpoint give a refresh token")
	}
}
