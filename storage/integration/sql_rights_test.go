package integration_test

import (
	"context"
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

// role makes a user of its own, with these rights on all tables of c, and returns a
// DB that is used as it.
func (s server) role(t testing.TB, c sqlstore.Config, rights ...string) (name string, db *sql.DB) {
	t.Helper()
	name = strings.TrimSuffix(c.TablePrefix, "_")
	exec := func(statement string) { run(t, c.DB, statement) }
	dsn, drop := "", ""
	switch s.dialect {
	case sqlstore.Postgres:
		exec("CREATE ROLE " + name + " LOGIN PASSWORD 'pw'")
		u, err := url.Parse(s.dsn)
		must(t, "the DSN", err)
		u.User = url.UserPassword(name, "pw")
		dsn, drop = u.String(), "DROP OWNED BY "+name+"; DROP ROLE "+name
	case sqlstore.MySQL:
		exec("CREATE USER " + name + " IDENTIFIED BY 'pw'")
		_, rest, _ := strings.Cut(s.dsn, "@")
		dsn, drop = name+":pw@"+rest, "DROP USER "+name
	}
	for _, table := range tables {
		exec("GRANT " + strings.Join(rights, ", ") + " ON " + c.TablePrefix + table + " TO " + name)
	}
	db = s.openAs(t, s.driver, dsn)
	t.Cleanup(func() {
		db.Close()
		if _, err := c.DB.ExecContext(context.Background(), drop); err != nil {
			t.Errorf("%s: %v", drop, err)
		}
	})
	return name, db
}

// onDBServers runs a test on the servers that know users.
func onDBServers(t *testing.T, f func(t *testing.T, s server)) {
	t.Helper()
	for _, d := range []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL} {
		t.Run(d.String(), func(t *testing.T) { f(t, on(t, d)) })
	}
}

// A user with the four rights is enough, for all that a store can do.
func TestOpenAcceptsARestrictedUser(t *testing.T) {
	onDBServers(t, func(t *testing.T, s server) {
		c := migrated(t, s.config(t, s.open(t)))
		_, db := s.role(t, c, "SELECT", "INSERT", "UPDATE", "DELETE")
		store := opened(t, sqlstore.Config{DB: db, Dialect: c.Dialect, TablePrefix: c.TablePrefix})
		fill(t, c.DB, c, 100)
		sayEverything(t, c, store)
	})
}

// A right that is missing on one table is named, whichever it is: the rare ones are
// those of DeleteExpired, of the management and of revocations.
func TestOpenNamesAMissingRight(t *testing.T) {
	all := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	onDBServers(t, func(t *testing.T, s server) {
		c := migrated(t, s.config(t, s.open(t)))
		name, db := s.role(t, c, all...)
		restricted := sqlstore.Config{DB: db, Dialect: c.Dialect, TablePrefix: c.TablePrefix}
		unneeded := 0
		for _, table := range tables {
			table = c.TablePrefix + table
			for _, right := range all {
				run(t, c.DB, "REVOKE "+right+" ON "+table+" FROM "+name)
				store, err := sqlstore.Open(t.Context(), restricted)
				switch {
				case err == nil:
					unneeded++
					store.Close()
				case right == "SELECT" && strings.HasSuffix(table, "schema_version"):
					wantRemedy(t, "no SELECT on schema_version", err, "may the user read it")
				default:
					wantRemedy(t, "no "+right+" on "+table, err, right)
					wantRemedy(t, "no "+right+" on "+table, err, " ON "+table)
				}
				run(t, c.DB, "GRANT "+right+" ON "+table+" TO "+name)
			}
		}
		// schema_version is only read, and signing keys are never updated.
		if unneeded != 4 {
			t.Errorf("%d rights are not asked for, want 4", unneeded)
		}
		for _, right := range all[1:] {
			for _, table := range tables {
				run(t, c.DB, "REVOKE "+right+" ON "+c.TablePrefix+table+" FROM "+name)
			}
			_, err := sqlstore.Open(t.Context(), restricted)
			wantRemedy(t, "no "+right+" at all", err, "GRANT "+right+" ON "+c.TablePrefix+"credentials")
			for _, table := range tables {
				run(t, c.DB, "GRANT "+right+" ON "+c.TablePrefix+table+" TO "+name)
			}
		}
		opened(t, restricted)
	})
}

// A database that cannot be written is found at the start.
func TestOpenRefusesAReadOnlyDatabase(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		c := migrated(t, s.config(t, s.open(t)))
		dsn := map[sqlstore.Dialect]string{
			sqlstore.Postgres: s.with("default_transaction_read_only", "on"),
			sqlstore.MySQL:    s.with("tx_read_only", "1"),
			sqlstore.SQLite:   s.with("_pragma", "query_only(1)"),
		}[s.dialect]
		_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: s.openAs(t, s.driver, dsn), Dialect: s.dialect, TablePrefix: c.TablePrefix})
		wantRemedy(t, "a database that is read-only", err, "let Config.DB reach the primary")
		opened(t, c)
	})
}

// Migrate does not blame the rights of its user for a table that is not its own, does
// not take one over, and changes nothing before it has looked.
func TestMigrateRefusesForeignTables(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for _, name := range tables {
			t.Run(name, func(t *testing.T) {
				c := s.config(t, s.open(t))
				run(t, c.DB, "CREATE TABLE "+c.TablePrefix+name+" (name INTEGER)")
				err := sqlstore.Migrate(t.Context(), c)
				wantRemedy(t, "a foreign table", err, `"`+c.TablePrefix+name+`"`)
				wantRemedy(t, "a foreign table", err, "Config.TablePrefix")
				if err != nil && strings.Contains(err.Error(), "create") {
					t.Errorf("got error %v, want none about the right to create tables", err)
				}
				for _, other := range slices.DeleteFunc(slices.Clone(tables), func(other string) bool { return other == name }) {
					if _, err := c.DB.ExecContext(t.Context(), "SELECT 1 FROM "+c.TablePrefix+other); err == nil {
						t.Errorf("Migrate has made %s before it refused", other)
					}
				}
			})
		}
	})
}
