package main_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Go's own OAuth client works with the endpoint, by Basic and with the secret in the
// body.
func TestGoClientCredentials(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"auto": oauth2.AuthStyleAutoDetect, "header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams,
	} {
		t.Run(name, func(t *testing.T) {
			config := clientcredentials.Config{
				ClientID: "my-app-id", ClientSecret: "my-app-secret",
				TokenURL: shared.url + "/connect/token", AuthStyle: style, Scopes: []string{"read"},
			}
			checkResource(t, config.Client(t.Context()), "my-app-id")
		})
	}
}

func TestGoAPIKey(t *testing.T) {
	config := clientcredentials.Config{
		ClientID:  "my-public-app",
		TokenURL:  shared.url + "/connect/token",
		AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{
			"grant_type": {"api_key"},
			"api_key":    {credentials(t, "my-public-app")["api_key"]},
		},
	}
	checkResource(t, config.Client(t.Context()), "api_key:")
}

func TestGoAuthorizationCode(t *testing.T) {
	for name, test := range map[string]struct {
		id, secret string
		options    []oauth2.AuthCodeOption
	}{
		"confidential": {id: "my-app-id", secret: "my-app-secret"},
		"public":       {id: "my-public-app", options: []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}},
	} {
		t.Run(name, func(t *testing.T) {
			config := oauth2.Config{
				ClientID: test.id, ClientSecret: test.secret, RedirectURL: redirectURI,
				Endpoint: oauth2.Endpoint{TokenURL: shared.url + "/connect/token"},
			}
			token, err := config.Exchange(t.Context(), credentials(t, test.id)["code"], test.options...)
			if err != nil {
				t.Fatal(err)
			}
			checkResource(t, config.Client(t.Context(), token), "demo-user")

			first := token.RefreshToken
			token.Expiry = time.Now().Add(-time.Minute)
			token, err = config.TokenSource(context.Background(), token).Token()
			if err != nil {
				t.Fatal(err)
			}
			if token.RefreshToken == first {
				t.Error("refresh_token is the same after a refresh, want another")
			}
			checkResource(t, config.Client(t.Context(), token), "demo-user")
		})
	}
}

// checkResource calls the protected resource as a client would.
func checkResource(t testing.TB, client *http.Client, subject string) {
	t.Helper()
	resp, err := client.Get(shared.url + "/demo/resource")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var claims struct{ Sub, Iss string }
	decode(t, resp.Body, &claims)
	if resp.StatusCode != 200 || !strings.HasPrefix(claims.Sub, subject) || claims.Iss != shared.url {
		t.Errorf("GET /demo/resource = %d %+v, want 200 with sub %s", resp.StatusCode, claims, subject)
	}
}
