package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint"
)

// oauth is the part of the site for OAuth.
type oauth struct {
	endpoint      *tokenendpoint.Handler
	db            *sql.DB // of the store
	store         *sqlstore.Store
	clients       *clientcache.Cache
	authorization grants.AuthorizationEndpoint
	metrics       http.Handler
	uses          lastUses

	stop   context.CancelFunc // ends the work beside the requests
	beside sync.WaitGroup
}

// openOAuth makes the endpoint. Clients and personal tokens are in the tables of the
// site; codes, refresh tokens and signing keys are in tables of the library.
func (s *site) openOAuth(ctx context.Context, c *settings) (err error) {
	db := sharePool(s.pool)
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	store, err := openStore(ctx, db)
	if err != nil {
		return err
	}
	keys, err := openKeys(ctx, store, c.keyEncryptionKey)
	if err != nil {
		return err
	}
	// A request of a known app asks the table for nothing. An app that is suspended is
	// refused within five seconds.
	clients, err := clientcache.New(apps{s.pool}, clientcache.Config{Staleness: 5 * time.Second})
	if err != nil {
		return err
	}
	o := &oauth{db: db, store: store, clients: clients, uses: make(lastUses, 256)}
	counters := newCounters()
	o.endpoint, err = tokenendpoint.New(tokenendpoint.Config{
		Issuer:                s.url,
		Audience:              []string{s.url + "/api"},
		Keys:                  keys,
		Storage:               storage.Parts{Clients: clients, Credentials: store, APIKeys: personalTokens{s.pool}},
		Revocations:           store,
		AuthorizationEndpoint: s.url + "/authorize",
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeRefreshToken:      grants.RefreshToken{},
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeAPIKey:            grants.APIKey{Digest: personalTokenDigest, ClientIDOptional: true},
		},
		Hook: s.notLocked,
		// A user who is locked keeps the last access token for this long.
		AccessTokenLifetime: 10 * time.Minute,
		// Without this all clients would have the address of the proxy.
		RemoteAddr: tokenendpoint.TrustedProxies("X-Forwarded-For", c.proxies...),
		Observe: func(_ context.Context, e tokenendpoint.Event) {
			counters.count(e)
			o.uses.add(e)
		},
		Logger: s.log,
	})
	if err != nil {
		return err
	}
	o.authorization = o.endpoint.AuthorizationEndpoint()
	o.authorization.Show = s.refuse
	o.metrics = counters.handler()
	s.oauth = o
	s.startBeside(context.WithoutCancel(ctx))
	return nil
}

// mountOAuth adds the routes that clients call.
func (s *site) mountOAuth(router chi.Router) {
	for _, route := range s.oauth.endpoint.Routes() {
		router.Handle(route.Path, route.Handler)
	}
	router.Get("/authorize", s.authorize)
	router.Post("/authorize", s.authorize)
	router.With(s.oauth.endpoint.RequireToken("profile")).Get("/api/me", s.serveMe)
}

// routeOAuthPages adds the pages that users see.
func (s *site) routeOAuthPages(pages chi.Router) {
	pages.Post("/consent", s.decide)
	pages.Get("/apps", s.forUser(s.showApps))
	pages.Post("/apps/disconnect", s.forUser(s.disconnect))
}

// startBeside starts the work beside the requests: the sweep of expired records, and
// the notes of when personal tokens were used.
func (s *site) startBeside(ctx context.Context) {
	ctx, s.oauth.stop = context.WithCancel(ctx)
	s.oauth.beside.Go(func() {
		_ = storage.Sweep(ctx, s.oauth.store, time.Hour, func(err error) { // it ends with ctx
			s.log.Error("delete expired credentials", "cause", err)
		})
	})
	s.oauth.beside.Go(func() { s.writeLastUses(ctx) })
}

// closeOAuth waits for the work beside the requests to end.
func (s *site) closeOAuth() {
	s.oauth.stop()
	s.oauth.beside.Wait()
	if err := errors.Join(s.oauth.store.Close(), s.oauth.db.Close()); err != nil {
		s.log.Error("close the store", "cause", err)
	}
}
