package integration_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is a driver around another one, between the store and the database. It
// notes the statements, and a test can tell it to break.
type wire struct {
	inner driver.Driver
	dsn   string

	// counts tells a wire to note how many statements for several spends there
	// were, and nothing else: there may be very many.
	counts  bool
	several atomic.Int64

	mu    sync.Mutex
	trips []trip
	// broken, if not nil, is asked about every statement. It returns whether
	// the statement reaches the database, and the error that comes back.
	broken func(statement string) (reaches bool, err error)
	// gate, if not nil, holds statements that have a text in them, until one
	// is let through or all are.
	gate chan struct{}
	held string
}

// trip is one that a message takes to the database and back.
type trip struct {
	statement string
	args      []any
}

// wired opens a pool over a wire.
func (s server) wired(t testing.TB) (*wire, *sql.DB) {
	t.Helper()
	db, err := sql.Open(s.driver, s.dsn)
	if err != nil {
		t.Fatalf("opening %s: %v", s.name, err)
	}
	defer db.Close()
	w := &wire{inner: db.Driver(), dsn: s.dsn}
	return w, pooled(t, sql.OpenDB(w))
}

// Connect implements [driver.Connector].
func (w *wire) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, wire: w}, nil
}

func (w *wire) dial(ctx context.Context) (driver.Conn, error) {
	d, ok := w.inner.(driver.DriverContext)
	if !ok {
		return w.inner.Open(w.dsn)
	}
	c, err := d.OpenConnector(w.dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx)
}

// Driver implements [driver.Connector].
func (w *wire) Driver() driver.Driver { return w.inner }

// breakOn lets the wire break at the next statements that have a text in them,
// as often as there are errors. A nil error lets one pass.
func (w *wire) breakOn(text string, reaches bool, errs ...error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = func(statement string) (bool, error) {
		if len(errs) == 0 || !strings.Contains(statement, text) {
			return true, nil
		}
		err := errs[0]
		errs = errs[1:]
		return reaches || err == nil, err
	}
}

// hold lets the wire hold all statements that have a text in them. Each value
// that is sent to the channel lets one through, and to close it all of them.
func (w *wire) hold(text string) chan<- struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gate, w.held = make(chan struct{}), text
	return w.gate
}

// wait holds a statement if it is to be held.
func (w *wire) wait(ctx context.Context, statement string) error {
	w.mu.Lock()
	gate, held := w.gate, w.held
	w.mu.Unlock()
	if gate == nil || !strings.Contains(statement, held) {
		return nil
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noted returns the trips since the last call of taken.
func (w *wire) noted() []trip {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.trips)
}

// taken returns the trips since the last call.
func (w *wire) taken() []trip {
	w.mu.Lock()
	defer w.mu.Unlock()
	trips := w.trips
	w.trips = nil
	return trips
}

func (w *wire) note(statement string, args []driver.NamedValue) (reaches bool, err error) {
	if w.counts {
		if isSeveral(statement) {
			w.several.Add(1)
		}
		return true, nil
	}
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trips = append(w.trips, trip{statement, values})
	if w.broken == nil {
		return true, nil
	}
	return w.broken(statement)
}

type wireConn struct {
	driver.Conn
	wire *wire
}

func (c *wireConn) PrepareContext(ctx context.Context, statement string) (driver.Stmt, error) {
	c.wire.note("PREPARE "+statement, nil)
	st, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	return &wireStmt{Stmt: st, conn: c, text: statement}, nil
}

func (c *wireConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.wire.note("BEGIN", nil)
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &wireTx{Tx: tx, wire: c.wire}, nil
}

func (c *wireConn) Ping(ctx context.Context) error { return c.Conn.(driver.Pinger).Ping(ctx) }

func (c *wireConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *wireConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *wireConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type wireTx struct {
	driver.Tx
	wire *wire
}

func (t *wireTx) Commit() error {
	reaches, err := t.wire.note("COMMIT", nil)
	if reaches {
		if commitErr := t.Tx.Commit(); commitErr != nil {
			return commitErr
		}
	}
	return late(err)
}

type wireStmt struct {
	driver.Stmt
	conn *wireConn
	text string
}

func (s *wireStmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *wireStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.wire.wait(ctx, s.text); err != nil {
		return nil, err
	}
	reaches, broken := s.conn.wire.note(s.text, args)
	if !reaches {
		return nil, broken
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err == nil && broken != nil {
		return result, late(broken)
	}
	return result, err
}

// leaves is the error of a statement that goes well, when its caller has left: a
// PostgreSQL that is told to cancel a commit reports it as done.
type leaves struct{ cancel func() }

func (leaves) Error() string { return "the caller has left" }

// late returns the error that comes back after a statement that went well.
func late(broken error) error {
	if l, ok := broken.(leaves); ok {
		l.cancel()
		return nil
	}
	return broken
}

func (s *wireStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.wire.wait(ctx, s.text); err != nil {
		return nil, err
	}
	reaches, broken := s.conn.wire.note(s.text, args)
	if !reaches {
		return nil, broken
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil || broken == nil {
		return rows, err
	}
	defer rows.Close()
	for dest := make([]driver.Value, len(rows.Columns())); err == nil; { // some databases begin when they are asked for rows
		err = rows.Next(dest)
	}
	return nil, broken
}
