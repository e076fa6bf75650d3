package integration_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
)

// inPgx runs the store's statement in a transaction of pgx.
func inPgx(tx pgx.Tx) sqlstore.Exec {
	return func(ctx context.Context, statement string, parameters ...any) (int64, error) {
		tag, err := tx.Exec(ctx, statement, parameters...)
		return tag.RowsAffected(), err
	}
}

// storeConns is how many connections of the pool the store may hold.
const storeConns = 2

// openPool opens a pool of pgx, and a store over its connections.
func openPool(t *testing.T, s server, configure func(*pgxpool.Config)) (*pgxpool.Pool, *sqlstore.Store, sqlstore.Config) {
	t.Helper()
	config, err := pgxpool.ParseConfig(s.dsn)
	must(t, "ParseConfig", err)
	configure(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, "NewWithConfig", err)
	t.Cleanup(pool.Close)
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(storeConns)
	db.SetMaxIdleConns(storeConns)
	t.Cleanup(func() { db.Close() })
	c := migrated(t, s.config(t, db))
	return pool, opened(t, c), c
}

// A host with a pool of pgx has one pool, and stores a code in its own transaction:
// together with its rows, or not at all.
func TestACodeInATransactionOfPgx(t *testing.T) {
	s := on(t, sqlstore.Postgres)
	for name, mode := range map[string]pgx.QueryExecMode{
		"prepared": pgx.QueryExecModeCacheStatement, "described": pgx.QueryExecModeCacheDescribe,
		"described at each call": pgx.QueryExecModeDescribeExec, "by the types of Go": pgx.QueryExecModeExec, "simple": pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			pool, store, c := openPool(t, s, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			ctx := t.Context()
			_, err := pool.Exec(ctx, table(c, `CREATE TABLE {}consents (subject TEXT)`))
			must(t, "CREATE TABLE", err)
			t.Cleanup(func() { pool.Exec(context.Background(), table(c, `DROP TABLE {}consents`)) })
			consents := func() (n int) {
				must(t, "SELECT", pool.QueryRow(ctx, table(c, `SELECT COUNT(*) FROM {}consents`)).Scan(&n))
				return n
			}
			begin := func() pgx.Tx {
				tx, err := pool.Begin(ctx)
				must(t, "Begin", err)
				_, err = tx.Exec(ctx, table(c, `INSERT INTO {}consents VALUES ($1)`), "alice")
				must(t, "INSERT", err)
				return tx
			}
			dropped, kept := fullCode(), fullCode()
			tx := begin()
			must(t, "CreateCredentialExec", store.CreateCredentialExec(ctx, inPgx(tx), dropped))
			must(t, "Rollback", tx.Rollback(ctx))
			wantGone(t, store, "what was rolled back", dropped)

			tx = begin()
			must(t, "CreateCredentialExec", store.CreateCredentialExec(ctx, inPgx(tx), kept))
			wantGone(t, store, "what is not committed", kept)
			must(t, "Commit", tx.Commit(ctx))
			if got := find(t, store, kept); !reflect.DeepEqual(got, kept) {
				t.Errorf("what was committed: got %+v, want %+v", got, kept)
			}
			spend(t, store, kept, following(kept), start)
			if n := consents(); n != 1 {
				t.Errorf("got %d consents, want the one that was committed", n)
			}

			tx = begin()
			wantErr(t, "CreateCredentialExec of what is there", store.CreateCredentialExec(ctx, inPgx(tx), kept), storage.ErrExists)
			must(t, "Commit after ErrExists", tx.Commit(ctx))
			tx = begin()
			broken := sample("\xff")
			wantOutage(t, "CreateCredentialExec of what is no text", store.CreateCredentialExec(ctx, inPgx(tx), broken))
			spent := sample("alice")
			spent.Uses = 1
			wantOutage(t, "CreateCredentialExec of a spent credential", store.CreateCredentialExec(ctx, inPgx(tx), spent))
			must(t, "Commit after what the store refused itself", tx.Commit(ctx))
			tx = begin()
			_, err = tx.Exec(ctx, `SELECT 1/0`)
			if err == nil {
				t.Fatal("SELECT 1/0: got no error")
			}
			wantOutage(t, "CreateCredentialExec in a transaction that has failed", store.CreateCredentialExec(ctx, inPgx(tx), sample("alice")))
			tx.Rollback(ctx)
		})
	}
}

// fullCode is a code in which every field has a value that a code can have.
func fullCode() *storage.Credential {
	c := sample("alice")
	c.Kind, c.Audience, c.RedirectURI = storage.KindAuthorizationCode, []string{"https://api.test"}, "https://app.test/cb?a=ü"
	c.PKCE, c.Challenge, c.APIKey = storage.PKCES256, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", storage.NewSecret("").Digest("api_key")
	return c
}

// The store keeps its promises over a pool of pgx, and holds no more of its connections
// than it may: the rest is for the host.
func TestStoreOverAPoolOfPgx(t *testing.T) {
	pool, store, _ := openPool(t, on(t, sqlstore.Postgres), func(c *pgxpool.Config) { c.MaxConns = 4 })
	t.Run("suite", func(t *testing.T) {
		storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
	})
	if held := pool.Stat().AcquiredConns(); held < 1 || held > storeConns {
		t.Errorf("the store holds %d connections of the pool when it does nothing, want 1 to %d", held, storeConns)
	}
}
