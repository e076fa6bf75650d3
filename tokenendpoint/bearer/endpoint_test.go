package bearer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var _ bearer.Revocations = storage.Revocations(nil) // a store needs no adapter

// An access token of the endpoint is good at the API, in its process and elsewhere; a
// refresh token is not.
func TestTokensOfTheEndpoint(t *testing.T) {
	for _, typ := range []string{"", jws.TypeJWT} {
		keys, store := edKeys(t), new(memory.Store)
		secret, hash := clientauth.NewSecret()
		err := store.PutClient(t.Context(), &storage.Client{
			ID:         "reports",
			Secrets:    []storage.ClientSecret{{ID: "1", Hash: hash}},
			GrantTypes: []string{grants.TypeClientCredentials, grants.TypeRefreshToken},
			Scope:      []string{"read"},
		})
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := tokenendpoint.New(tokenendpoint.Config{
			Issuer: issuer, Audience: []string{"https://other.test", audience}, Keys: keys, Storage: store, TokenType: typ, Logger: discard,
			Grants: map[string]grants.Grant{
				grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
				grants.TypeRefreshToken:      grants.RefreshToken{},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/connect/token", endpoint.Token())
		mux.Handle("/jwks.json", keys)
		server := httptest.NewServer(mux)
		defer server.Close()

		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"reports"}, "client_secret": {secret.Reveal()}}
		response := must(http.Post(server.URL+"/connect/token", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
		var issued struct {
			AccessToken  string `json:"access_token"`
			RefreshToken string `json:"refresh_token"`
		}
		if err := json.NewDecoder(response.Body).Decode(&issued); err != nil || issued.RefreshToken == "" {
			t.Fatalf("the endpoint answered %d and %+v, %v", response.StatusCode, issued, err)
		}
		response.Body.Close()

		remote := must(jws.NewRemote(jws.RemoteConfig{URL: server.URL + "/jwks.json", Logger: discard}))
		for name, k := range map[string]jws.Keys{"in process": keys, "elsewhere": remote} {
			v := newVerifier(t, k, func(c *bearer.Config) { c.TokenType = typ })
			if got := ask(v, []string{"read"}, "/", "Bearer "+issued.AccessToken); got.StatusCode != 204 {
				t.Errorf("%s: the access token is answered with %d, want 204", name, got.StatusCode)
			}
			if got := ask(v, nil, "/", "Bearer "+issued.RefreshToken); got.StatusCode != 401 || got.ran {
				t.Errorf("%s: the refresh token is answered with %d, want 401", name, got.StatusCode)
			}
		}
	}
}
