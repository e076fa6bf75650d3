package tokenendpoint_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// matrixRules are generated: a rule for one grant holds for all of them, for
// those of a host's own too.
var matrixRules = []rule{
	{"F07_every_client_with_every_grant", clientByGrant},
	{"F07_the_key_grant_under_both_names", keyGrantNames},
	{"F08_every_rule_with_every_grant", ruleByGrant},
	{"F08_no_scope_beyond_what_was_granted", scopeByGrant},
	{"F08_a_credential_is_bound_to_its_client", bindingByGrant},
	{"F08_no_hook_exceeds_the_client", hookByGrant},
}

// clientByGrant goes through all sets of grants that a client can have,
// confidential and public.
func clientByGrant(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	public := f.NewWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for name, p := range map[string]*testbed.Party{"confidential": f.NewWideClient(), "public": public} {
		f.Sub(name, func() {
			kept := make(map[string]*testbed.Request) // the requests that are refused each time
			for _, w := range testbed.Ways() {
				kept[w.Name] = w.Request(f, p)
			}
			for set := range 1 << len(testbed.EveryGrant()) {
				cells(f, p, subset(testbed.EveryGrant(), set), kept)
			}
			for _, w := range testbed.Ways() {
				if w.GrantType != grants.TypeClientCredentials || p != public {
					f.Send(kept[w.Name]).Tokens() // it has never been used up
				}
			}
		})
	}
}

func subset(of []string, bits int) (set []string) {
	for i, s := range of {
		if bits>>i&1 == 1 {
			set = append(set, s)
		}
	}
	return set
}

// cells asks in every way for a client that has these grants.
func cells(f *testbed.Fixture, p *testbed.Party, allowed []string, kept map[string]*testbed.Request) {
	f.Helper()
	f.Edit(p, func(c *storage.Client) { c.GrantTypes = allowed })
	defer f.Restore()
	for _, w := range testbed.Ways() {
		switch {
		case w.GrantType == grants.TypeClientCredentials && p.Record.Public():
			f.Send(kept[w.Name]).Refused("invalid_request") // R3: it shows no secret
		case !slices.Contains(allowed, w.GrantType):
			f.Send(kept[w.Name]).Refused("unauthorized_client")
		default:
			got := f.Send(w.Request(f, p)).Tokens()
			may := slices.Contains(allowed, grants.TypeRefreshToken)
			asks := w.Spends || w.GrantType == testbed.TypeDevice
			if (got.RefreshToken != "") != (may && asks) {
				f.Errorf("%s, for %v: refresh_token is %q, want one: %t", w.Name, allowed, got.RefreshToken, may && asks)
			}
		}
	}
}

// keyGrantNames: a request may name the grant either way, R10. The registration
// has one name for it.
func keyGrantNames(t *testing.T) {
	f := testbed.New(t, openMemory)
	key := f.APIKey(f.C1)
	f.Edit(f.C1, func(c *storage.Client) { c.GrantTypes = []string{grants.TypeAPIKey} })
	for _, asked := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
		f.Send(testbed.PresentKey(f.C1, key).With("grant_type", asked)).Tokens()
	}
	f.Edit(f.C1, func(c *storage.Client) {
		c.GrantTypes = []string{"api", grants.TypeAPIKeyURN, "urn:contit:params:oauth:grant-type:api-key:"}
	})
	for _, asked := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
		f.Send(testbed.PresentKey(f.C1, key).With("grant_type", asked)).Refused("unauthorized_client")
	}
}

// A policy is a rule that every grant is under. The registration of the client
// can break it, the request can, or both together.
type policy struct {
	name   string
	edit   func(w testbed.Way, c *storage.Client)
	change func(w testbed.Way, p *testbed.Party, r *testbed.Request) *testbed.Request
	status int
	code   string
}

// policies name a cell for each grant. Where a grant gives from a credential,
// the credential exceeds the policy; client_credentials has none, so the request
// does.
func policies() []policy {
	refusal, itself := http.StatusBadRequest, func(w testbed.Way) bool { return w.GrantType == grants.TypeClientCredentials }
	asking := func(params ...string) func(testbed.Way, *testbed.Party, *testbed.Request) *testbed.Request {
		return func(_ testbed.Way, _ *testbed.Party, r *testbed.Request) *testbed.Request { return r.With(params...) }
	}
	return []policy{
		{"a disabled client", func(_ testbed.Way, c *storage.Client) { c.Disabled = true }, nil, http.StatusUnauthorized, "invalid_client"},
		{"a wrong secret", nil, func(_ testbed.Way, p *testbed.Party, r *testbed.Request) *testbed.Request {
			return r.Basic(p.ID, testbed.WrongSecret)
		}, http.StatusUnauthorized, "invalid_client"},
		{"another grant only", func(w testbed.Way, c *storage.Client) {
			c.GrantTypes = slices.DeleteFunc(testbed.EveryGrant(), func(g string) bool { return g == w.GrantType })
		}, nil, refusal, "unauthorized_client"},
		{"no grant", func(_ testbed.Way, c *storage.Client) { c.GrantTypes = nil }, nil, refusal, "unauthorized_client"},
		{"scopes that were withdrawn", func(_ testbed.Way, c *storage.Client) { c.Scope = []string{"other"} },
			asking("scope", "read"), refusal, "invalid_scope"},
		{"no scope", func(_ testbed.Way, c *storage.Client) { c.Scope = nil }, asking("scope", "read"), refusal, "invalid_scope"},
		{"a malformed scope", nil, asking("scope", `re"ad`), refusal, "invalid_scope"},
		{"an audience that was withdrawn", func(_ testbed.Way, c *storage.Client) { c.Audience = []string{testbed.OtherAudience} },
			func(w testbed.Way, _ *testbed.Party, r *testbed.Request) *testbed.Request {
				if itself(w) {
					return r.With("resource", testbed.Audience)
				}
				return r
			}, refusal, "invalid_target"},
		{"no audience", func(_ testbed.Way, c *storage.Client) { c.Audience = []string{} }, nil, refusal, "invalid_target"},
		{"an audience beyond what was granted", func(w testbed.Way, c *storage.Client) {
			c.Audience = []string{testbed.Audience, testbed.OtherAudience}
			if itself(w) {
				c.Audience = c.Audience[:1]
			}
		}, asking("resource", testbed.OtherAudience), refusal, "invalid_target"},
		{"an audience beyond the client's", nil, asking("resource", testbed.OtherAudience), refusal, "invalid_target"},
	}
}

func ruleByGrant(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	public := f.NewWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for _, rule := range policies() {
		for _, w := range testbed.Ways() {
			f.Sub(rule.name+"/"+w.Name, func() {
				cell(f, rule, w, f.NewWideClient())
				if w.GrantType != grants.TypeClientCredentials {
					cell(f, rule, w, public)
				}
			})
		}
	}
}

// cell breaks one rule, and then shows that nothing was used up by it.
func cell(f *testbed.Fixture, rule policy, w testbed.Way, p *testbed.Party) {
	f.Helper()
	right := w.Request(f, p)
	wrong := right
	if rule.change != nil {
		wrong = rule.change(w, p, right)
	}
	if rule.edit != nil {
		f.Edit(p, func(c *storage.Client) { rule.edit(w, c) })
	}
	f.Store.Counted()
	status, code := rule.status, rule.code
	if rule.change == nil && code == "invalid_client" { // no secret was shown
		status, code = w.Stranger()
	}
	for _, r := range testbed.Both(wrong) {
		f.Send(r).RefusedWith(status, code)
	}
	f.WroteNothing()
	f.Restore()
	f.Send(right).Granted("read write")
}

// scopeByGrant: the granted scope bounds a request even where the client may
// have more. With a code, the endpoint ignores the scope parameter: row F19.
func scopeByGrant(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	p := f.NewWideClient(func(c *storage.Client) { c.Scope = append(c.Scope, "admin:x") })
	for _, w := range testbed.Ways() {
		if w.GrantType == grants.TypeClientCredentials || w.GrantType == grants.TypeAuthorizationCode {
			continue
		}
		f.Sub(w.Name, func() {
			right := w.Request(f, p)
			f.Store.Counted()
			for _, scope := range []string{"admin:x", "read admin:x", "admin:x read write"} {
				for _, r := range testbed.Both(right.With("scope", scope)) {
					f.Send(r).Refused("invalid_scope")
				}
			}
			f.WroteNothing()
			f.Send(right).Granted("read write")
		})
	}
}

func bindingByGrant(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	owner := f.NewWideClient()
	public := f.NewWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for _, w := range testbed.Ways() {
		if w.Reads == "" {
			continue // it rests on nothing that could belong to somebody else
		}
		f.Sub(w.Name, func() {
			credential := w.Make(f, owner)
			want := f.Send(w.Present(owner, credential[:len(credential)-1]))
			want.Refused("invalid_grant")
			f.Store.Counted()
			for _, thief := range []*testbed.Party{f.NewWideClient(), public} {
				for _, r := range testbed.Both(w.Present(thief, credential)) {
					f.Send(r).SameAs(want, "another client's")
				}
			}
			f.WroteNothing()
			f.Send(w.Present(owner, credential)).Tokens()
		})
	}
}

// hookByGrant: a hook narrows. A hook that widens is a defect of the host. It
// must not look like a fault of the client, which would search its request for
// it.
func hookByGrant(t *testing.T) {
	var hook grants.Hook
	f := testbed.New(t, openMemory, testbed.WithHook(func(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
		return hook(ctx, r, a)
	}))
	p := f.NewWideClient()
	nothing := func(context.Context, *grants.Request, *grants.Authorization) error { return nil }
	for name, change := range map[string]func(a *grants.Authorization){
		"a scope":            func(a *grants.Authorization) { a.Scope = append(slices.Clone(a.Scope), "admin:x") },
		"an audience":        func(a *grants.Authorization) { a.Audience = []string{testbed.OtherAudience} },
		"an empty audience":  func(a *grants.Authorization) { a.Audience = []string{} },
		"no audience":        func(a *grants.Authorization) { a.Audience = nil },
		"a scope in capital": func(a *grants.Authorization) { a.Scope = []string{"READ"} },
		"another subject":    func(a *grants.Authorization) { a.Subject = "root" },
	} {
		for _, w := range testbed.Ways() {
			f.Sub(name+"/"+w.Name, func() {
				right := w.Request(f, p)
				f.Store.Counted()
				hook = func(_ context.Context, _ *grants.Request, a *grants.Authorization) error { change(a); return nil }
				for _, r := range testbed.Both(right) {
					f.Send(r).RefusedWith(500, "server_error")
				}
				f.WroteNothing()
				hook = nothing
				f.Send(right).Tokens()
			})
		}
	}
	f.Sub("it may narrow", func() {
		hook = func(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
			a.Scope = a.Scope[:1]
			return nil
		}
		for _, w := range testbed.Ways() {
			f.Send(w.Request(f, p)).Granted("read")
		}
	})
}
