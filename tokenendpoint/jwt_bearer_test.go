package tokenendpoint_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const identityProvider = "https://idp.test"

// vouched is an assertion of the identity provider about its user e7, for a client.
func vouched(t *testing.T, typ, clientID string, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": identityProvider, "sub": "e7", "aud": testbed.Issuer, "jti": rand.Text(), "client_id": clientID, "scope": "read write",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	return testbed.SignedBy(jose.SigningKey{Algorithm: jose.ES256, Key: testbed.SigningKey()}, typ, claims)
}

// bearerBed is an endpoint that trusts the identity provider.
func bearerBed(t *testing.T, change func(*assertion.TrustedIssuer)) *testbed.Fixture {
	t.Helper()
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: testbed.SigningKey().Public(), Algorithm: "ES256"}}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.ParseJWKS(public)
	if err != nil {
		t.Fatal(err)
	}
	issuer := assertion.IDJAG(assertion.Config{Issuer: identityProvider, Keys: keys, Audience: []string{testbed.Issuer}},
		func(_ context.Context, c *assertion.Claims) (string, error) {
			if c.Subject != "e7" {
				return "", grants.InvalidGrant
			}
			return "u1", nil
		})
	if change != nil {
		change(&issuer)
	}
	grant, err := assertion.NewJWTBearer(issuer)
	if err != nil {
		t.Fatal(err)
	}
	return testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Grants[assertion.TypeJWTBearer] = grant })
}

// bearing registers a client for the grant.
func bearing(f *testbed.Fixture, changes ...func(*storage.Client)) *testbed.Party {
	f.Helper()
	return f.NewWideClient(append(changes, func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, assertion.TypeJWTBearer) })...)
}

func bear(p *testbed.Party, text string) *testbed.Request {
	return testbed.Form("grant_type", assertion.TypeJWTBearer, "assertion", text).By(p)
}

// An identity provider vouches for a user, and the client gets a token for it.
func TestJWTBearer(t *testing.T) {
	const idJAG = assertion.TypeIDJAG
	for name, rule := range map[string]func(t *testing.T, f *testbed.Fixture, p *testbed.Party){
		"S01_good": func(t *testing.T, f *testbed.Fixture, p *testbed.Party) {
			got := f.Send(bear(p, vouched(t, idJAG, p.ID, nil))).Tokens()
			if _, claims := testbed.Decode(t, got.AccessToken); claims["sub"] != "u1" || claims["client_id"] != p.ID || claims["scope"] != "read write" {
				t.Errorf("the claims are %v", claims)
			}
			if got.RefreshToken != "" {
				t.Error("there is a refresh token, which nobody has asked for")
			}
			f.Send(testbed.Form("grant_type", assertion.TypeJWTBearer).By(p)).Refused("invalid_request")
			f.Send(testbed.Form("grant_type", assertion.TypeJWTBearer, "assertion", "x").By(p).Unsigned().With("client_id", p.ID)).Unauthorized()
			f.Send(bear(f.C1, vouched(t, idJAG, f.C1.ID, nil))).Refused("unauthorized_client")
		},
		"S02_S03_claims": func(t *testing.T, f *testbed.Fixture, p *testbed.Party) {
			for _, changes := range []map[string]any{
				{"aud": nil}, {"aud": testbed.Issuer + "/"}, {"aud": []string{testbed.Issuer, "https://other.test"}}, {"aud": []string{testbed.Issuer}},
				{"exp": nil}, {"exp": time.Now().Add(-time.Minute).Unix()}, {"exp": time.Now().Add(time.Hour).Unix()},
				{"iat": time.Now().Add(-time.Hour).Unix()}, {"nbf": time.Now().Add(2 * time.Minute).Unix()},
				{"iss": "https://evil.test"}, {"iss": nil}, {"sub": nil}, {"sub": "e8"}, {"jti": nil}, {"cnf": map[string]any{}},
			} {
				f.Send(bear(p, vouched(t, idJAG, p.ID, changes))).Refused("invalid_grant")
			}
		},
		"S04_a_replay": func(t *testing.T, f *testbed.Fixture, p *testbed.Party) {
			text := vouched(t, idJAG, p.ID, nil)
			f.Send(bear(p, text).With("scope", "nonsense")).Refused("invalid_scope") // and uses nothing up
			f.BreakStore(testbed.Fault{Method: "CreateCredential"})
			f.Send(bear(p, text)).Unavailable()
			f.Store.Set(func(s *testbed.Spy) { s.Before, s.After = nil, nil })
			f.Send(bear(p, text)).Tokens()
			f.Send(bear(p, text)).Refused("invalid_grant")
		},
		"S06_another_type": func(t *testing.T, f *testbed.Fixture, p *testbed.Party) {
			for _, typ := range []string{"", "JWT", "at+jwt", "logout+jwt", "id_token"} {
				f.Send(bear(p, vouched(t, typ, p.ID, nil))).Refused("invalid_grant")
			}
		},
		"S07_bounds": func(t *testing.T, f *testbed.Fixture, p *testbed.Party) {
			other := bearing(f)
			f.Send(bear(other, vouched(t, idJAG, p.ID, nil))).Refused("invalid_grant")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"client_id": nil}))).Refused("invalid_grant")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"client_id": []string{p.ID}}))).Refused("invalid_grant")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"scope": "read"})).With("scope", "write")).Refused("invalid_scope")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"scope": nil})).With("scope", "read")).Refused("invalid_scope")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"scope": 1}))).Refused("invalid_grant")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"resource": "https://other.test"}))).Refused("invalid_target")
			f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"resource": 7}))).Refused("invalid_grant")
			got := f.Send(bear(p, vouched(t, idJAG, p.ID, map[string]any{"resource": testbed.Audience, "scope": "read nonsense"}))).Tokens()
			if _, claims := testbed.Decode(t, got.AccessToken); claims["aud"] != testbed.Audience || claims["scope"] != "read" {
				t.Errorf("the claims are %v, want no more than both sides allow", claims)
			}
			public := bearing(f, func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
			f.Send(bear(public, vouched(t, idJAG, public.ID, nil))).Refused("unauthorized_client")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := bearerBed(t, nil)
			rule(t, f, bearing(f))
		})
	}
}

// An issuer whose types nobody has named signs grants without typ or as JWT. What it
// signs to authenticate itself as a client is no grant.
func TestS06(t *testing.T) {
	f := bearerBed(t, func(issuer *assertion.TrustedIssuer) { issuer.Types = nil })
	p := bearing(f)
	for typ, good := range map[string]bool{"": true, "JWT": true, "client-authentication+jwt": false, "at+jwt": false, assertion.TypeIDJAG: false} {
		reply := f.Send(bear(p, vouched(t, typ, p.ID, nil)))
		if good {
			reply.Tokens()
		} else {
			reply.Refused("invalid_grant")
		}
	}
}

// Of 50 requests that bear one assertion at once, one gets tokens, also if it asks for
// a refresh token.
func TestS04(t *testing.T) {
	f := bearerBed(t, func(issuer *assertion.TrustedIssuer) {
		decide := issuer.Authorize
		issuer.Authorize = func(ctx context.Context, r *grants.Request, c *assertion.Claims) (*grants.Authorization, error) {
			a, err := decide(ctx, r, c)
			if a != nil {
				a.Refresh = true
			}
			return a, err
		}
	})
	for range 20 {
		p := bearing(f)
		oneOfFifty(f, bear(p, vouched(t, assertion.TypeIDJAG, p.ID, nil)), http.StatusBadRequest)
	}
	p := bearing(f)
	got := f.Send(bear(p, vouched(t, assertion.TypeIDJAG, p.ID, nil))).Tokens()
	f.Send(testbed.Refresh(p, got.RefreshToken)).Tokens()
}

// New refuses assertions that are good once without a store that can tell, and takes
// those that are used again by design.
func TestJWTBearerNeedsAStore(t *testing.T) {
	keys, err := jws.ParseJWKS(testbed.PublicKeys(jws.EdDSA, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, reusable := range []bool{false, true} {
		grant, err := assertion.NewJWTBearer(assertion.TrustedIssuer{
			Config: assertion.Config{Issuer: identityProvider, Keys: keys, Audience: []string{testbed.Issuer}, Reusable: reusable},
			Authorize: func(context.Context, *grants.Request, *assertion.Claims) (*grants.Authorization, error) {
				return nil, grants.InvalidGrant
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		c := goodConfig(t)
		c.Storage = storage.Parts{Clients: c.Storage}
		c.Grants = map[string]grants.Grant{assertion.TypeJWTBearer: grant}
		_, err = tokenendpoint.New(c)
		if refused := err != nil && strings.Contains(err.Error(), "its assertions are good once"); refused == reusable || reusable && err != nil {
			t.Errorf("reusable %v: got %v", reusable, err)
		}
	}
}
