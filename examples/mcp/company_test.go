package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// company is an identity provider that vouches for its users (ID-JAG), and a client
// that is registered for them.
type company struct {
	party
	url    string
	secret storage.Secret
	client *storage.Client
}

const agentID = "agent"

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{party: newParty(t)}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": c.url, "token_endpoint": c.url + "/token", "authorization_endpoint": c.url + "/authorize", "jwks_uri": c.url + "/jwks",
			"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
		})
	})
	// The exchange of RFC 8693: an ID token of the user for an assertion.
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		text, err := c.assertion(r.PostFormValue("audience"), r.PostFormValue("resource"), r.PostFormValue("scope"))
		if err != nil || r.PostFormValue("subject_token") != "the user's ID token" {
			http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": text, "issued_token_type": oauthex.TokenTypeIDJAG, "token_type": "N_A"})
	})
	secret, hash := clientauth.NewSecret()
	c.secret = secret
	c.client = &storage.Client{
		ID: agentID, Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
		GrantTypes: []string{assertion.TypeJWTBearer}, Scope: []string{scopeRead, scopeAdd},
	}
	return c
}

// assertion is the provider's statement about a user to a server.
func (c *company) assertion(server, resource, scope string) (string, error) {
	now := time.Now()
	return c.sign(assertion.TypeIDJAG, map[string]any{
		"iss": c.url, "sub": "e-1815", "aud": server, "resource": resource, "client_id": agentID, "scope": scope,
		"jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
}

// trusted is the deployment's knowledge of it.
func (c *company) trusted(t *testing.T) func(issuer string) assertion.TrustedIssuer {
	keys := c.public(t)
	return func(issuer string) assertion.TrustedIssuer {
		return assertion.IDJAG(assertion.Config{Issuer: c.url, Keys: keys, Audience: []string{issuer}},
			func(_ context.Context, claims *assertion.Claims) (string, error) {
				return "user:" + claims.Subject, nil
			})
	}
}

// TestGoSDKEnterprise plays an employee whose company's identity provider decides, so
// that no page opens.
func TestGoSDKEnterprise(t *testing.T) {
	c := newCompany(t)
	d := serve(t, []*storage.Client{c.client}, c.trusted(t))
	handler, err := extauth.NewEnterpriseHandler(&extauth.EnterpriseHandlerConfig{
		IdPIssuerURL:     c.url,
		IdPCredentials:   &oauthex.ClientCredentials{ClientID: "agent-at-the-company"},
		MCPAuthServerURL: d.base,
		MCPResourceURI:   d.mcpURL(),
		MCPCredentials: &oauthex.ClientCredentials{
			ClientID: agentID, ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: c.secret.Reveal()},
		},
		MCPScopes: []string{scopeRead, scopeAdd},
		IDTokenFetcher: func(context.Context) (*oauth2.Token, error) {
			return (&oauth2.Token{}).WithExtra(map[string]any{"id_token": "the user's ID token"}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := addNote(t, connect(t, d, handler), "hired"), "Notes of user:e-1815: hired"; got != want {
		t.Errorf("the tool said %q, want %q", got, want)
	}
}
