package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// bind gives a statement to where it is to run: to the pool, or into a transaction.
type bind func(ctx context.Context, st *statement) bound

// bound is a statement where it is to run, as a [sql.Stmt] is.
type bound interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

func toPool(_ context.Context, st *statement) bound {
	if st.prepared == nil {
		return unprepared{st.db, st.text}
	}
	return st.prepared
}

func within(tx *sql.Tx) bind {
	return func(ctx context.Context, st *statement) bound {
		if st.prepared == nil {
			return unprepared{tx, st.text}
		}
		return tx.StmtContext(ctx, st.prepared)
	}
}

// exec runs one statement that writes, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, st *statement, a *args) (rows int64, err error) {
	if a.err != nil {
		return 0, a.err
	}
	err = s.persist(ctx, func(to bind) (err error) {
		rows, err = execOn(ctx, to, st, a)
		return err
	})
	return rows, err
}

func execOn(ctx context.Context, to bind, st *statement, a *args) (int64, error) {
	if a.err != nil {
		return 0, a.err
	}
	result, err := to(ctx, st).ExecContext(ctx, a.values...)
	if err != nil {
		return 0, explained(err)
	}
	return result.RowsAffected()
}

// A scan reads the columns of one row.
type scan func(dest ...any) error

// query runs one statement that reads, and collects the result of row for each
// row.
func query[T any](ctx context.Context, s *Store, st *statement, a *args, row func(scan) (T, error)) (all []T, err error) {
	if a.err != nil {
		return nil, a.err
	}
	err = s.persist(ctx, func(to bind) (err error) {
		all, err = queryOn(ctx, to, st, a, row)
		return err
	})
	return all, err
}

// find runs one statement that reads one row, or returns [storage.ErrNotFound].
func find[T any](ctx context.Context, s *Store, what string, st *statement, a *args, row func(scan) (*T, error)) (*T, error) {
	found, err := query(ctx, s, st, a, row)
	switch {
	case err != nil:
		return nil, wrap(what, err)
	case len(found) == 0:
		return nil, storage.ErrNotFound
	}
	return found[0], nil
}

func queryOn[T any](ctx context.Context, to bind, st *statement, a *args, row func(scan) (T, error)) (all []T, err error) {
	rows, err := to(ctx, st).QueryContext(ctx, a.values...)
	if err != nil {
		return nil, explained(err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := row(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, cmp.Or(explained(rows.Err()), ctx.Err()) // see retry
}

// transact runs several statements as one. f may be called again, and must
// begin anew then.
func (s *Store) transact(ctx context.Context, f func(to bind) error) error {
	return retry(ctx, maxRetries, func(int) error { return s.inTransaction(ctx, f) })
}

// persist runs one statement, again where that helps. A single statement is a
// transaction of its own, at the isolation level that the host has chosen. On
// PostgreSQL, where a level above READ COMMITTED may refuse it, it is repeated
// in a transaction at READ COMMITTED, which does not.
func (s *Store) persist(ctx context.Context, f func(to bind) error) error {
	return retry(ctx, maxRetries, func(try int) error {
		if try > 0 && s.dialect == Postgres {
			return s.inTransaction(ctx, f)
		}
		return f(toPool)
	})
}

func (s *Store) inTransaction(ctx context.Context, f func(to bind) error) error {
	tx, err := s.db.BeginTx(ctx, s.dialect.isolation())
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := f(within(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

const (
	maxRetries = 3
	// maxDeadlocks is maxRetries for a deadlock of MySQL. A Galera cluster reports a
	// deadlock to each statement that has met a statement on another node, and fifty
	// callers that repeat one refresh token meet each other several times.
	maxDeadlocks = 10
	// firstPause bounds the pause before the first repetition. Each further
	// one may be twice as long.
	firstPause = 10 * time.Millisecond
)

// retry calls f again, up to a number of times, while it fails because of
// concurrency.
//
// An answer that comes after ctx has ended proves nothing. Some drivers (lib/pq, and pgx
// with its CancelRequestContextWatcherHandler) then have PostgreSQL cancel the statement,
// and a commit that is cancelled while it waits for a synchronous standby is reported as
// done, with a warning that drivers drop. A promotion would undo it.
func retry(ctx context.Context, times int, f func(try int) error) error {
	for try := 0; ; try++ {
		err := f(try)
		if err == nil {
			return ctx.Err()
		}
		if try >= limit(times, err) || !transient(err) || !pause(ctx, firstPause<<min(try, 3)) {
			return err
		}
	}
}

// limit returns how often a call that failed with err is repeated, where other errors
// are repeated a number of times.
func limit(times int, err error) int {
	if strings.Contains(err.Error(), "Error 1213") {
		return max(times, maxDeadlocks)
	}
	return times
}

// pause waits for a random part of most, so that two callers that met do not
// meet again. It reports false if ctx ended first. The timer
// is the only one of this package, and has gone when pause returns.
func pause(ctx context.Context, most time.Duration) bool {
	timer := time.NewTimer(time.Duration(drawn() % uint64(most)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func drawn() uint64 {
	var b [8]byte
	rand.Read(b[:]) // it cannot fail: the process ends instead
	return binary.BigEndian.Uint64(b[:])
}

// The SQLSTATEs with which PostgreSQL undoes a transaction because of
// concurrency: serialization_failure, deadlock_detected, lock_not_available.
var transientStates = []string{"40001", "40P01", "55P03"}

// transientTexts begin or are part of the errors of drivers that have no method
// for it: MySQL's deadlock and lock wait timeout, and SQLite's busy and locked.
// A text that is taken for one of them wrongly costs three repetitions.
var transientTexts = []string{"Error 1213", "Error 1205", "database is locked", "database table is locked", "SQLITE_BUSY"}

// transient reports whether the database has undone a statement or transaction,
// and may accept it the next time.
func transient(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return slices.Contains(transientStates, state.SQLState())
	}
	for _, text := range transientTexts {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}
