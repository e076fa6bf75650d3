package main

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// settings are what differs between the environments of a host. The secret comes
// from where the host keeps its secrets, and is in no file of the repository.
type settings struct {
	Issuer           string         // https://auth.example.com
	Audience         []string       // https://api.example.com
	LoginPage        string         // https://auth.example.com/login
	KeyEncryptionKey string         // 32 bytes, as "openssl rand -base64 32" prints them
	Proxies          []netip.Prefix // the addresses of the proxies, which no client can have
	Dialect          sqlstore.Dialect
}

// openEndpoint makes the endpoint of one replica over a schema that has been
// migrated. It starts nothing and changes nothing if a part of it is wrong.
func openEndpoint(ctx context.Context, db *sql.DB, s settings, log *slog.Logger) (*tokenendpoint.Handler, *sqlstore.Store, error) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: s.Dialect})
	if err != nil {
		return nil, nil, err
	}
	keys, err := openKeys(ctx, store, s.KeyEncryptionKey)
	if err != nil {
		return nil, nil, err
	}
	// A change of a client works within this time on every replica, and the database is
	// asked for a client once in it.
	clients, err := clientcache.New(store, clientcache.Config{Staleness: 5 * time.Second})
	if err != nil {
		return nil, nil, err
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:                s.Issuer,
		Audience:              s.Audience,
		AuthorizationEndpoint: s.LoginPage,
		Keys:                  keys,
		Storage:               storage.Parts{Clients: clients, Credentials: store, APIKeys: store},
		Revocations:           store,
		RemoteAddr:            tokenendpoint.TrustedProxies("X-Forwarded-For", s.Proxies...),
		Logger:                log,
	})
	return endpoint, store, err
}

// openKeys has the signing keys that all replicas share in the store.
func openKeys(ctx context.Context, store storage.SigningKeys, secret string) (*jws.KeySet, error) {
	kek, err := jws.ParseKeyEncryptionKey(1, secret)
	if err != nil {
		return nil, err
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek}})
	if err != nil {
		return nil, err
	}
	return jws.OpenKeySet(ctx, source, jws.Rotation{}, time.Now())
}

// newServer sets the bounds that the endpoint cannot set.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// sweep deletes expired records, until ctx ends.
func sweep(ctx context.Context, store storage.Expirer, log *slog.Logger) {
	_ = storage.Sweep(ctx, store, time.Hour, func(err error) { // it ends with ctx
		log.Error("delete expired records", "err", err)
	})
}
