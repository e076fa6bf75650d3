package integration_test

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// The store shares the host's pool of pgx.
func Example_pgxPool() {
	open := func(ctx context.Context, pool *pgxpool.Pool) (*sqlstore.Store, error) {
		db := stdlib.OpenDBFromPool(pool)
		db.SetMaxOpenConns(10) // of a pool of 20
		db.SetMaxIdleConns(10)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.Postgres})
	}
	_ = open
}

// The authorize page stores a code together with its own rows, in a transaction of pgx.
func Example_pgxTx() {
	consent := func(ctx context.Context, pool *pgxpool.Pool, store *sqlstore.Store, code *storage.Credential) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO consents (user_id, client_id) VALUES ($1, $2)`, code.Subject, code.ClientID); err != nil {
				return err
			}
			err := store.CreateCredentialExec(ctx, func(ctx context.Context, statement string, parameters ...any) (int64, error) {
				tag, err := tx.Exec(ctx, statement, parameters...)
				return tag.RowsAffected(), err
			}, code)
			return err
		})
	}
	_ = consent
}
