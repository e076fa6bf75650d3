package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

func openStore(ctx context.Context, db *sql.DB) (*sqlstore.Store, error) {
	config := sqlstore.Config{DB: db, Dialect: sqlstore.Postgres}
	if err := sqlstore.Migrate(ctx, config); err != nil { // safe from every replica at once
		return nil, err
	}
	return sqlstore.Open(ctx, config)
}

// A host opens the store once, with the driver of its choice.
func ExampleOpen() {
	start := func(ctx context.Context, dsn string) (*sqlstore.Store, error) {
		db, err := sql.Open("pgx", dsn) // import _ "github.com/jackc/pgx/v5/stdlib"
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(20)
		db.SetMaxIdleConns(20) // as many: each new connection prepares the statements again
		return openStore(ctx, db)
	}
	_ = start
}

// The authorize page stores a code together with its own rows. The code is what
// grants.NewAuthorizationCode made.
func ExampleStore_CreateCredentialTx() {
	consent := func(ctx context.Context, db *sql.DB, s *sqlstore.Store, code *storage.Credential) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `INSERT INTO consents (user_id, client_id) VALUES ($1, $2)`, code.Subject, code.ClientID); err != nil {
			return err
		}
		if err := s.CreateCredentialTx(ctx, tx, code); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = consent
}

// People who run their own migration tool print what it needs.
func ExampleMigrations() {
	all, err := sqlstore.Migrations(sqlstore.Postgres, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range all {
		fmt.Println(m.Version, m.Name, len(m.SQL) > 0)
	}
	// Output: 1 0001_initial true
}
