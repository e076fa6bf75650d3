package sqlstore

import (
	"context"
	"time"

	"github.com/contit/oauth/storage"
)

// Text is Dialect.text.
func (d Dialect) Text(statement, prefix string) string { return d.text(statement, prefix) }

// Statements returns all statements of a dialect.
func Statements(d Dialect, prefix string) (all []string) {
	for _, p := range new(statements).all() {
		all = append(all, d.text(p.text, prefix))
	}
	return all
}

// Transient is transient.
func Transient(err error) bool { return transient(err) }

// Retry is retry, three times.
func Retry(ctx context.Context, f func(try int) error) error { return retry(ctx, maxRetries, f) }

// Value returns what is written for a value, and the fault that was found.
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

// ScanList, ScanInstant and ScanDigest read what Value returned.
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
