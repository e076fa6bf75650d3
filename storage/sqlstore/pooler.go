package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

var (
	errPooler = errors.New("a pooler lends each transaction another connection to PostgreSQL, on which this statement is not prepared: set sqlstore.Config.Unprepared, and have the driver prepare nothing (with pgx put default_query_exec_mode=exec into the DSN, with lib/pq binary_parameters=yes)")
	errDriver = errors.New("sqlstore: a pooler lends each transaction another connection to PostgreSQL, and the driver prepares statements, or sends a statement and its parameters apart: with pgx put default_query_exec_mode=exec into the DSN (or set DefaultQueryExecMode of the pool's ConnConfig), with lib/pq binary_parameters=yes; or let the pooler's mode be \"session\"")
	errMode   = errors.New("sqlstore: the database begins no transaction; a pooler's mode must be \"transaction\" or \"session\"")
)

// unprepared is a statement that runs without having been prepared.
type unprepared struct {
	on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	text string
}

func (u unprepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.on.ExecContext(ctx, u.text, args...)
}

func (u unprepared) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.on.QueryContext(ctx, u.text, args...)
}

// explain has PostgreSQL look at the statement, with a NULL for each parameter, and
// not run it.
func (st *statement) explain(ctx context.Context) error {
	_, err := st.db.ExecContext(ctx, "EXPLAIN "+st.text, make([]any, strings.Count(st.text, "$"))...)
	return err
}

// The SQLSTATEs of a server connection that lacks a prepared statement, or has one that
// another client has left on it: invalid_sql_statement_name, duplicate_prepared_statement
// and, if the other's has other parameters, protocol_violation.
const (
	stateNotPrepared  = "26000"
	stateIsPrepared   = "42P05"
	stateOtherBinding = "08P01"
)

// hasState reports whether PostgreSQL has given an error one of the SQLSTATEs.
func hasState(err error, states ...string) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && slices.Contains(states, state.SQLState())
}

// explained adds the remedy to an error that a pooler has brought about.
func explained(err error) error {
	if isLost, _ := lost(err); !isLost || errors.Is(err, errPooler) {
		return err
	}
	return fmt.Errorf("%w: %w", errPooler, err)
}

// checkPooler looks for a pooler, and has the store prepare nothing where that would
// fail. It refuses a driver that prepares where the store must not: parameters could
// reach another client's statement.
func (s *Store) checkPooler(ctx context.Context) error {
	if s.dialect != Postgres {
		return nil
	}
	if err := s.inTransaction(ctx, func(bind) error { return nil }); err != nil {
		return fmt.Errorf("%w: %w", errMode, err)
	}
	if !s.unprepared {
		forgets, err := s.findPooler(ctx)
		if err != nil {
			return fmt.Errorf("sqlstore: look for a pooler (is the dialect of the database %v?): %w", s.dialect, err)
		}
		if !forgets {
			return nil
		}
		s.unprepared = true
	}
	var atOnce bool
	err := s.db.QueryRowContext(ctx, atOnceSQL, 1).Scan(&atOnce)
	switch gone, _ := lost(err); {
	case gone:
		return fmt.Errorf("%w (%w)", errDriver, err)
	case err != nil:
		return fmt.Errorf("sqlstore: look how the driver sends a statement: %w", err)
	case !atOnce:
		return errDriver
	}
	return nil
}

// atOnceSQL reports whether the driver sends a statement with its parameters at once:
// PostgreSQL takes the literal 'now' for the beginning of the transaction in which it
// reads the text, and transaction_timestamp is that of the one in which it runs it.
const atOnceSQL = `SELECT 'now'::timestamptz = transaction_timestamp() AND $1::bigint = 1`

const (
	// poolerRounds is how often findPooler tries to have a pooler lend a connection
	// to someone else. It succeeds the first time, unless other clients of the pooler
	// have just taken and returned one.
	poolerRounds = 3
	// poolerPatience bounds how long findPooler waits for a second connection, which
	// the host may not have.
	poolerPatience = 3 * time.Second
)

// findPooler reports whether there is a pooler that loses prepared statements. It
// prepares one on a connection, and has another connection begin a transaction: a
// pooler lends it the server's connection on which the statement was prepared.
func (s *Store) findPooler(ctx context.Context) (forgets bool, err error) {
	one, err := s.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer one.Close()
	p := probe{number: int64(drawn() >> 2)}
	p.statement, err = one.PrepareContext(ctx, fmt.Sprintf(`SELECT pg_backend_pid(), $1::bigint - %d`, p.number))
	if err != nil {
		return lost(err)
	}
	defer p.statement.Close()
	if s.db.Stats().MaxOpenConnections == 1 {
		return false, nil
	}
	quick, cancel := context.WithTimeout(ctx, poolerPatience)
	defer cancel()
	other, err := s.db.Conn(quick)
	if err != nil { // the host has no second one for the store
		return false, ctx.Err()
	}
	defer other.Close()
	for range poolerRounds {
		if forgets, err = p.isLostBeside(ctx, other); forgets || err != nil {
			break
		}
	}
	return forgets, err
}

// lost reports whether an error is that of a lost statement, or returns it. PgBouncer
// gives the SQLSTATE of another binding to its own errors too, such as that the server has
// gone: they are fatal, and no sign of how it lends connections.
func lost(err error) (bool, error) {
	if hasState(err, stateNotPrepared, stateIsPrepared) || hasState(err, stateOtherBinding) && !isFatal(err) {
		return true, nil
	}
	return false, err
}

// isFatal reports whether PostgreSQL, or a pooler, has ended the connection with an error.
func isFatal(err error) bool {
	var pq interface{ Fatal() bool }
	return errors.As(err, &pq) && pq.Fatal() || strings.Contains(err.Error(), "FATAL: ")
}

// probe is a prepared statement with a number in its text, so that no other client's
// gives the same answer.
type probe struct {
	statement *sql.Stmt
	number    int64
}

// isLostBeside reports whether the probe is lost while other is in a transaction.
func (p probe) isLostBeside(ctx context.Context, other *sql.Conn) (bool, error) {
	process, forgets, err := p.ask(ctx)
	if forgets || err != nil {
		return forgets, err
	}
	tx, err := other.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var its int64
	if err := tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&its); err != nil {
		return lost(err)
	}
	if its == process {
		// If the pooler has no connection but this, the server ends it, and the pooler
		// opens another one for the probe, which would wait in vain otherwise.
		if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 1000`); err != nil {
			return false, err
		}
	}
	_, forgets, err = p.ask(ctx)
	return forgets, err
}

// ask returns the server's process that runs the probe, and whether it is another
// statement that has run.
func (p probe) ask(ctx context.Context) (process int64, forgets bool, err error) {
	rows, err := p.statement.QueryContext(ctx, p.number)
	if err != nil {
		forgets, err = lost(err)
		return 0, forgets, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			forgets, err = lost(err)
			return 0, forgets, err
		}
		return 0, true, nil
	}
	var rest int64
	err = rows.Scan(&process, &rest)
	return process, err != nil || rest != 0, nil
}
