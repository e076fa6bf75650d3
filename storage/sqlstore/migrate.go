package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
)

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// session is one connection, or a transaction on one.
type session interface {
	queryer
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Migrate brings the schema to the version that this library needs, and does
// nothing if it is there. Every replica may call it at its start: they wait for
// each other with a lock of the database. On a Galera cluster the lock holds on one
// node, and a replica accepts what another one has done meanwhile. On PostgreSQL and SQLite it happens
// as a whole or not at all. MySQL commits each statement that changes a schema;
// if a migration breaks off there, the next call completes it.
//
// A schema that is newer is left as it is; [Open] tells whether it can be used.
// A table of one of its names that is not this library's is refused before anything
// is changed. The database's user needs the right to create and to alter tables here,
// and only here.
func Migrate(ctx context.Context, c Config) error {
	c, err := c.checked()
	if err != nil {
		return err
	}
	all, err := Migrations(c.Dialect, c.TablePrefix)
	if err != nil {
		return err
	}
	locked := map[Dialect]func(context.Context, Config, func(session) error) error{
		Postgres: lockedPostgres, MySQL: lockedMySQL, SQLite: lockedSQLite,
	}[c.Dialect]
	err = retry(ctx, migrateRetries, func(int) error {
		return locked(ctx, c, func(s session) error { return apply(ctx, s, c, all) })
	})
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", explained(err))
	}
	return nil
}

// migrateRetries is for a SQLite without a busy_timeout, where the replicas
// that lose the race for the lock are told to come again. The others wait.
const migrateRetries = 100

// apply brings the schema up, step by step, under the lock.
func apply(ctx context.Context, s session, c Config, all []Migration) error {
	v, err := versionOf(ctx, s, c.Dialect, c.TablePrefix)
	if err != nil {
		return err
	}
	if v.version == 0 {
		if err := checkNames(ctx, s, c, all[0]); err != nil {
			return err
		}
	}
	for _, m := range all[min(v.version, len(all)):] {
		for _, statement := range m.statements() {
			there, err := isDone(ctx, s, c.Dialect, statement)
			if err == nil && !there {
				_, err = s.ExecContext(ctx, statement)
			}
			if err != nil && doneByAnother(ctx, s, c.Dialect, statement) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s (may the user create and alter tables?): %w", m.Name, err)
			}
		}
	}
	return nil
}

// addition matches a statement that adds a column or an index to a table.
var addition = regexp.MustCompile(`ALTER TABLE ([a-z0-9_]+) (?s:.*)ADD (COLUMN|KEY)\s+([a-z_]+)`)

// isDone reports whether a statement has been executed by a migration that broke off.
// Only MySQL commits each, and has no IF NOT EXISTS for these.
func isDone(ctx context.Context, s session, d Dialect, statement string) (bool, error) {
	m := addition.FindStringSubmatch(statement)
	if d != MySQL || m == nil {
		return false, nil
	}
	look := `SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`
	if m[2] == "KEY" {
		look = `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?`
	}
	var n int
	err := s.QueryRowContext(ctx, look, m[1], m[3]).Scan(&n)
	return n > 0, err
}

// doneByAnother reports whether a statement that failed has been executed since by the
// migration of another replica: the named lock of MySQL does not hold on the other
// nodes of a Galera cluster.
func doneByAnother(ctx context.Context, s session, d Dialect, statement string) bool {
	there, err := isDone(ctx, s, d, statement)
	return err == nil && there
}

// lockedPostgres holds an advisory lock until its transaction ends, which a
// broken connection does too. The transaction is READ COMMITTED, since at a
// higher level it would look at the schema as it was before it had the lock.
func lockedPostgres(ctx context.Context, c Config, f func(session) error) error {
	tx, err := c.DB.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	key := fnv.New64a()
	key.Write([]byte(lockName(c)))
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(key.Sum64())); err != nil {
		return notLocked(c, err)
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func lockName(c Config) string { return "github.com/contit/oauth " + c.TablePrefix }

// notLocked names the likely reason, unless another migration is the reason.
func notLocked(c Config, err error) error {
	if transient(err) {
		return err
	}
	return fmt.Errorf("the lock cannot be taken; is the server up, and the dialect of the database %v? %w", c.Dialect, err)
}

var errNoLock = errors.New("another migration has held the lock for an hour")

// lockedMySQL holds a named lock on one connection. A connection that could not
// be told to release it is closed, which releases it too.
func lockedMySQL(ctx context.Context, c Config, f func(session) error) (err error) {
	conn, err := c.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, `SELECT GET_LOCK(?, 3600)`, lockName(c)).Scan(&got); err != nil {
		return notLocked(c, err)
	}
	if got.Int64 != 1 {
		return errNoLock
	}
	defer func() {
		// The lock must be released even if the caller has given up.
		_, releaseErr := conn.ExecContext(context.WithoutCancel(ctx), `DO RELEASE_LOCK(?)`, lockName(c))
		if releaseErr != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	return f(conn)
}

// lockedSQLite takes the only writer's place for one transaction. It does not
// leave that to BeginTx, which begins as a reader.
func lockedSQLite(ctx context.Context, c Config, f func(session) error) error {
	conn, err := c.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return notLocked(c, err)
	}
	err = f(conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		// The connection goes back to the pool, and not inside a transaction.
		if _, rollbackErr := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`); rollbackErr != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}
	return err
}
