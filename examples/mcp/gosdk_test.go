package main

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// TestGoSDKAuthorizationCode plays a user with the Go SDK: it finds all by the URL of the
// MCP server, in each way in which a client can become known, and asks once. If the user
// has agreed to less than the tool needs, it asks again (step-up).
func TestGoSDKAuthorizationCode(t *testing.T) {
	d := serve(t, []*storage.Client{{
		ID: "editor", AuthMethod: storage.AuthNone, RedirectURIs: []string{redirectURI},
		GrantTypes: []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:      []string{scopeRead, scopeAdd},
	}})
	document := d.publisher.publish("/go.json", `{"client_id":"{url}","client_name":"Go","redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"none"}`)
	for name, known := range map[string]auth.AuthorizationCodeHandlerConfig{
		"registered by hand": {PreregisteredClient: &oauthex.ClientCredentials{ClientID: "editor", Issuer: d.base}},
		"registers itself": {DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{ClientName: "Go", RedirectURIs: []string{redirectURI}, TokenEndpointAuthMethod: "none"},
		}},
		"registers itself without a method": {DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{ClientName: "Go", RedirectURIs: []string{redirectURI}},
		}},
		"has a document": {ClientIDMetadataDocumentConfig: &auth.ClientIDMetadataDocumentConfig{URL: document}},
	} {
		t.Run(name, func(t *testing.T) {
			person := &user{grants: []string{scopeRead}}
			known.RedirectURL = redirectURI
			known.AuthorizationCodeFetcher = func(ctx context.Context, a *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
				back, err := person.agree(ctx, d, a.URL)
				if err != nil {
					return nil, err
				}
				return &auth.AuthorizationResult{Code: back.Get("code"), State: back.Get("state"), Iss: back.Get("iss")}, nil
			}
			handler, err := auth.NewAuthorizationCodeHandler(&known)
			if err != nil {
				t.Fatal(err)
			}
			session := connect(t, d, handler)
			tools, err := session.ListTools(t.Context(), nil)
			if err != nil || len(tools.Tools) != 1 {
				t.Fatalf("tools: %+v, %v", tools, err)
			}
			all := scopeRead + " " + scopeAdd
			if got, want := person.pages(), []string{all}; !slices.Equal(got, want) {
				t.Errorf("to connect, the user was asked for %q, want %q", got, want)
			}
			addNote(t, session, "milk")
			if got, want := person.pages(), []string{all, all}; !slices.Equal(got, want) {
				t.Errorf("to call the tool, the user was asked for %q, want %q", got, want)
			}
			addNote(t, session, "bread")
			if got := person.pages(); len(got) != 2 {
				t.Errorf("the user was asked again at a second call: %q", got)
			}
			source, err := handler.TokenSource(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if token, err := source.Token(); err != nil || token.RefreshToken == "" {
				t.Errorf("the client has no refresh token: %v", err)
			}
		})
	}
}

// TestGoSDKClientCredentials plays a program without a user.
func TestGoSDKClientCredentials(t *testing.T) {
	secret, hash := clientauth.NewSecret()
	d := serve(t, []*storage.Client{{
		ID: "nightly", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{scopeRead, scopeAdd},
	}})
	handler, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
		Credentials: &oauthex.ClientCredentials{
			ClientID: "nightly", Issuer: d.base, ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: secret.Reveal()},
		},
		HTTPClient: http.DefaultClient,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := addNote(t, connect(t, d, handler), "done"), "Notes of nightly: done"; got != want {
		t.Errorf("the tool said %q, want %q", got, want)
	}
}
