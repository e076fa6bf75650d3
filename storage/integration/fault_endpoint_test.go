package integration_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// tuning is how the endpoint of a fault test differs from the default one.
// Where it is zero, the windows are as wide as they may be, so that no test
// depends on how fast it runs.
type tuning struct {
	Timeout, Grace, CodeWindow time.Duration
	// EachClientRead has no cache of clients: without the database there is no verdict.
	EachClientRead bool
	// Vouchers, if not empty, is the JWK Set of an identity provider: the endpoint takes
	// its assertions, and those of clients with a key.
	Vouchers string
}

// faultHandler makes an endpoint of which every grant writes. Where cached is true, the
// endpoint has a cache of clients.
func faultHandler(store storage.Storage, signer crypto.Signer, c tuning, cached bool) (http.Handler, error) {
	if cached {
		clients, err := clientcache.New(store, clientcache.Config{})
		if err != nil {
			return nil, err
		}
		store = storage.Parts{Clients: clients, Credentials: store, APIKeys: store}
	}
	or := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	config := tokenendpoint.Config{
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
		RemoteAddr:      eachFromItsOwn(),
	}
	if c.Vouchers != "" {
		if err := assertionsTo(&config, store, c.Vouchers); err != nil {
			return nil, err
		}
	}
	return newHandler(store, signer, config)
}

// newHandler makes a token endpoint on a store, of the grants that c has. It answers
// at every path.
func newHandler(store storage.Storage, signer crypto.Signer, c tokenendpoint.Config) (http.Handler, error) {
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	c.Issuer, c.Audience, c.AuthorizationEndpoint = "https://as.test", []string{"https://api.test"}, "https://as.test/login"
	c.Keys, c.Storage, c.Logger = keys, store, slog.New(slog.DiscardHandler)
	h, err := tokenendpoint.New(c)
	if err != nil {
		return nil, err
	}
	return h.Token(), nil
}

// eachFromItsOwn lets wrong secrets be shown as often as the tests like: no two
// requests come from the same network.
func eachFromItsOwn() func(*http.Request) netip.Addr {
	var n atomic.Uint32
	return func(*http.Request) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n.Add(1))))
	}
}

// faultKey is made once for each process.
var faultKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})
