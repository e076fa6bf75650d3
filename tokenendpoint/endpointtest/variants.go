package endpointtest

import (
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// both are the two spellings of one request, form and JSON.
func both(r *request) []*request { return []*request{r, r.json()} }

// A spelling makes a request a form or JSON.
type spelling func(*request) *request

// spellings runs test as two subtests, for forms and for JSON. A bubble allows
// no subtests: do not use it in a timed rule.
func (f *fixture) spellings(test func(as spelling)) {
	f.Helper()
	f.sub("form", func() { test(func(r *request) *request { return r }) })
	f.sub("JSON", func() { test((*request).json) })
}

// sub runs a subtest of which the fixture's assertions are a part.
func (f *fixture) sub(name string, test func()) {
	f.Helper()
	f.T.Run(name, func(t *testing.T) {
		outer := f.T
		f.T = t
		defer func() { f.T = outer }()
		test()
	})
}

// frozen is r with its body as text. Nothing of it is noted as a secret again,
// which matters when it is sent a thousand times.
func (r *request) frozen() *request {
	c := r.clone()
	c.body, c.params = r.text(), nil
	return c
}

// A way is one way to a token.
type way struct {
	name      string
	grantType string                                     // by which clients are registered
	request   func(f *fixture, p *party) *request        // with a fresh credential of p
	reads     string                                     // the method that finds the credential, or empty
	spends    bool                                       // whether the credential can be used once
	present   func(p *party, credential string) *request // the same for a given credential
	make      func(f *fixture, p *party) string
}

// ways are all the ways to a token, those of withOwnGrants too.
func ways() []way {
	all := []way{
		{name: "client_credentials", grantType: grants.TypeClientCredentials,
			make:    func(*fixture, *party) string { return "" },
			present: func(p *party, _ string) *request { return clientCredentials(p) }},
		{name: "authorization_code", grantType: grants.TypeAuthorizationCode, reads: mCredential, spends: true,
			make: func(f *fixture, p *party) string { return f.mint(p, storage.KindAuthorizationCode, grants.CodePrefix) },
			present: func(p *party, code string) *request {
				return form("grant_type", "authorization_code", "code", code, "redirect_uri", "https://app.test/cb", "code_verifier", verifier).by(p)
			}},
		{name: "refresh_token", grantType: grants.TypeRefreshToken, reads: mCredential, spends: true,
			make: func(f *fixture, p *party) string {
				return f.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
			},
			present: refresh},
		{name: "api_key", grantType: grants.TypeAPIKey, reads: mAPIKey, make: ownKey, present: presentKey},
		{name: "api_key by its URN", grantType: grants.TypeAPIKey, reads: mAPIKey, make: ownKey,
			present: func(p *party, key string) *request {
				return presentKey(p, key).with("grant_type", grants.TypeAPIKeyURN)
			}},
		{name: "a host's own grant", grantType: typeDevice,
			make:    func(*fixture, *party) string { return "" },
			present: func(p *party, _ string) *request { return form("grant_type", typeDevice).by(p) }},
		{name: "a host's own grant that spends", grantType: typeVoucher, reads: mCredential, spends: true,
			make: func(f *fixture, p *party) string { return f.mint(p, kindVoucher, "vo_") },
			present: func(p *party, voucher string) *request {
				return form("grant_type", typeVoucher, "voucher", voucher).by(p)
			}},
	}
	for i := range all {
		w := all[i]
		all[i].request = func(f *fixture, p *party) *request { f.Helper(); return w.present(p, w.make(f, p)) }
	}
	return all
}

func ownKey(f *fixture, p *party) string {
	return f.apiKey(p, func(k *storage.APIKey) { k.Audience = []string{audience} })
}

// everyGrant are the grant types of ways.
func everyGrant() []string {
	return []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeAPIKey, typeDevice, typeVoucher}
}

// newWideClient registers a client that may use every grant.
func (f *fixture) newWideClient(changes ...func(*storage.Client)) *party {
	f.Helper()
	c := &storage.Client{ID: "wide", GrantTypes: everyGrant(), Scope: []string{"read", "write"}, RedirectURIs: []string{"https://app.test/cb"}}
	for _, change := range changes {
		change(c)
	}
	return f.newClient(c)
}

// requests has a request of each grant that is good for one use, by its
// grant_type.
func (f *fixture) requests(p *party) map[string]*request {
	f.Helper()
	return map[string]*request{
		"client_credentials": clientCredentials(p),
		"authorization_code": f.redeem(p, f.code(p)),
		"refresh_token":      refresh(p, f.refreshToken(p)),
		"api_key":            presentKey(p, f.apiKey(p)),
	}
}
