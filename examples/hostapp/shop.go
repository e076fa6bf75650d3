// Command hostapp is a small web shop that has users, clients and pages of its
// own, and mounts a token endpoint among them. See README.md.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// accessTokenLifetime is short: whether a user was locked is not looked up with
// an access token, so a locked user's last one works for up to this long.
const accessTokenLifetime = 10 * time.Minute

// config has the settings that differ between main and the tests.
type config struct {
	issuer          string
	log             *slog.Logger
	bcryptCost      int           // zero: the default of bcrypt
	codeReuseWindow time.Duration // zero: the default of tokenendpoint
}

// shop is the application. It is an http.Handler.
type shop struct {
	http.Handler
	issuer  string
	log     *slog.Logger
	db      *database
	users   *users
	store   *Store
	lastUse *lastUse
	keys    *jws.KeySet

	authorization grants.AuthorizationEndpoint // of the consent page
	formKey       [32]byte                     // drawn at start: forms from before a restart are refused once
}

func newShop(db *database, c config) (*shop, error) {
	if c.bcryptCost == 0 {
		c.bcryptCost = bcrypt.DefaultCost
	}
	// A real shop loads its key from a file or a KMS. With this one the access
	// tokens end with the process; refresh tokens are in the database and stay.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		return nil, err
	}
	s := &shop{
		issuer:  c.issuer,
		log:     c.log,
		db:      db,
		users:   &users{db: db, cost: c.bcryptCost},
		store:   &Store{db},
		lastUse: newLastUse(db, c.log),
		keys:    keys,
	}
	rand.Read(s.formKey[:]) // it cannot fail: the process ends instead
	mux := http.NewServeMux()
	s.routes(mux)
	if err := s.mountOAuth(mux, keys, c); err != nil {
		s.lastUse.Close()
		return nil, err
	}
	s.Handler = mux
	return s, nil
}

func (s *shop) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", s.showLogin)
	mux.HandleFunc("POST /login", s.form(s.login))
	mux.HandleFunc("POST /logout", s.form(s.logout))
	mux.HandleFunc("GET /{$}", s.loggedIn(s.showOrders))
	mux.HandleFunc("GET /keys", s.loggedIn(s.showKeys))
	mux.HandleFunc("POST /keys", s.form(s.loggedIn(s.createKey)))
	mux.HandleFunc("POST /keys/revoke", s.form(s.loggedIn(s.revokeKey)))
	mux.HandleFunc("GET /apps", s.loggedIn(s.showApps))
	mux.HandleFunc("POST /apps/disconnect", s.form(s.loggedIn(s.disconnectApp)))
	mux.HandleFunc("GET /pairing", s.loggedIn(s.showPairing))
	mux.HandleFunc("POST /pairing", s.form(s.loggedIn(s.createPairingCode)))
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /authorize", s.authorize)
	mux.HandleFunc("POST "+consentPath, s.form(s.loggedIn(s.decide)))
	mux.HandleFunc("GET /assets/{name}", s.serveAsset)
	mux.HandleFunc("/", s.notFound) // and not "GET /": the paths of the endpoint take every method
}

// Close ends the shop's background work. Requests must have ended.
func (s *shop) Close() { s.lastUse.Close() }

// sweep deletes expired records, once in an interval, until ctx ends. The library
// has no timers: the host decides when to do it.
func (s *shop) sweep(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			_, err := s.store.DeleteExpired(ctx, now.Add(-interval), 0) // all, and with room for clocks that differ
			if err == nil {
				_, err = s.db.write.ExecContext(ctx, `DELETE FROM sessions WHERE ends_at < ?`, instant(now))
			}
			if err != nil && ctx.Err() == nil {
				s.log.Error("sweep", "cause", err)
			}
		}
	}
}
