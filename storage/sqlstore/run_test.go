package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

var errDeadlock = errors.New("Error 1213 (40001): Deadlock found")

// state is an error as PostgreSQL's drivers give it.
type state string

func (s state) Error() string    { return "refused" }
func (s state) SQLState() string { return string(s) }

func TestTransient(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"a serialization failure", state("40001"), true},
		{"a deadlock, wrapped", fmt.Errorf("exec: %w", state("40P01")), true},
		{"a lock that was waited for too long", state("55P03"), true},
		{"a duplicate key", state("23505"), false},
		{"a duplicate key whose text says otherwise", fmt.Errorf("database is locked: %w", state("23505")), false},
		{"MySQL's deadlock", errors.New("Error 1213 (40001): Deadlock found"), true},
		{"MySQL's duplicate", errors.New("Error 1062 (23000): Duplicate entry"), false},
		{"a busy SQLite", errors.New("database is locked (5) (SQLITE_BUSY)"), true},
		{"a broken connection", errors.New("connection reset by peer"), false},
		{"a caller who has gone", fmt.Errorf("%w: %w", context.Canceled, state("40001")), false},
		{"a deadline", fmt.Errorf("%w: database is locked", context.DeadlineExceeded), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sqlstore.Transient(tt.err); got != tt.want {
				t.Errorf("transient(%v): got %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name  string
		errs  []error
		calls int
		err   error
	}{
		{"success is not repeated", []error{nil}, 1, nil},
		{"a refusal is repeated", []error{state("40001"), nil}, 2, nil},
		{"and three times at most", []error{state("40001"), state("40001"), state("40P01"), state("40001"), nil}, 4, state("40001")},
		{"a deadlock of MySQL is repeated more often", append(slices.Repeat([]error{errDeadlock}, 10), nil), 11, nil},
		{"and ten times at most", slices.Repeat([]error{errDeadlock}, 12), 11, errDeadlock},
		{"another error is not repeated", []error{errors.ErrUnsupported, nil}, 1, errors.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, began := 0, time.Now()
				err := sqlstore.Retry(t.Context(), func(try int) error {
					if try != calls {
						t.Errorf("try: got %d, want %d", try, calls)
					}
					calls++
					return tt.errs[try]
				})
				if calls != tt.calls || !errors.Is(err, tt.err) {
					t.Errorf("retry: got %d calls and error %v, want %d and %v", calls, err, tt.calls, tt.err)
				}
				most := 70*time.Millisecond + time.Duration(max(0, calls-4))*80*time.Millisecond
				if took := time.Since(began); took > most || (took > 0) != (calls > 1) {
					t.Errorf("retry: took %v for %d calls", took, calls)
				}
			})
		})
	}
}

// A caller whose context has ended returns at once and leaves no timer behind.
func TestRetryEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := sqlstore.Retry(ctx, func(int) error {
		calls++
		cancel()
		return state("40001")
	})
	if calls > 2 || err != state("40001") {
		t.Errorf("retry for a caller that has gone: got %d calls and error %v, want the first error", calls, err)
	}
}

// A driver may report as done a commit that PostgreSQL has cancelled the wait of.
func TestAnswerAfterTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := sqlstore.Retry(ctx, func(int) error {
		calls++
		cancel()
		return nil
	})
	if calls != 1 || err != context.Canceled {
		t.Errorf("retry of a statement that went well too late: got %d calls and error %v, want 1 and the context's", calls, err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	db := sql.OpenDB(lastRow{cancel})
	defer db.Close()
	if err := sqlstore.QueryOn(ctx, db); err != context.Canceled {
		t.Errorf("queryOn whose rows came too late: got error %v, want the context's", err)
	}
}

// lastRow is a driver whose only statement has no row, and whose caller's context ends
// with the answer.
type lastRow struct{ leave func() }

func (d lastRow) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d lastRow) Driver() driver.Driver                        { return nil }
func (d lastRow) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (d lastRow) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (d lastRow) Columns() []string                            { return nil }
func (d lastRow) Close() error                                 { return nil }

func (d lastRow) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return d, nil
}

func (d lastRow) Next([]driver.Value) error {
	d.leave()
	return io.EOF
}
