package integration_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// tuning is how the endpoint of a fault test differs from the default one.
// Where it is zero, the windows are as wide as they may be, so that no test
// depends on how fast it runs.
type tuning struct {
	Timeout, Grace, CodeWindow time.Duration
}

// faultHandler makes an endpoint of which every grant writes.
func faultHandler(store storage.Storage, signer crypto.Signer, c tuning) (http.Handler, error) {
	or := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	return newHandler(store, signer, tokenendpoint.Config{
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true},
		},
		Timeout:         c.Timeout,
		RefreshGrace:    or(c.Grace, time.Minute),
		RefreshRetries:  1 << 20,
		CodeReuseWindow: or(c.CodeWindow, time.Minute),
		Limiter:         unlimited{},
	})
}

// newHandler makes an endpoint on a store, of the grants that c has.
func newHandler(store storage.Storage, signer crypto.Signer, c tokenendpoint.Config) (http.Handler, error) {
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	c.Issuer, c.Audience = "https://as.test", []string{"https://api.test"}
	c.Keys, c.Storage, c.Logger = keys, store, slog.New(slog.DiscardHandler)
	return tokenendpoint.New(c)
}

// unlimited lets wrong secrets be shown as often as the tests like.
type unlimited struct{}

var _ tokenendpoint.Limiter = unlimited{}

func (unlimited) Wait(context.Context, tokenendpoint.Attempt) (time.Duration, error) { return 0, nil }
func (unlimited) Failed(context.Context, tokenendpoint.Attempt) error                { return nil }

// faultKey is made once for each process.
var faultKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})
