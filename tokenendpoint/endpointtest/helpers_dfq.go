package endpointtest

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

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

// showing is the client with another secret.
func (p *party) showing(secret string) *party {
	q := *p
	q.secret = secret
	return &q
}

// named is the client under another identifier.
func (p *party) named(id string) *party {
	q := *p
	q.id = id
	return &q
}

// post authenticates as p in the body.
func (r *request) post(p *party) *request {
	return r.with("client_id", p.id, "client_secret", p.secret)
}

// wrongSecret looks like one that was drawn, and is nobody's.
const wrongSecret = "cs_wrong-secret-of-nobody-0123456789"

// assertion is a client_assertion as a client would send it. Nobody verifies
// it: this library has no assertions yet.
const assertion = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjMSIsInN1YiI6ImMxIn0.c2lnbmF0dXJl"

func (r *request) asserted() *request {
	return r.with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
}

// asked asserts how often the store was called since the last time.
func (f *fixture) asked(want map[string]int) {
	f.Helper()
	if got := f.store.counted(); !maps.Equal(got, want) {
		f.Errorf("the store was called %v, want %v", got, want)
	}
}

// wroteNothing asserts that the store was not asked to change anything since the last
// time.
func (f *fixture) wroteNothing() {
	f.Helper()
	got := f.store.counted()
	for _, m := range []string{mCreateCredential, mSpend, mRevoke} {
		if got[m] > 0 {
			f.Errorf("the store was called %v, want no change", got)
		}
	}
}

// edit shows the endpoint another registration of p, until heal.
func (f *fixture) edit(p *party, change func(*storage.Client)) {
	f.store.set(func(s *spy) {
		s.editClient = func(c *storage.Client) {
			if c.ID == p.id {
				change(c)
			}
		}
	})
}

// restore undoes edit.
func (f *fixture) restore() { f.store.set(func(s *spy) { s.editClient = nil }) }

// sameAs asserts that two responses cannot be told apart. The Date may differ.
func (r *reply) sameAs(other *reply, what string) {
	r.t.Helper()
	h, o := r.header.Clone(), other.header.Clone()
	h.Del("Date")
	o.Del("Date")
	if r.status != other.status || r.body != other.body || !maps.EqualFunc(h, o, equalValues) {
		r.t.Errorf("%s: got %d %v %s, want as before %d %v %s", what, r.status, h, r.body, other.status, o, other.body)
	}
}

func equalValues(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// peerHeader is the header that fromHeader reads.
const peerHeader = "Test-Peer"

// fromHeader takes the address of a request's client from peerHeader, as a host
// behind a proxy would.
func fromHeader(c *tokenendpoint.Config) {
	c.RemoteAddr = func(r *http.Request) netip.Addr {
		a, _ := netip.ParseAddr(r.Header.Get(peerHeader))
		return a
	}
}

// A host's own grants: typeDevice rests on nothing that is kept, typeVoucher on
// a single-use credential of a kind of its own.
const (
	typeDevice  = "urn:example:grant-type:device"
	typeVoucher = "urn:example:grant-type:voucher"
	kindVoucher = "voucher"
)

// withOwnGrants adds a host's own grants to the endpoint.
func withOwnGrants(c *tokenendpoint.Config) {
	c.Grants = maps.Clone(c.Grants)
	c.Grants[typeDevice] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
		return &grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{audience}, Refresh: true}, nil
	})
	c.Grants[typeVoucher] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		p, err := r.Present(ctx, kindVoucher, storage.PresentedSecret(r.Form["voucher"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: p.Subject, Scope: p.Scope, Audience: p.Audience, Refresh: true}, nil
	})
}

// mint stores a single-use credential of p for u1, read and write, without
// asking whether p could have got it. Its audience is recorded.
func (f *fixture) mint(p *party, kind, prefix string) string {
	f.Helper()
	secret, at := storage.NewSecret(prefix), time.Now().UTC().Truncate(time.Microsecond)
	c := &storage.Credential{
		Digest: secret.Digest(kind), Kind: kind, Family: rand.Text(),
		ClientID: p.id, Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{audience},
		IssuedAt: at, ExpiresAt: at.Add(time.Minute), FamilyExpiresAt: at.Add(time.Hour),
	}
	if kind == storage.KindAuthorizationCode {
		c.RedirectURI, c.PKCE, c.Challenge = "https://app.test/cb", storage.PKCES256, challenge(verifier)
	}
	if err := f.store.CreateCredential(f.Context(), c); err != nil {
		f.Fatalf("storing a credential: %v", err)
	}
	return f.secret(secret.Reveal())
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
