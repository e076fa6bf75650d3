package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func openStore(ctx context.Context, db *sql.DB) (*sqlstore.Store, error) {
	config := sqlstore.Config{DB: db, Dialect: sqlstore.Postgres}
	if err := sqlstore.Migrate(ctx, config); err != nil { // safe from every replica at once
		return nil, err
	}
	return sqlstore.Open(ctx, config)
}

func register(ctx context.Context, store *sqlstore.Store) (storage.Secret, error) {
	secret, hash := clientauth.NewSecret()
	return secret, store.CreateClient(ctx, &storage.Client{
		ID:         "billing",
		Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}}, // several may be live, so that one can follow another
		GrantTypes: []string{grants.TypeClientCredentials, grants.TypeAPIKey, grants.TypeRefreshToken},
		Scope:      []string{"read", "write"},
	})
}

func newAPIKey(ctx context.Context, store *sqlstore.Store, userID string) (storage.Secret, error) {
	secret, record, err := grants.NewAPIKey("shop_live_", storage.APIKey{
		ClientID: "billing",
		Subject:  "user:" + userID,
		Scope:    []string{"read"},
	}, time.Now())
	if err != nil {
		return storage.Secret{}, err
	}
	return secret, store.CreateAPIKey(ctx, record)
}

// A client and a key for one of its users. The secrets are shown once.
func ExampleStore_CreateClient() {
	begin := func(ctx context.Context, store *sqlstore.Store) error {
		secret, err := register(ctx, store)
		if err != nil {
			return err
		}
		fmt.Println("client_secret:", secret.Reveal())
		key, err := newAPIKey(ctx, store, "user-1")
		if err != nil {
			return err
		}
		fmt.Println("api_key:", key.Reveal())
		return nil
	}
	_ = begin
}

// One replica deletes expired records every hour. It waits an hour after the
// expiry, because clocks differ.
func ExampleStore_DeleteExpired() {
	sweep := func(ctx context.Context, store *sqlstore.Store) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Hour):
			}
			if _, err := store.DeleteExpired(ctx, time.Now().Add(-time.Hour), 0); err != nil {
				log.Print(err) // the next run deletes the rest
			}
		}
	}
	_ = sweep
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

// The authorize page stores a code together with its own rows.
// grants.NewAuthorizationCode made the code.
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

// A host with its own migration tool prints the statements for it.
func ExampleMigrations() {
	all, err := sqlstore.Migrations(sqlstore.Postgres, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range all {
		fmt.Println(m.Version, m.Name, len(m.SQL) > 0)
	}
	// Output:
	// 1 0001_initial true
	// 2 0002_issuer true
	// 3 0003_families true
	// 4 0004_api_key_name true
	// 5 0005_refresh_grace true
	// 6 0006_basic_not_encoded true
	// 7 0007_client_assertion true
	// 8 0008_client_certificate true
}
