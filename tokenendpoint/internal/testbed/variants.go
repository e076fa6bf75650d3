package testbed

import (
	"net/http"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// Both are the two spellings of one request, form and JSON.
func Both(r *Request) []*Request { return []*Request{r, r.JSON()} }

// A Spelling makes a request a form or JSON.
type Spelling func(*Request) *Request

// Spellings runs test as two subtests, for forms and for JSON. A bubble allows
// no subtests: do not use it in a timed rule.
func (f *Fixture) Spellings(test func(as Spelling)) {
	f.Helper()
	f.Sub("form", func() { test(func(r *Request) *Request { return r }) })
	f.Sub("JSON", func() { test((*Request).JSON) })
}

// Sub runs a subtest of which the fixture's assertions are a part.
func (f *Fixture) Sub(name string, test func()) {
	f.Helper()
	f.T.Run(name, func(t *testing.T) {
		outer := f.T
		f.T = t
		defer func() { f.T = outer }()
		test()
	})
}

// Frozen is r with its body as text. Nothing of it is noted as a secret again,
// which matters when it is sent a thousand times.
func (r *Request) Frozen() *Request {
	c := r.Clone()
	c.Body, c.Params = r.Text(), nil
	return c
}

// A Way is one way to a token.
type Way struct {
	Name      string
	GrantType string                                     // by which clients are registered
	Request   func(f *Fixture, p *Party) *Request        // with a fresh credential of p
	Reads     string                                     // the method that finds the credential, or empty
	Spends    bool                                       // whether the credential can be used once
	Present   func(p *Party, credential string) *Request // the same for a given credential
	Make      func(f *Fixture, p *Party) string
}

// Stranger is the answer to a client that does not exist or is disabled. A key
// that stands for the client is judged first (R31).
func (w Way) Stranger() (status int, code string) {
	if w.GrantType == grants.TypeAPIKey {
		return http.StatusBadRequest, "invalid_grant"
	}
	return http.StatusUnauthorized, "invalid_client"
}

// Ways returns all the ways to a token, those of WithOwnGrants too.
func Ways() []Way {
	all := []Way{
		{Name: "client_credentials", GrantType: grants.TypeClientCredentials,
			Make:    func(*Fixture, *Party) string { return "" },
			Present: func(p *Party, _ string) *Request { return ClientCredentials(p) }},
		{Name: "authorization_code", GrantType: grants.TypeAuthorizationCode, Reads: CallCredential, Spends: true,
			Make: func(f *Fixture, p *Party) string { return f.Mint(p, storage.KindAuthorizationCode, grants.CodePrefix) },
			Present: func(p *Party, code string) *Request {
				return Form("grant_type", "authorization_code", "code", code, "redirect_uri", "https://app.test/cb", "code_verifier", Verifier).By(p)
			}},
		{Name: "refresh_token", GrantType: grants.TypeRefreshToken, Reads: CallCredential, Spends: true,
			Make: func(f *Fixture, p *Party) string {
				return f.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
			},
			Present: Refresh},
		{Name: "api_key", GrantType: grants.TypeAPIKey, Reads: CallAPIKey, Make: ownKey, Present: PresentKey},
		{Name: "api_key by its URN", GrantType: grants.TypeAPIKey, Reads: CallAPIKey, Make: ownKey,
			Present: func(p *Party, key string) *Request {
				return PresentKey(p, key).With("grant_type", grants.TypeAPIKeyURN)
			}},
		{Name: "a host's own grant", GrantType: TypeDevice,
			Make:    func(*Fixture, *Party) string { return "" },
			Present: func(p *Party, _ string) *Request { return Form("grant_type", TypeDevice).By(p) }},
		{Name: "a host's own grant that spends", GrantType: TypeVoucher, Reads: CallCredential, Spends: true,
			Make: func(f *Fixture, p *Party) string { return f.Mint(p, KindVoucher, "vo_") },
			Present: func(p *Party, voucher string) *Request {
				return Form("grant_type", TypeVoucher, "voucher", voucher).By(p)
			}},
	}
	for i := range all {
		w := all[i]
		all[i].Request = func(f *Fixture, p *Party) *Request { f.Helper(); return w.Present(p, w.Make(f, p)) }
	}
	return all
}

func ownKey(f *Fixture, p *Party) string {
	return f.APIKey(p, func(k *storage.APIKey) { k.Audience = []string{Audience} })
}

// EveryGrant are the grant types of ways.
func EveryGrant() []string {
	return []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeAPIKey, TypeDevice, TypeVoucher}
}

// NewWideClient registers a client that may use every grant.
func (f *Fixture) NewWideClient(changes ...func(*storage.Client)) *Party {
	f.Helper()
	c := &storage.Client{ID: "wide", GrantTypes: EveryGrant(), Scope: []string{"read", "write"}, RedirectURIs: []string{"https://app.test/cb"}}
	for _, change := range changes {
		change(c)
	}
	return f.NewClient(c)
}

// Requests has a request of each grant that is good for one use, by its
// grant_type.
func (f *Fixture) Requests(p *Party) map[string]*Request {
	f.Helper()
	return map[string]*Request{
		"client_credentials": ClientCredentials(p),
		"authorization_code": f.Redeem(p, f.Code(p)),
		"refresh_token":      Refresh(p, f.RefreshToken(p)),
		"api_key":            PresentKey(p, f.APIKey(p)),
	}
}

// PublicWithKeys registers a public client that may present API keys.
func (f *Fixture) PublicWithKeys() *Party {
	f.Helper()
	return f.NewClient(&storage.Client{
		ID: "pubkeys", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAPIKey, grants.TypeRefreshToken}, Scope: []string{"read", "write"},
	})
}
