package endpointtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// sectionF is what a client may ask for: grants and scopes.
var sectionF = slices.Concat(grantTypeRules, matrixRules, scopeRules, hostRules, hookRules)

var timedF = []rule{}

var grantTypeRules = []rule{
	{"F01_grant_type_is_missing", noGrantType},
	{"F02_an_unknown_grant", unknownGrant},
	{"F03_password_and_implicit_do_not_exist", unsafeGrants},
	{"F04_a_grant_that_is_not_enabled", grantNotEnabled},
	{"F05_a_grant_that_the_client_may_not_use", grantNotAllowed},
	{"F06_what_needs_the_client_comes_after_its_authentication", noOracle},
	{"F09_client_credentials_has_no_refresh_token_unless_configured", refreshForItself},
}

func noGrantType(t *testing.T, open Open) {
	f := newFixture(t, open)
	for _, r := range []*request{
		form("scope", "read").by(f.c1), form("scope", "read"), form("grant_type", "", "scope", "read").by(f.c1),
		clientCredentials(f.c1.showing(wrongSecret)).without("grant_type").with("scope", "read"),
	} {
		for _, r := range both(r) {
			got := f.send(r)
			got.refused("invalid_request")
			got.names("grant_type")
		}
	}
	f.asked(nil)
}

// unknownGrant: whoever asks, R2.
func unknownGrant(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	for _, name := range []string{
		"urn:x:y", "Client_Credentials", "client_credentials ", " client_credentials", "client-credentials",
		"client_credentials client_credentials", "*", typeDevice + "s", strings.Repeat("a", 4000),
	} {
		for _, r := range both(form("grant_type", name)) {
			f.send(r).refused("unsupported_grant_type")
			f.send(r.by(f.c1)).refused("unsupported_grant_type")
			f.send(r.by(f.c1.showing(wrongSecret))).refused("unsupported_grant_type")
		}
	}
	f.asked(nil)
}

// unsafeGrants cannot even be configured (RFC 9700 §2.4).
func unsafeGrants(t *testing.T, open Open) {
	f := newFixture(t, open)
	for _, r := range both(form("username", "u", "password", f.secret("the password of u")).by(f.c1)) {
		for _, name := range []string{"password", "implicit"} {
			f.send(r.with("grant_type", name)).refused("unsupported_grant_type")
		}
	}
	f.asked(nil)
	for _, name := range []string{"password", "implicit"} {
		_, err := tokenendpoint.New(tokenendpoint.Config{
			Issuer: issuer, Audience: []string{audience}, Keys: f.keys, Storage: f.store,
			Grants: map[string]grants.Grant{name: grants.ClientCredentials{}},
		})
		if err == nil {
			t.Errorf("an endpoint with the grant %s was made, want an error", name)
		}
	}
}

// grantNotEnabled switches each grant off in turn.
func grantNotEnabled(t *testing.T, open Open) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			f := newFixture(t, open, withOwnGrants, func(c *tokenendpoint.Config) { delete(c.Grants, w.grantType) })
			p := f.newWideClient()
			for _, other := range ways() {
				r := other.request(f, p)
				f.store.counted()
				for _, r := range both(r) {
					if other.grantType == w.grantType {
						f.send(r).refused("unsupported_grant_type")
						f.asked(nil)
					}
				}
				if other.grantType != w.grantType {
					f.send(r).tokens()
				}
			}
		})
	}
}

func grantNotAllowed(t *testing.T, open Open) {
	f := newFixture(t, open)
	code := f.code(f.c1)
	f.store.counted()
	for _, r := range both(f.redeem(f.c1, code).by(f.cc)) {
		f.send(r).refused("unauthorized_client")
	}
	f.wroteNothing()
	f.send(f.redeem(f.c1, code)).tokens()
}

// noOracle: who cannot authenticate learns neither what the client may do nor
// whether a credential is good.
func noOracle(t *testing.T, open Open) {
	f := newFixture(t, open)
	code, token := f.code(f.c1), f.refreshToken(f.c1)
	bad := f.cc.showing(wrongSecret)
	want := f.send(clientCredentials(bad))
	want.unauthorized()
	for _, r := range []*request{
		f.redeem(f.c1, code).by(bad),
		f.redeem(f.c1, "ac_nonsense").by(bad),
		f.redeem(f.c1, code).by(bad).with("redirect_uri", "https://evil.test/", "code_verifier", "x"),
		f.redeem(f.c1, code).by(f.c1.showing(wrongSecret)),
		refresh(bad, token), refresh(bad, "rt_nonsense"), refresh(f.c1.showing(wrongSecret), token).with("scope", "root"),
		clientCredentials(bad).with("scope", "root"), clientCredentials(bad).with("resource", "https://other.test"),
		presentKey(f.c1, f.apiKey(f.c1)).basic(f.c1.id, wrongSecret), presentKey(f.c1, "nonsense").basic(f.c1.id, wrongSecret),
	} {
		for _, r := range both(r) {
			f.send(r).sameAs(want, r.text())
		}
	}
	f.send(f.redeem(f.c1, code)).tokens()
	f.send(refresh(f.c1, token)).tokens()
}

func refreshForItself(t *testing.T, open Open) {
	for name, on := range map[string]bool{"off by default": false, "on": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open, func(c *tokenendpoint.Config) {
				c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: on}
			})
			for _, r := range both(clientCredentials(f.c1).with("scope", "read")) {
				token := f.send(r).tokens().refreshToken
				if (token != "") != on {
					t.Fatalf("refresh_token is %q, want one: %t", token, on)
				}
				if on {
					if got := f.send(refresh(f.c1, token)).tokens(); got.scope != "read" || got.claims["sub"] != f.c1.id {
						t.Errorf("its scope is %q for %v, want read for %s", got.scope, got.claims["sub"], f.c1.id)
					}
				}
			}
			// Without the grant to use it with, there is none.
			if token := f.send(clientCredentials(f.cc)).tokens().refreshToken; token != "" {
				t.Error("a client that may not refresh got a refresh token")
			}
		})
	}
}

var scopeRules = []rule{
	{"F10_no_scope_means_the_default", defaultScope},
	{"F11_a_narrower_scope", narrowerScope},
	{"F12_a_scope_that_is_unknown_or_not_allowed", unknownScope},
	{"F13_allowed_and_not_allowed_together", mixedScope},
	{"F14_scope_syntax", scopeSyntax},
	{"F15_spaces_in_scope", scopeSpaces},
	{"F16_duplicates_order_and_case", scopeOrder},
	{"F17_neither_prefixes_nor_wildcards", scopeWildcards},
	{"F18_a_thousand_scopes", manyScopes},
	{"F19_scope_with_a_code", scopeWithCode},
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

func defaultScope(t *testing.T, open Open) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		f.send(r).granted("read write admin:x")
		f.send(r.with("scope", "")).granted("read write admin:x") // R24
	}
	f.edit(f.c1, func(c *storage.Client) { c.DefaultScope = []string{"write"} })
	f.send(clientCredentials(f.c1)).granted("write")
	f.send(clientCredentials(f.c1).with("scope", "read")).granted("read")
	f.edit(f.c1, func(c *storage.Client) { c.DefaultScope = []string{"write", "gone"} })
	f.send(clientCredentials(f.c1)).granted("write")
	f.edit(f.c1, func(c *storage.Client) { c.Scope = nil })
	f.send(clientCredentials(f.c1)).granted("")
}

func narrowerScope(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient()
	for _, w := range ways() {
		if w.grantType == grants.TypeAuthorizationCode {
			continue // row F19
		}
		f.sub(w.name, func() {
			for _, scope := range []string{"read", "write"} {
				f.send(w.request(f, p).with("scope", scope)).granted(scope)
				f.send(w.request(f, p).with("scope", scope).json()).granted(scope)
			}
		})
	}
}

// refusedScopes asserts that each scope is refused for itself, in every way in
// which a scope can be asked for, and that nothing is used up by it.
func refusedScopes(f *fixture, scopes ...string) {
	f.Helper()
	p := f.newWideClient()
	for _, w := range ways() {
		if w.grantType == grants.TypeAuthorizationCode {
			continue // row F19
		}
		right := w.request(f, p)
		f.store.counted()
		for _, scope := range scopes {
			for _, r := range both(right.with("scope", scope)) {
				f.send(r).refused("invalid_scope")
			}
		}
		f.wroteNothing()
		f.send(right).granted("read write")
	}
}

func unknownScope(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "root", "admin:x", "openid", "offline_access")
	f.send(clientCredentials(f.cc).with("scope", "admin:x")).refused("invalid_scope")
	f.send(clientCredentials(f.cc).with("scope", "write")).refused("invalid_scope")
}

// mixedScope is pinned: it is not narrowed.
func mixedScope(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "read root", "root read", "read write root", "read admin:x")
}

func scopeSyntax(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, `re"ad`, `re\ad`, "read\twrite", "read\nwrite", "réad", "read\x00", "read\u00a0write", "read\x7f", "read\rwrite", "read,write", "read+write")
}

// scopeSpaces is pinned: spaces too many are not forgiven.
func scopeSpaces(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, " read", "read ", "read  write", " ", "  ")
}

// scopeOrder: RFC 6749 §3.3 gives the order no meaning. What is granted stands in
// the order of the registration.
func scopeOrder(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "READ", "Read", "read WRITE")
	for _, tt := range []struct{ asked, want string }{
		{"read read write", "read write"}, {"write read", "read write"}, {"read read", "read"}, {"write read write read", "read write"},
	} {
		for _, r := range both(clientCredentials(f.c1).with("scope", tt.asked)) {
			f.send(r).granted(tt.want)
		}
		f.send(refresh(f.c1, f.refreshToken(f.c1)).with("scope", tt.asked)).granted(tt.want)
		f.send(presentKey(f.c1, f.apiKey(f.c1)).with("scope", tt.asked)).granted(tt.want)
	}
}

func scopeWildcards(t *testing.T, open Open) {
	f := newFixture(t, open, withOwnGrants)
	refusedScopes(f, "read:all", "rea", "read.*", "*", "r*", "read*", "read.write", "read/write", "%72ead")
	f.edit(f.c1, func(c *storage.Client) { c.Scope = []string{"*", "read.*", "admin"} })
	for _, scope := range []string{"read", "read.all", "admin:x", "write"} {
		f.send(clientCredentials(f.c1).with("scope", scope)).refused("invalid_scope")
	}
}

// manyScopes: what is longer than 4 KiB is refused by its length. A second is
// generous: the work takes microseconds if it is linear.
func manyScopes(t *testing.T, open Open) {
	f := newFixture(t, open)
	for _, word := range []string{"read", "abcdefg", "a"} {
		for _, r := range both(clientCredentials(f.c1).with("scope", strings.TrimSpace(strings.Repeat(word+" ", 8192/(len(word)+1))))) {
			f.asked(nil)
			f.send(r).refused("invalid_request")
			f.asked(nil)
		}
	}
	for _, r := range both(clientCredentials(f.c1).with("scope", strings.TrimSpace(strings.Repeat("read write ", 370)))) {
		start := time.Now()
		f.send(r).granted("read write")
		if took := time.Since(start); took > time.Second {
			t.Errorf("740 scopes took %v, want less than a second", took)
		}
	}
}

// scopeWithCode is pinned: a scope that could be one is ignored (RFC 6749
// §4.1.3), one that could not is refused.
func scopeWithCode(t *testing.T, open Open) {
	f := newFixture(t, open)
	for _, scope := range []string{"admin:x", "read", "root", "read write admin:x", ""} {
		f.send(f.redeem(f.c1, f.code(f.c1)).with("scope", scope)).granted("read write")
		f.send(f.redeem(f.c1, f.code(f.c1)).with("scope", scope).json()).granted("read write")
	}
	code := f.code(f.c1)
	f.send(f.redeem(f.c1, code).with("scope", `re"ad`)).refused("invalid_scope")
	f.send(f.redeem(f.c1, code)).tokens()
}
