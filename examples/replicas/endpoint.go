//go:build unix

package main

import (
	"crypto"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	issuer   = "https://auth.contit.com"
	audience = "contit-api"

	clientID    = "my-app-id"
	publicID    = "my-public-app"
	redirectURI = "http://127.0.0.1:8080/callback" // nothing listens there: codes come from /demo/code
)

// mountOAuth mounts the endpoint of a replica. It differs from a single process in
// two lines: the key comes from outside, and so does a client's address.
func mountOAuth(mux *http.ServeMux, store *sqlstore.Store, key crypto.Signer, log *slog.Logger) error {
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		return err
	}
	// Each replica remembers clients, so that a change of one works everywhere within five
	// seconds.
	clients, err := clientcache.New(store, clientcache.Config{Staleness: 5 * time.Second})
	if err != nil {
		return err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      issuer,
		Audience:    []string{audience},
		Keys:        keys,
		Storage:     storage.Parts{Clients: clients, Credentials: store, APIKeys: store},
		Revocations: store,
		Paths:       tokenendpoint.Paths{Metadata: "-"}, // they would have to name a login page, and there is none
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
		// The balancer replaces a header that a client has written. Without this line
		// all clients would seem to be the balancer, and an attacker who guesses one
		// client's secret would lock that client out everywhere.
		RemoteAddr: tokenendpoint.TrustedProxies("X-Real-IP", netip.MustParsePrefix("127.0.0.1/32")),
		Logger:     log,
	})
	if err != nil {
		return err
	}
	mux.Handle("/connect/token", endpoint.Token())
	mux.Handle("/.well-known/jwks.json", keys)
	return nil
}
