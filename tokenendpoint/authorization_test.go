package tokenendpoint_test

import (
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// authorisationRules are about the grants and scopes that a client may ask for.
var authorisationRules = slices.Concat(grantTypeRules, matrixRules, hostRules, hookRules, lastRules)

var grantTypeRules = []rule{
	{"F06_what_needs_the_client_comes_after_its_authentication", noOracle},
	{"F09_client_credentials_has_no_refresh_token_unless_configured", refreshForItself},
}

// noOracle: a caller that cannot authenticate learns neither the client's rights
// nor whether a credential is good.
func noOracle(t *testing.T) {
	f := testbed.New(t, openMemory)
	code, token := f.Code(f.C1), f.RefreshToken(f.C1)
	bad := f.CC.Showing(testbed.WrongSecret)
	want := f.Send(testbed.ClientCredentials(bad))
	want.Unauthorized()
	for _, r := range []*testbed.Request{
		f.Redeem(f.C1, code).By(bad),
		f.Redeem(f.C1, "ac_nonsense").By(bad),
		f.Redeem(f.C1, code).By(bad).With("redirect_uri", "https://evil.test/", "code_verifier", "x"),
		f.Redeem(f.C1, code).By(f.C1.Showing(testbed.WrongSecret)),
		testbed.Refresh(bad, token), testbed.Refresh(bad, "rt_nonsense"), testbed.Refresh(f.C1.Showing(testbed.WrongSecret), token).With("scope", "root"),
		testbed.ClientCredentials(bad).With("scope", "root"), testbed.ClientCredentials(bad).With("resource", "https://other.test"),
		testbed.PresentKey(f.C1, f.APIKey(f.C1)).Basic(f.C1.ID, testbed.WrongSecret), testbed.PresentKey(f.C1, "nonsense").Basic(f.C1.ID, testbed.WrongSecret),
	} {
		for _, r := range testbed.Both(r) {
			f.Send(r).SameAs(want, r.Text())
		}
	}
	f.Send(f.Redeem(f.C1, code)).Tokens()
	f.Send(testbed.Refresh(f.C1, token)).Tokens()
}

func refreshForItself(t *testing.T) {
	for name, on := range map[string]bool{"off by default": false, "on": true} {
		t.Run(name, func(t *testing.T) {
			f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
				c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: on}
			})
			for _, r := range testbed.Both(testbed.ClientCredentials(f.C1).With("scope", "read")) {
				token := f.Send(r).Tokens().RefreshToken
				if (token != "") != on {
					t.Fatalf("refresh_token is %q, want one: %t", token, on)
				}
				if on {
					if got := f.Send(testbed.Refresh(f.C1, token)).Tokens(); got.Scope != "read" || got.Claims["sub"] != f.C1.ID {
						t.Errorf("its scope is %q for %v, want read for %s", got.Scope, got.Claims["sub"], f.C1.ID)
					}
				}
			}
			// A client that may not use a refresh token gets none.
			if token := f.Send(testbed.ClientCredentials(f.CC)).Tokens().RefreshToken; token != "" {
				t.Error("a client that may not refresh got a refresh token")
			}
		})
	}
}
