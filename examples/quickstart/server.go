package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	audience = "contit-api"

	clientID     = "my-app-id"
	clientSecret = "my-app-secret"
	publicID     = "my-public-app"
	redirectURI  = "http://127.0.0.1:8080/callback" // nothing listens there: the demo hands out codes itself
)

// newEndpoint makes the token endpoint and all that is around it. This is the
// part to copy.
func newEndpoint(store *memory.Store, keys *jws.KeySet, base string) (*tokenendpoint.Handler, error) {
	return tokenendpoint.New(tokenendpoint.Config{
		// The address at which clients reach the server: they look for the metadata
		// there, and refuse metadata that name another issuer (RFC 8414 §3.3).
		Issuer:      base,
		Audience:    []string{audience},
		Keys:        keys,
		Storage:     store,
		Revocations: store,
		MayIntrospect: func(_ context.Context, c *storage.Client, _ *jws.AccessToken) (bool, error) {
			return c.ID == clientID, nil // the demo's client stands for an API, which asks about every token
		},

		AuthorizationEndpoint: base + authorizePath, // a host has its login page
		Grants: map[string]grants.Grant{
			// The API reference shows a refresh token in every answer. Leave
			// Refresh out where no client relies on that (RFC 6749 §4.4.3).
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
		AccessTokenLifetime: time.Hour,
		TokenType:           jws.TypeJWT, // as the API reference has it; without this line it is at+jwt
		OpenIDConfiguration: true,        // for clients that look for the metadata there
		Metadata:            map[string]any{"service_documentation": base + docsPath},
		ErrorURI:            base + docsPath, // each error names the page about it
	})
}

// newServer mounts the endpoints beside a resource and the pages of the demo.
// The welcome is a text about them, for a reader who reaches them at base.
func newServer(ctx context.Context, store *memory.Store, base string) (handler http.Handler, welcome string, err error) {
	// Drawn at start, so tokens end with the process. A host loads its key
	// from a file, or hands over the client of a KMS.
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, "", err
	}
	if err := addClients(ctx, store, base); err != nil {
		return nil, "", err
	}
	endpoint, err := newEndpoint(store, keys, base)
	if err != nil {
		return nil, "", err
	}
	pages := &demo{store: store, login: endpoint.AuthorizationEndpoint()}
	apiKey, err := pages.newAPIKey(ctx, clientID)
	if err != nil {
		return nil, "", err
	}
	docs, err := newDocs(endpoint, apiKey)
	if err != nil {
		return nil, "", err
	}
	if welcome, err = pages.welcome(ctx, base); err != nil {
		return nil, "", err
	}

	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	mux.Handle("GET /demo/resource", endpoint.RequireToken()(http.HandlerFunc(resource)))
	mux.HandleFunc("GET "+authorizePath, pages.authorize)
	mux.HandleFunc("GET /demo/code", pages.code)
	mux.HandleFunc("GET /demo/api-key", pages.apiKey)
	mux.Handle(docsPath, docs)
	mux.Handle(docsPath+"/", docs)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Write([]byte(welcome))
	})
	return mux, welcome, nil
}

// addClients registers the two clients of the demo, and that of the reference page.
func addClients(ctx context.Context, store *memory.Store, base string) error {
	// A person chose this secret, so its hash is a slow one. For a secret of
	// your own making take clientauth.NewSecret: it is drawn, and its hash fast.
	hash, err := clientauth.Hash(storage.PresentedSecret(clientSecret))
	if err != nil {
		return err
	}
	confidential := &storage.Client{
		ID:      clientID,
		Secrets: []storage.ClientSecret{{ID: "demo", Hash: hash}},
		GrantTypes: []string{
			grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAPIKey, grants.TypeAuthorizationCode,
		},
		Scope:           []string{"read", "write"},
		RedirectURIs:    []string{redirectURI},
		PKCENotRequired: true, // the API reference has no code_verifier
	}
	public := &storage.Client{
		ID:           publicID,
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeRefreshToken, grants.TypeAPIKey, grants.TypeAuthorizationCode},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{redirectURI},
	}
	for _, c := range []*storage.Client{confidential, public, docsClient(base)} {
		if err := store.PutClient(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
