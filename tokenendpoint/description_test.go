package tokenendpoint_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// stamps is a host's grant that describes itself.
type stamps struct{ grants.Func }

func (stamps) Describe() grants.Description {
	return grants.Description{Summary: "A stamp for a coupon.", Parameters: []grants.Parameter{{Name: "coupon", Required: true}}}
}

// The description of the endpoint agrees with its answers: its URLs are routes,
// and a request that lacks a parameter that is required is refused with its name.
func TestDescribe(t *testing.T) {
	c := goodConfig(t)
	c.Logger = discard
	store := &memory.Store{}
	c.Storage, c.Revocations = store, store
	c.Issuer, c.BaseURL = "https://as.test/tenant", "https://as.test/api"
	c.AuthorizationEndpoint = "https://as.test/login"
	testbed.WithAssertions(&c)
	c.ScopesSupported, c.ErrorURI = []string{"read", "write"}, "https://as.test/docs"
	c.Grants = map[string]grants.Grant{
		grants.TypeClientCredentials: grants.ClientCredentials{},
		grants.TypeRefreshToken:      grants.RefreshToken{},
		grants.TypeAuthorizationCode: grants.AuthorizationCode{},
		grants.TypeAPIKey:            grants.APIKey{},
		"stamps":                     stamps{},
		"unsaid":                     grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) { return nil, grants.InvalidGrant }),
	}
	h := newHandler(t, c)
	d := h.Describe()

	for name, at := range map[string]string{"Token": d.Token, "Revocation": d.Revocation, "Introspection": d.Introspection, "JWKS": d.JWKS, "Metadata": d.Metadata} {
		u, err := url.Parse(at)
		if err != nil || u.Scheme+"://"+u.Host != "https://as.test" || !slices.ContainsFunc(h.Routes(), func(r tokenendpoint.Route) bool { return r.Path == u.Path }) {
			t.Errorf("%s is %q, want the URL of a route", name, at)
		}
	}
	if d.Authorization != c.AuthorizationEndpoint || d.Issuer != c.Issuer || d.AccessTokenLifetime != time.Hour || d.RefreshGrace != 10*time.Second || d.TokenType == "" {
		t.Errorf("got %+v, want what the configuration says and means", d)
	}
	var types []string
	for _, g := range d.Grants {
		types = append(types, g.Type)
		for _, p := range g.Parameters {
			if !p.Required || g.Type == "stamps" {
				continue
			}
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("grant_type="+url.QueryEscape(g.Type)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("c1", "secret")
			w := httptest.NewRecorder()
			h.Token().ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), p.Name+" is missing") {
				t.Errorf("%s without %s: got %d %s, want a refusal that names it", g.Type, p.Name, w.Code, w.Body)
			}
		}
	}
	if want := []string{"api_key", "authorization_code", "client_credentials", "refresh_token", "stamps", "unsaid"}; !slices.Equal(types, want) {
		t.Errorf("the grants are %v, want %v", types, want)
	}
	if got := d.Grants[0].Aliases; !slices.Equal(got, []string{grants.TypeAPIKeyURN}) {
		t.Errorf("the aliases of api_key are %v", got)
	}
	if d.Grants[4].Summary != "A stamp for a coupon." || !reflect.DeepEqual(d.Grants[5].Description, grants.Description{}) {
		t.Errorf("the host's grants are %+v and %+v", d.Grants[4], d.Grants[5])
	}

	if !slices.Equal(d.ScopesSupported, c.ScopesSupported) || d.ErrorURI != c.ErrorURI {
		t.Errorf("got the scopes %v and the pages of errors at %q, want those of the configuration", d.ScopesSupported, d.ErrorURI)
	}

	d.Audience[0], d.Grants[0].Parameters[0].Name = "changed", "changed"
	d.ScopesSupported[0], d.AssertionAlgorithms[0] = "changed", "changed"
	if again := h.Describe(); again.ScopesSupported[0] == "changed" || again.AssertionAlgorithms[0] == "changed" || again.Audience[0] == "changed" || again.Grants[0].Parameters[0].Name == "changed" {
		t.Error("a change to one description is in the next")
	}
}

// An endpoint takes assertions exactly where its description says so: if the validator
// verifies them, and for each grant but those whose credential stands for the secret.
func TestDescribeAssertions(t *testing.T) {
	for name, tt := range map[string]struct {
		change     func(*tokenendpoint.Config)
		algorithms []string
		takes      []string // grants
	}{
		"nothing said": {nil, nil, nil},
		"keys": {testbed.WithAssertions, []string{jws.RS256, jws.PS256, jws.ES256, jws.EdDSA},
			[]string{grants.TypeAuthorizationCode, grants.TypeClientCredentials, grants.TypeRefreshToken}},
		"keys beside a secret": {func(c *tokenendpoint.Config) {
			testbed.WithAssertions(c)
			c.Grants[grants.TypeAPIKey] = grants.APIKey{RequireClientAuthentication: true}
		}, []string{jws.RS256, jws.PS256, jws.ES256, jws.EdDSA},
			[]string{grants.TypeAPIKey, grants.TypeAuthorizationCode, grants.TypeClientCredentials, grants.TypeRefreshToken}},
		"secrets alone": {func(c *tokenendpoint.Config) { c.ClientValidator = &clientauth.Secrets{Clients: c.Storage} }, nil, nil},
		"a validator of the host's": {func(c *tokenendpoint.Config) {
			c.ClientValidator = tokenendpoint.ClientValidatorFunc((&clientauth.Secrets{Clients: c.Storage}).ValidateClient)
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var d tokenendpoint.Description
			f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
				if tt.change != nil {
					tt.change(c)
				}
				d = newHandler(t, *c).Describe()
			})
			var takes []string
			for _, g := range d.Grants {
				if d.TakesAssertions(g) {
					takes = append(takes, g.Type)
				}
			}
			if !slices.Equal(d.AssertionAlgorithms, tt.algorithms) || !slices.Equal(takes, tt.takes) {
				t.Errorf("got the algorithms %v and the grants %v, want %v and %v", d.AssertionAlgorithms, takes, tt.algorithms, tt.takes)
			}
			if has := slices.Contains(d.AuthMethods, storage.PrivateKeyJWT); has != (tt.algorithms != nil) {
				t.Errorf("AuthMethods are %v", d.AuthMethods)
			}
			k := f.NewKeyed(jws.ES256)
			for grant, r := range map[string]*testbed.Request{
				grants.TypeClientCredentials: testbed.ClientCredentials(k.Party),
				grants.TypeAPIKey:            testbed.PresentKey(k.Party, f.APIKey(k.Party)),
			} {
				if got := f.Send(r.AssertedBy(k.Assertion(nil))); (got.Status == http.StatusOK) != slices.Contains(takes, grant) {
					t.Errorf("%s with an assertion: got %d %s", grant, got.Status, got.Body)
				}
			}
		})
	}
}
