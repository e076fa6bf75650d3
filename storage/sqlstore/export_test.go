package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/contit/oauth/storage"
)

// Text is Dialect.text.
func (d Dialect) Text(statement, prefix string) string { return d.text(statement, prefix) }

// Statements returns all statements of a dialect.
func Statements(d Dialect, prefix string) (all []string) {
	for _, e := range (&Store{dialect: d}).entries() {
		all = append(all, d.text(e.text, prefix))
	}
	return all
}

// SpendParameters returns the parameters of a spend.
func SpendParameters(old, next *storage.Credential, at time.Time) ([]any, error) {
	a := spendArgs(old, next, at, 1)
	return a.values, a.err
}

// Transient is transient.
func Transient(err error) bool { return transient(err) }

// Retry is retry, three times.
func Retry(ctx context.Context, f func(try int) error) error { return retry(ctx, maxRetries, f) }

// QueryOn is queryOn, of a statement without rows. Package sql does not watch the context.
func QueryOn(ctx context.Context, db *sql.DB) error {
	unwatched := func(context.Context, *statement) bound { return calm{unprepared{on: db}} }
	_, err := queryOn(ctx, unwatched, nil, new(args), func(scan) (int, error) { return 0, nil })
	return err
}

type calm struct{ unprepared }

func (c calm) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return c.unprepared.QueryContext(context.WithoutCancel(ctx), args...)
}

// Value returns the parameter that the store writes for a value, and its fault.
func Value(v any) (any, error) {
	a := new(args)
	switch v := v.(type) {
	case string:
		a.identifier(v)
	case []string:
		a.list(v)
	case time.Time:
		a.instant(v)
	case storage.Digest:
		a.digest(v)
	}
	return a.values[0], a.err
}

// Lost is lost.
func Lost(err error) (bool, error) { return lost(err) }

// Explained is explained.
func Explained(err error) error { return explained(err) }

// PlainList is plainList.
func PlainList(text string) ([]string, bool) { return plainList(text) }

// ScanList, ScanInstant and ScanDigest read a result of Value.
func ScanList(v any) ([]string, error) {
	var l list
	err := l.Scan(v)
	return l, err
}

func ScanInstant(v any) (time.Time, error) {
	var t instant
	err := t.Scan(v)
	return time.Time(t), err
}

func ScanDigest(v any) (storage.Digest, error) {
	var d digest
	err := d.Scan(v)
	return storage.Digest(d), err
}

// FaultOfSession is faultOfSession.
func FaultOfSession(settings map[string]string) error { return faultOfSession(settings) }
