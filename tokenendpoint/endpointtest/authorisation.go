package endpointtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
)

// authorisationRules is what a client may ask for: grants and scopes.
var authorisationRules = slices.Concat(grantTypeRules, matrixRules, hostRules, hookRules)

var grantTypeRules = []rule{
	{"F01_grant_type_is_missing", noGrantType},
	{"F02_an_unknown_grant", unknownGrant},
	{"F03_password_and_implicit_do_not_exist", unsafeGrants},
	{"F04_a_grant_that_is_not_enabled", grantNotEnabled},
	{"F05_a_grant_that_the_client_may_not_use", grantNotAllowed},
	{"F06_what_needs_the_client_comes_after_its_authentication", noOracle},
	{"F09_client_credentials_has_no_refresh_token_unless_configured", refreshForItself},
}

func noGrantType(t *testing.T, open opener) {
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
func unknownGrant(t *testing.T, open opener) {
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
func unsafeGrants(t *testing.T, open opener) {
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
func grantNotEnabled(t *testing.T, open opener) {
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

func grantNotAllowed(t *testing.T, open opener) {
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
func noOracle(t *testing.T, open opener) {
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

func refreshForItself(t *testing.T, open opener) {
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
