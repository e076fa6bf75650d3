package integration_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// wantRemedy reports an error that does not name its remedy.
func wantRemedy(t *testing.T, what string, err error, remedy string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "sqlstore: ") || !strings.Contains(err.Error(), remedy) {
		t.Errorf("%s: got error %v, want one that begins with \"sqlstore: \" and says %q", what, err, remedy)
	}
}

// steps returns the steps of the schema.
func steps(t testing.TB, c sqlstore.Config) []sqlstore.Migration {
	t.Helper()
	all, err := sqlstore.Migrations(c.Dialect, c.TablePrefix)
	must(t, "Migrations", err)
	return all
}

func TestOpenNamesTheRemedy(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		c := s.config(t, db)
		open := func() error {
			store, err := sqlstore.Open(t.Context(), c)
			if err == nil {
				store.Close()
			}
			return err
		}
		wantRemedy(t, "a schema that is missing", open(), "call sqlstore.Migrate")
		migrated(t, c)
		if err := open(); err != nil {
			t.Errorf("a schema that is right: got error %v, want none", err)
		}

		run(t, db, table(c, `INSERT INTO {}schema_version (version, works_with) VALUES (99, 1)`))
		if err := open(); err != nil {
			t.Errorf("a schema that is newer and still works with this library: got error %v, want none", err)
		}
		if err := sqlstore.Migrate(t.Context(), c); err != nil {
			t.Errorf("Migrate of a newer schema: got error %v, want none", err)
		}
		run(t, db, table(c, `UPDATE {}schema_version SET works_with = 98 WHERE version = 99`))
		wantRemedy(t, "a schema that is too new", open(), "upgrade")
		run(t, db, table(c, `DELETE FROM {}schema_version`))
		run(t, db, table(c, `INSERT INTO {}schema_version (version, works_with) VALUES (0, 0)`))
		wantRemedy(t, "a schema that is older", open(), "call sqlstore.Migrate")
		run(t, db, table(c, fmt.Sprintf(`UPDATE {}schema_version SET version = %d`, len(steps(t, c)))))
		run(t, db, table(c, `ALTER TABLE {}credentials RENAME TO {}denied_tokens_2`))
		wantRemedy(t, "a schema that lacks a table", open(), "are not those that Migrate makes")
		run(t, db, table(c, `DROP TABLE {}denied_tokens_2`))

		wrong := c
		wrong.Dialect = sqlstore.Postgres
		if s.dialect == sqlstore.Postgres {
			wrong.Dialect = sqlstore.MySQL
		}
		_, err := sqlstore.Open(t.Context(), wrong)
		wantRemedy(t, "another dialect", err, "is the dialect of the database")
		wantRemedy(t, "Migrate in another dialect", sqlstore.Migrate(t.Context(), wrong), "the dialect of the database")
		db.Close()
		wantRemedy(t, "a closed DB", open(), "Config.DB must be open")
		wantRemedy(t, "Migrate of a closed DB", sqlstore.Migrate(t.Context(), c), "closed")
	})
}

func TestCloseLeavesTheDB(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		store, err := sqlstore.Open(t.Context(), migrated(t, s.config(t, db)))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("Close: got error %v, want none", err)
		}
		wantOutage(t, "a call after Close", store.Revoke(t.Context(), "family"))
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("the DB after Close: got error %v, want none", err)
		}
	})
}

// TestMigrateAtOnce calls Migrate from eight goroutines here and from eight in
// each of two other processes.
func TestMigrateAtOnce(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		c := s.config(t, db)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMigrateChild$", "-test.v")
				child.Env = append(os.Environ(), "MIGRATE_DRIVER="+s.driver, "MIGRATE_DSN="+s.dsn, "MIGRATE_PREFIX="+c.TablePrefix)
				if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestMigrateChild") {
					t.Errorf("another process: %v\n%s", err, out)
				}
			})
		}
		migrateAtOnce(t, c)
		all.Wait()
		opened(t, c)
		if n := count(t, db, table(c, `SELECT COUNT(*) FROM {}schema_version`)); n != len(steps(t, c)) {
			t.Errorf("schema_version: got %d rows, want one of each step, %d", n, len(steps(t, c)))
		}
	})
}

func migrateAtOnce(t *testing.T, c sqlstore.Config) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := sqlstore.Migrate(t.Context(), c); err != nil {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	all.Wait()
}

// TestMigrateChild is the other process of TestMigrateAtOnce, and does nothing
// by itself.
func TestMigrateChild(t *testing.T) {
	driver := os.Getenv("MIGRATE_DRIVER")
	if driver == "" {
		return
	}
	dialects := map[string]sqlstore.Dialect{"pgx": sqlstore.Postgres, "mysql": sqlstore.MySQL, "sqlite": sqlstore.SQLite}
	s := server{name: driver, driver: driver, dsn: os.Getenv("MIGRATE_DSN")}
	migrateAtOnce(t, sqlstore.Config{DB: s.open(t), Dialect: dialects[driver], TablePrefix: os.Getenv("MIGRATE_PREFIX")})
}

func TestMigrateSQLiteThatIsBusy(t *testing.T) {
	s := on(t, sqlstore.SQLite)
	s.dsn = strings.ReplaceAll(s.dsn, "busy_timeout%2810000%29", "busy_timeout%280%29")
	db := s.open(t)
	if n := count(t, db, `PRAGMA busy_timeout`); n != 0 {
		t.Fatalf("busy_timeout: got %d, want 0", n)
	}
	c := s.config(t, db)
	migrateAtOnce(t, c)
	opened(t, c)
}

func TestMigrateThroughOneConnection(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		db.SetMaxOpenConns(1)
		c := s.config(t, db)
		migrateAtOnce(t, c)
		opened(t, c)
	})
}

// TestMigrationsByHand runs the statements of Migrations as another tool would.
func TestMigrationsByHand(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		c := s.config(t, db)
		all, err := sqlstore.Migrations(s.dialect, c.TablePrefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			for statement := range strings.SplitSeq(m.SQL, ";\n") {
				if strings.TrimSpace(statement) != "" {
					run(t, db, statement)
				}
			}
		}
		if err := sqlstore.Migrate(t.Context(), c); err != nil {
			t.Errorf("Migrate after that: got error %v, want none", err)
		}
		opened(t, c)
	})
}

// TestMySQLCompletesABrokenMigration is for MySQL alone, where a schema change
// is no transaction.
func TestMySQLCompletesABrokenMigration(t *testing.T) {
	s := on(t, sqlstore.MySQL)
	db := s.open(t)
	c := migrated(t, s.config(t, db))
	run(t, db, table(c, `DELETE FROM {}schema_version`))
	run(t, db, table(c, `DROP TABLE {}api_keys`))
	opened(t, migrated(t, c))
}

// TestMySQLMigrationsWaitForEachOther is for MySQL alone: elsewhere
// TestMigrateAtOnce passes only because of the lock, and here the schema
// forgives a race.
func TestMySQLMigrationsWaitForEachOther(t *testing.T) {
	s := on(t, sqlstore.MySQL)
	db := s.open(t)
	c := s.config(t, db)
	conn, err := db.Conn(t.Context())
	must(t, "Conn", err)
	defer conn.Close()
	lock := "github.com/contit/oauth " + c.TablePrefix
	var got int
	must(t, "GET_LOCK", conn.QueryRowContext(t.Context(), `SELECT GET_LOCK(?, 0)`, lock).Scan(&got))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	wantErr(t, "Migrate while another holds the lock", sqlstore.Migrate(ctx, c), context.DeadlineExceeded)
	if _, err := conn.ExecContext(t.Context(), `DO RELEASE_LOCK(?)`, lock); err != nil {
		t.Fatal(err)
	}
	opened(t, migrated(t, c))
	must(t, "GET_LOCK", conn.QueryRowContext(t.Context(), `SELECT GET_LOCK(?, 0)`, lock).Scan(&got))
	if got != 1 {
		t.Error("the lock after Migrate: got it held, want it released")
	}
}
