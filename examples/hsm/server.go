package main

import (
	"context"
	"crypto"
	_ "embed"
	"net/http"
	"strings"
	"text/template"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
	clientID = "my-app-id"
)

//go:embed welcome.txt
var welcomeText string

// mount is the mount of every host: it does not know where the key is.
func mount(mux *http.ServeMux, store *memory.Store, key crypto.Signer, algorithm string) error {
	keys, err := jws.NewKeySet(jws.Key{Signer: key, Algorithm: algorithm})
	if err != nil {
		return err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      issuer,
		Audience:    []string{audience},
		Keys:        keys,
		Storage:     store,
		Revocations: store,
		Paths:       tokenendpoint.Paths{Metadata: "-"}, // they would have to name a login page, and there is none
		Grants: map[string]grants.Grant{
			// For the demo, a refresh token too (RFC 6749 §4.4.3 says to leave
			// it out).
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
			// Codes come from the login page of a host; examples/hostapp has one.
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
	})
	if err != nil {
		return err
	}
	mux.Handle("/connect/token", endpoint.Token())
	mux.Handle("/.well-known/jwks.json", keys)
	return nil
}

// newServer mounts the endpoint for a client of the demo. The welcome is
// a text about it, for a reader who reaches it at base.
func newServer(ctx context.Context, store *memory.Store, key crypto.Signer, c keyConfig, base string) (handler http.Handler, welcome string, err error) {
	mux := http.NewServeMux()
	if err := mount(mux, store, key, c.algorithm); err != nil {
		return nil, "", err
	}
	secret, hash := clientauth.NewSecret()
	if err := store.PutClient(ctx, &storage.Client{
		ID:           clientID,
		Secrets:      []storage.ClientSecret{{ID: "demo", Hash: hash}},
		GrantTypes:   []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://app.example.com/callback"},
	}); err != nil {
		return nil, "", err
	}
	t, err := template.New("welcome").Parse(welcomeText)
	if err != nil {
		return nil, "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]string{
		"URL":          base,
		"Algorithm":    c.algorithm,
		"Key":          c.label,
		"Token":        c.token,
		"Issuer":       issuer,
		"Audience":     audience,
		"ClientID":     clientID,
		"ClientSecret": secret.Reveal(),
	}); err != nil {
		return nil, "", err
	}
	return mux, b.String(), nil
}
