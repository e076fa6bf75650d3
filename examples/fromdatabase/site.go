package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connections is how many connections to the database the process holds at most.
const connections = 20

// site is the application. It is an http.Handler.
type site struct {
	http.Handler
	url   string
	pool  *pgxpool.Pool
	log   *slog.Logger
	oauth *oauth // all that was added
}

func newSite(ctx context.Context, pool *pgxpool.Pool, s *settings, log *slog.Logger) (*site, error) {
	site := &site{url: s.url, pool: pool, log: log}
	router := chi.NewRouter()
	router.Group(func(pages chi.Router) {
		// No other site can make a browser send a form of ours. The routes of OAuth are
		// outside: clients call them from everywhere, and no cookie counts there.
		pages.Use(http.NewCrossOriginProtection().Handler)
		pages.Get("/login", site.showLogin)
		pages.Post("/login", site.login)
		pages.Post("/logout", site.logout)
		pages.Get("/", site.forUser(site.showHome))
		pages.Get("/tokens", site.forUser(site.showTokens))
		pages.Post("/tokens", site.forUser(site.createToken))
		pages.Post("/tokens/revoke", site.forUser(site.revokeToken))
		site.routeOAuthPages(pages)
	})
	if err := site.openOAuth(ctx, s); err != nil {
		return nil, err
	}
	site.mountOAuth(router)
	site.Handler = router
	return site, nil
}

// Close ends the work beside the requests. The pool is main's.
func (s *site) Close() { s.closeOAuth() }

func (s *site) showHome(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.render(w, http.StatusOK, "home", v)
}
