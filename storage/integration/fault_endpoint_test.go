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
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	or := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	return tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://as.test",
		Audience: []string{"https://api.test"},
		Keys:     keys,
		Storage:  store,
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
		Logger:          slog.New(slog.DiscardHandler),
	})
}

// plainHandler makes an endpoint with the defaults, to be measured.
func plainHandler(store storage.Storage, signer crypto.Signer) (http.Handler, error) {
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	return tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "https://as.test",
		Audience: []string{"https://api.test"},
		Keys:     keys,
		Storage:  store,
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
		},
		Logger: slog.New(slog.DiscardHandler),
	})
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
