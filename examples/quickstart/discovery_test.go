package main_test

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2/clientcredentials"
)

// A client that knows the address of the metadata finds everything else: each endpoint
// is at the address that the metadata give.
func TestDiscovery(t *testing.T) {
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		resp, err := http.Get(shared.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var metadata struct {
			Issuer        string `json:"issuer"`
			Token         string `json:"token_endpoint"`
			JWKS          string `json:"jwks_uri"`
			Revocation    string `json:"revocation_endpoint"`
			Introspection string `json:"introspection_endpoint"`
		}
		decode(t, resp.Body, &metadata)
		if metadata.Issuer != shared.url { // RFC 8414 §3.3: a strict client refuses another
			t.Errorf("%s: issuer = %q, want %s", path, metadata.Issuer, shared.url)
		}
		config := clientcredentials.Config{ClientID: "my-app-id", ClientSecret: "my-app-secret", TokenURL: metadata.Token}
		token, err := config.Token(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if status, _ := get(t, metadata.JWKS); status != 200 {
			t.Errorf("%s: jwks_uri answers %d", path, status)
		}
		introspect := func() bool {
			var answer struct{ Active bool }
			postForm(t, metadata.Introspection, token.AccessToken, &answer)
			return answer.Active
		}
		if !introspect() {
			t.Error("a new token is not active")
		}
		client := config.Client(t.Context())
		checkResource(t, client, "my-app-id")
		postForm(t, metadata.Revocation, token.RefreshToken, new(struct{}))
		if introspect() {
			t.Error("the token is active after its refresh token was revoked")
		}
		r, err := http.NewRequest(http.MethodGet, shared.url+"/demo/resource", nil)
		if err != nil {
			t.Fatal(err)
		}
		token.SetAuthHeader(r)
		resource, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resource.Body.Close()
		if resource.StatusCode != http.StatusUnauthorized {
			t.Errorf("the resource answers %d to a revoked token, want 401", resource.StatusCode)
		}
	}
}

// postForm asks about a token as the demo's client does.
func postForm(t testing.TB, endpoint, token string, into any) {
	t.Helper()
	resp, err := http.PostForm(endpoint, url.Values{
		"token": {token}, "client_id": {"my-app-id"}, "client_secret": {"my-app-secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("POST %s = %d", endpoint, resp.StatusCode)
	}
	decode(t, resp.Body, into)
}
