package endpointtest

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// matrixRules are generated: what holds for one grant holds for all of them,
// for those of a host's own too.
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
func clientByGrant(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	public := f.newWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for name, p := range map[string]*party{"confidential": f.newWideClient(), "public": public} {
		f.sub(name, func() {
			kept := make(map[string]*request) // what is refused each time
			for _, w := range ways() {
				kept[w.name] = w.request(f, p)
			}
			for set := range 1 << len(everyGrant()) {
				cells(f, p, subset(everyGrant(), set), kept)
			}
			for _, w := range ways() {
				if w.grantType != grants.TypeClientCredentials || p != public {
					f.send(kept[w.name]).tokens() // it has never been used up
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
func cells(f *fixture, p *party, allowed []string, kept map[string]*request) {
	f.Helper()
	f.edit(p, func(c *storage.Client) { c.GrantTypes = allowed })
	defer f.restore()
	for _, w := range ways() {
		switch {
		case w.grantType == grants.TypeClientCredentials && p.record.Public():
			f.send(kept[w.name]).refused("invalid_request") // R3: it shows no secret
		case !slices.Contains(allowed, w.grantType):
			f.send(kept[w.name]).refused("unauthorized_client")
		default:
			got := f.send(w.request(f, p)).tokens()
			may := slices.Contains(allowed, grants.TypeRefreshToken)
			asks := w.spends || w.grantType == typeDevice
			if (got.refreshToken != "") != (may && asks) {
				f.Errorf("%s, for %v: refresh_token is %q, want one: %t", w.name, allowed, got.refreshToken, may && asks)
			}
		}
	}
}

// keyGrantNames: a request may name the grant either way, R10. The registration
// has one name for it.
func keyGrantNames(t *testing.T, open opener) {
	f := newFixture(t, open)
	key := f.apiKey(f.c1)
	f.edit(f.c1, func(c *storage.Client) { c.GrantTypes = []string{grants.TypeAPIKey} })
	for _, asked := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
		f.send(presentKey(f.c1, key).with("grant_type", asked)).tokens()
	}
	f.edit(f.c1, func(c *storage.Client) {
		c.GrantTypes = []string{"api", grants.TypeAPIKeyURN, "urn:contit:params:oauth:grant-type:api-key:"}
	})
	for _, asked := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
		f.send(presentKey(f.c1, key).with("grant_type", asked)).refused("unauthorized_client")
	}
}

// A policy is a rule that every grant is under. It breaks by what the client is
// registered for, by what the request says, or by both.
type policy struct {
	name   string
	edit   func(w way, c *storage.Client)
	change func(w way, p *party, r *request) *request
	status int
	code   string
}

// policies name a cell for each grant. Where a grant takes what it gives from a
// credential, that is what is to be exceeded; client_credentials has none, so
// it asks.
func policies() []policy {
	refusal, itself := http.StatusBadRequest, func(w way) bool { return w.grantType == grants.TypeClientCredentials }
	asking := func(params ...string) func(way, *party, *request) *request {
		return func(_ way, _ *party, r *request) *request { return r.with(params...) }
	}
	return []policy{
		{"a disabled client", func(_ way, c *storage.Client) { c.Disabled = true }, nil, http.StatusUnauthorized, "invalid_client"},
		{"a wrong secret", nil, func(_ way, p *party, r *request) *request { return r.basic(p.id, wrongSecret) }, http.StatusUnauthorized, "invalid_client"},
		{"another grant only", func(w way, c *storage.Client) {
			c.GrantTypes = slices.DeleteFunc(everyGrant(), func(g string) bool { return g == w.grantType })
		}, nil, refusal, "unauthorized_client"},
		{"no grant", func(_ way, c *storage.Client) { c.GrantTypes = nil }, nil, refusal, "unauthorized_client"},
		{"scopes that were withdrawn", func(_ way, c *storage.Client) { c.Scope = []string{"other"} },
			asking("scope", "read"), refusal, "invalid_scope"},
		{"no scope", func(_ way, c *storage.Client) { c.Scope = nil }, asking("scope", "read"), refusal, "invalid_scope"},
		{"a malformed scope", nil, asking("scope", `re"ad`), refusal, "invalid_scope"},
		{"an audience that was withdrawn", func(_ way, c *storage.Client) { c.Audience = []string{otherAudience} },
			func(w way, _ *party, r *request) *request {
				if itself(w) {
					return r.with("resource", audience)
				}
				return r
			}, refusal, "invalid_target"},
		{"no audience", func(_ way, c *storage.Client) { c.Audience = []string{} }, nil, refusal, "invalid_target"},
		{"an audience beyond what was granted", func(w way, c *storage.Client) {
			c.Audience = []string{audience, otherAudience}
			if itself(w) {
				c.Audience = c.Audience[:1]
			}
		}, asking("resource", otherAudience), refusal, "invalid_target"},
		{"an audience beyond the client's", nil, asking("resource", otherAudience), refusal, "invalid_target"},
	}
}

func ruleByGrant(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	public := f.newWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for _, rule := range policies() {
		for _, w := range ways() {
			f.sub(rule.name+"/"+w.name, func() {
				cell(f, rule, w, f.newWideClient())
				if w.grantType != grants.TypeClientCredentials {
					cell(f, rule, w, public)
				}
			})
		}
	}
}

// cell breaks one rule, and then shows that nothing was used up by it.
func cell(f *fixture, rule policy, w way, p *party) {
	f.Helper()
	right := w.request(f, p)
	wrong := right
	if rule.change != nil {
		wrong = rule.change(w, p, right)
	}
	if rule.edit != nil {
		f.edit(p, func(c *storage.Client) { rule.edit(w, c) })
	}
	f.store.counted()
	for _, r := range both(wrong) {
		f.send(r).refusedWith(rule.status, rule.code)
	}
	f.wroteNothing()
	f.restore()
	f.send(right).granted("read write")
}

// scopeByGrant: what was granted bounds a request even where the client may have
// more. With a code, the scope parameter means nothing: row F19.
func scopeByGrant(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient(func(c *storage.Client) { c.Scope = append(c.Scope, "admin:x") })
	for _, w := range ways() {
		if w.grantType == grants.TypeClientCredentials || w.grantType == grants.TypeAuthorizationCode {
			continue
		}
		f.sub(w.name, func() {
			right := w.request(f, p)
			f.store.counted()
			for _, scope := range []string{"admin:x", "read admin:x", "admin:x read write"} {
				for _, r := range both(right.with("scope", scope)) {
					f.send(r).refused("invalid_scope")
				}
			}
			f.wroteNothing()
			f.send(right).granted("read write")
		})
	}
}

func bindingByGrant(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	owner := f.newWideClient()
	public := f.newWideClient(func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
	for _, w := range ways() {
		if w.reads == "" {
			continue // it rests on nothing that could belong to somebody else
		}
		f.sub(w.name, func() {
			credential := w.make(f, owner)
			want := f.send(w.present(owner, credential[:len(credential)-1]))
			want.refused("invalid_grant")
			f.store.counted()
			for _, thief := range []*party{f.newWideClient(), public} {
				for _, r := range both(w.present(thief, credential)) {
					f.send(r).sameAs(want, "another client's")
				}
			}
			f.wroteNothing()
			f.send(w.present(owner, credential)).tokens()
		})
	}
}

// hookByGrant: a hook narrows. One that widens is a defect, and not a fault of
// the client, which would look for it in its request.
func hookByGrant(t *testing.T, open opener) {
	var hook grants.Hook
	f := newFixture(t, open, withHook(func(ctx context.Context, r *grants.Request, a *grants.Authorization) error {
		return hook(ctx, r, a)
	}))
	p := f.newWideClient()
	nothing := func(context.Context, *grants.Request, *grants.Authorization) error { return nil }
	for name, change := range map[string]func(a *grants.Authorization){
		"a scope":            func(a *grants.Authorization) { a.Scope = append(slices.Clone(a.Scope), "admin:x") },
		"an audience":        func(a *grants.Authorization) { a.Audience = []string{otherAudience} },
		"an empty audience":  func(a *grants.Authorization) { a.Audience = []string{} },
		"no audience":        func(a *grants.Authorization) { a.Audience = nil },
		"a scope in capital": func(a *grants.Authorization) { a.Scope = []string{"READ"} },
		"another subject":    func(a *grants.Authorization) { a.Subject = "root" },
	} {
		for _, w := range ways() {
			f.sub(name+"/"+w.name, func() {
				right := w.request(f, p)
				f.store.counted()
				hook = func(_ context.Context, _ *grants.Request, a *grants.Authorization) error { change(a); return nil }
				for _, r := range both(right) {
					f.send(r).refusedWith(500, "server_error")
				}
				f.wroteNothing()
				hook = nothing
				f.send(right).tokens()
			})
		}
	}
	f.sub("it may narrow", func() {
		hook = func(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
			a.Scope = a.Scope[:1]
			return nil
		}
		for _, w := range ways() {
			f.send(w.request(f, p)).granted("read")
		}
	})
}
