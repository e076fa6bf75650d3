package endpointtest

import (
	"net/http"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var pkceRules = []rule{
	{"H07_store_that_lost_the_challenge", h07},
	{"H07_store_that_lost_the_redirect_uri", h07RedirectURI},
}

// pkceFree registers a confidential client that need not use PKCE.
func pkceFree(f *testbed.Fixture) *testbed.Party {
	f.Helper()
	return f.NewClient(&storage.Client{
		ID:              "free",
		GrantTypes:      []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:           []string{"read", "write"},
		RedirectURIs:    []string{"https://free.test/cb"},
		PKCENotRequired: true,
	})
}

// mended asserts that a code is refused while the store shows it as edit leaves
// it, whether a verifier comes or not, and is good once the store is mended.
func mended(f *testbed.Fixture, p *testbed.Party, edit func(*storage.Credential), check func(*testbed.Reply)) {
	f.Helper()
	code := f.Code(p)
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = edit })
	f.ChangesNothing(func() {
		for _, r := range testbed.Both(f.Redeem(p, code)) {
			check(f.Send(r))
			reply := f.Send(r.Without("code_verifier"))
			if reply.Status == http.StatusOK {
				f.Errorf("without a verifier: got %d %s, want a refusal", reply.Status, reply.Body)
			}
		}
	})
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = nil })
	f.Send(f.Redeem(p, code)).Tokens()
}

// h07 pins server_error: the operator must hear of it. It holds for clients
// that need no PKCE too, since there a lost field would open the door.
func h07(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	free := pkceFree(f)
	for name, edit := range map[string]func(*storage.Credential){
		"the challenge":            func(c *storage.Credential) { c.Challenge = "" },
		"the method and challenge": func(c *storage.Credential) { c.PKCE, c.Challenge = "", "" },
		"that there is a method":   func(c *storage.Credential) { c.PKCE = storage.PKCENone },
	} {
		f.Sub(name, func() {
			for _, p := range []*testbed.Party{f.C1, free, f.Pub} {
				mended(f, p, edit, testbed.WantServerError)
			}
		})
	}
}

// h07RedirectURI is the same for the other binding of a code.
func h07RedirectURI(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	code := f.Code(f.C1)
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = func(c *storage.Credential) { c.RedirectURI = "" } })
	f.ChangesNothing(func() {
		for _, r := range testbed.Both(f.Redeem(f.C1, code)) {
			testbed.WantServerError(f.Send(r))
			testbed.WantServerError(f.Send(r.Without("redirect_uri")))
		}
	})
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = nil })
	f.Send(f.Redeem(f.C1, code)).Tokens()
}
