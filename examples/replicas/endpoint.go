//go:build unix

package main

import (
	"crypto"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
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

// mountOAuth is what each replica serves. It differs from a single process in
// two lines: the key comes from outside, and so does a client's address.
func mountOAuth(mux *http.ServeMux, store storage.Storage, key crypto.Signer, log *slog.Logger) error {
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		return err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   issuer,
		Audience: []string{audience},
		Keys:     keys,
		Storage:  store,
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
		},
		RemoteAddr: remoteAddr,
		Logger:     log,
	})
	if err != nil {
		return err
	}
	mux.Handle("/connect/token", endpoint)
	mux.Handle("/.well-known/jwks.json", keys)
	return nil
}

// remoteAddr is where a request comes from, as the balancer says. It replaces
// what a client writes into the header, and nobody but the balancer should
// reach a replica. Without it, all clients would seem to be the balancer, and
// who guesses one client's secret would lock that client out everywhere.
func remoteAddr(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddr(r.Header.Get("X-Real-IP"))
	if err != nil {
		return netip.Addr{} // the endpoint takes the connection's
	}
	return addr
}
