//go:build unix

package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

const (
	dsnVariable = "OAUTH_TEST_POSTGRES"
	defaultDSN  = "postgres://postgres@127.0.0.1:5432/test"
)

// connections is how many each replica holds at most. All replicas together
// must stay below max_connections of the server, which is 100 by default.
const connections = 10

// patience is how long the database may take to answer at the start.
const patience = 10 * time.Second

// database is the one that all replicas share.
type database struct {
	db     *sql.DB
	store  *sqlstore.Store
	config sqlstore.Config
}

// connect does not touch the server yet.
func connect(dsn, prefix string) (*database, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // the default of 2 would reconnect all the time
	return &database{db: db, config: sqlstore.Config{DB: db, Dialect: sqlstore.Postgres, TablePrefix: prefix}}, nil
}

// open fails if the schema is not there: a replica does not make it.
func (d *database) open(ctx context.Context) (err error) {
	d.store, err = sqlstore.Open(ctx, d.config)
	return err
}

func (d *database) Close() error {
	if d.store == nil {
		return d.db.Close()
	}
	return errors.Join(d.store.Close(), d.db.Close())
}

// setUp does the work that is done once, before any replica starts: it migrates,
// and registers the clients. Migrate is safe from every replica at once too, but
// then each replica needs the right to change the schema.
func setUp(ctx context.Context, d *database) (clientSecret storage.Secret, err error) {
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := sqlstore.Migrate(ready, d.config); err != nil {
		return storage.Secret{}, err
	}
	if err := d.open(ready); err != nil {
		return storage.Secret{}, err
	}
	return addClients(ready, d.store)
}

func dsnOf(o options) string { return cmp.Or(o.dsn, os.Getenv(dsnVariable), defaultDSN) }

// addClients registers the two clients of the example, and returns the secret
// of the confidential one. The secret is drawn, so its hash is a fast one: a replica
// that has just started under load has no slow hashes to catch up with.
func addClients(ctx context.Context, store *sqlstore.Store) (storage.Secret, error) {
	secret, hash := clientauth.NewSecret()
	return secret, errors.Join(
		store.PutClient(ctx, &storage.Client{
			ID:         clientID,
			Secrets:    []storage.ClientSecret{{ID: "demo", Hash: hash}},
			GrantTypes: []string{grants.TypeClientCredentials},
			Scope:      []string{"read", "write"},
		}),
		store.PutClient(ctx, &storage.Client{
			ID:           publicID,
			AuthMethod:   storage.AuthNone,
			GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
			Scope:        []string{"read", "write"},
			RedirectURIs: []string{redirectURI},
		}),
	)
}

// sweep deletes expired records until ctx ends. One process does so for all
// replicas. More would do no harm, and no good.
func sweep(ctx context.Context, store *sqlstore.Store) {
	_ = storage.Sweep(ctx, store, time.Hour, func(err error) { // it ends with ctx
		slog.Error("delete expired credentials", "err", err)
	})
}
