package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// sharePool lets the store take its connections out of the site's pool, at most half of
// them. Close what it returns before the pool, which waits for its connections.
func sharePool(pool *pgxpool.Pool) *sql.DB {
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(connections / 2)
	db.SetMaxIdleConns(connections / 2) // the store prepares its statements on each
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// openStore opens the tables of the library, in the database of the site. Their names
// begin with oauth_store_.
func openStore(ctx context.Context, db *sql.DB) (*sqlstore.Store, error) {
	config := sqlstore.Config{DB: db, Dialect: sqlstore.Postgres, TablePrefix: "oauth_store_"}
	if err := sqlstore.Migrate(ctx, config); err != nil {
		return nil, err
	}
	return sqlstore.Open(ctx, config)
}

// openKeys opens the signing keys, which all replicas share. The store makes a new one
// every 30 days.
func openKeys(ctx context.Context, store storage.SigningKeys, secret string) (*jws.KeySet, error) {
	key, err := jws.ParseKeyEncryptionKey(1, secret)
	if err != nil {
		return nil, err
	}
	source, err := jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{key}})
	if err != nil {
		return nil, err
	}
	return jws.OpenKeySet(ctx, source, jws.Rotation{}, time.Now())
}

// storeCode stores a code together with a row of the site's own, or neither.
func (s *site) storeCode(ctx context.Context, code *storage.Credential) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := s.oauth.store.CreateCredentialExec(ctx, func(ctx context.Context, statement string, parameters ...any) (int64, error) {
			tag, err := tx.Exec(ctx, statement, parameters...)
			return tag.RowsAffected(), err
		}, code)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (what, subject, app) VALUES ('allowed', $1, $2)`, code.Subject, code.ClientID)
		return err
	})
}
