package integration_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/contit/oauth/storage/sqlstore"
)

// A server is a database that the tests run on.
type server struct {
	name    string
	dialect sqlstore.Dialect
	driver  string
	dsn     string
	missing string // the variable that would name it, if it is not set
}

// servers returns SQLite in a file of the test's own, and the servers that the
// environment names.
func servers(t testing.TB) []server {
	file := url.URL{Scheme: "file", Path: filepath.Join(t.TempDir(), "store.db"), RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"},
	}.Encode()}
	all := []server{{name: "SQLite", dialect: sqlstore.SQLite, driver: "sqlite", dsn: file.String()}}
	for _, s := range []server{
		{name: "PostgreSQL", dialect: sqlstore.Postgres, driver: "pgx", missing: "OAUTH_TEST_POSTGRES"},
		{name: "MySQL", dialect: sqlstore.MySQL, driver: "mysql", missing: "OAUTH_TEST_MYSQL"},
	} {
		if s.dsn = os.Getenv(s.missing); s.dsn != "" {
			s.missing = ""
		}
		all = append(all, s)
	}
	return all
}

// onServers runs a test on every server.
func onServers(t *testing.T, f func(t *testing.T, s server)) {
	t.Helper()
	for _, s := range servers(t) {
		t.Run(s.name, func(t *testing.T) {
			s.need(t)
			f(t, s)
		})
	}
}

// on returns one server.
func on(t testing.TB, dialect sqlstore.Dialect) server {
	t.Helper()
	for _, s := range servers(t) {
		if s.dialect == dialect {
			s.need(t)
			return s
		}
	}
	t.Fatalf("no server for %v", dialect)
	return server{}
}

func (s server) need(t testing.TB) {
	t.Helper()
	if s.missing != "" {
		t.Skipf("NOT TESTED: needs %s: set %s to the data source name of one for tests (storage/integration/servers starts one)", s.name, s.missing)
	}
}

// open connects to the server.
func (s server) open(t testing.TB) *sql.DB {
	t.Helper()
	return s.openAs(t, s.driver, s.dsn)
}

func (s server) openAs(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatalf("opening %s: %v", s.name, err)
	}
	return pooled(t, db)
}

// pooled sets how many connections there are, and closes them in the end.
func pooled(t testing.TB, db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { db.Close() })
	return db
}

// with returns the data source name with one setting more.
func (s server) with(key, value string) string {
	separator := "?"
	if strings.Contains(s.dsn, "?") {
		separator = "&"
	}
	return s.dsn + separator + key + "=" + url.PathEscape(value)
}

// newPrefix draws the prefix of tables that are the test's own, and drops them
// when it ends.
func (s server) newPrefix(t testing.TB) string {
	t.Helper()
	prefix := "t_" + strings.ToLower(rand.Text()[:12]) + "_"
	t.Cleanup(func() {
		db, err := sql.Open(s.driver, s.dsn)
		if err != nil {
			t.Fatalf("opening %s: %v", s.name, err)
		}
		defer db.Close()
		for _, table := range tables {
			if _, err := db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+prefix+table); err != nil {
				t.Errorf("dropping %s: %v", table, err)
			}
		}
	})
	return prefix
}

var tables = []string{
	"schema_version", "clients", "client_secrets", "credentials", "revoked_families", "api_keys", "signing_keys",
	"denied_tokens",
}

// config returns the Config of new tables.
func (s server) config(t testing.TB, db *sql.DB) sqlstore.Config {
	t.Helper()
	return sqlstore.Config{DB: db, Dialect: s.dialect, TablePrefix: s.newPrefix(t)}
}

// migrated makes the tables.
func migrated(t testing.TB, c sqlstore.Config) sqlstore.Config {
	t.Helper()
	if err := sqlstore.Migrate(t.Context(), c); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	return c
}

func opened(t testing.TB, c sqlstore.Config) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

// newStore opens a store on new tables.
func (s server) newStore(t testing.TB, db *sql.DB) *sqlstore.Store {
	t.Helper()
	return opened(t, migrated(t, s.config(t, db)))
}

// table writes the prefix into a statement.
func table(c sqlstore.Config, statement string) string {
	return strings.ReplaceAll(statement, "{}", c.TablePrefix)
}

func run(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t testing.TB, db *sql.DB, statement string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), statement).Scan(&n); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return n
}

func (s server) String() string { return fmt.Sprintf("%s (%v)", s.name, s.dialect) }
