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
	for _, p := range (&Store{dialect: d}).prepared() {
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

// Queue is a queue of writes whose statements are functions.
type Queue struct{ q *queue }

// Word is what such a function tells to someone who waits.
type Word = word

const Added, NotAdded, Failed = added, notAdded, failed

// The limits of the queues of these tests.
const FewRows, MostStatements, ManyRows, MostRows, MostBytes = 8, 4, manyRows, mostRows, mostBytes

// NewQueue makes a queue of rows that have a digest, a parent and a blob.
func NewQueue(alone func(context.Context, *Row) (bool, error), together func(context.Context, []*Row) (func(*Row) Word, error)) *Queue {
	row := func(w *write) *Row {
		return &Row{Digest: w.digest(), Parent: w.keys[0], Blob: w.values[1].([]byte)}
	}
	q := &queue{limits: limits{FewRows, MostStatements}}
	q.alone = func(ctx context.Context, w *write) (bool, error) { return alone(ctx, row(w)) }
	if together != nil {
		q.together = func(ctx context.Context, all []*write) (func(*write) word, error) {
			rows := make([]*Row, len(all))
			for i, w := range all {
				rows[i] = row(w)
			}
			verdict, err := together(ctx, rows)
			return func(w *write) word { return verdict(row(w)) }, err
		}
	}
	return &Queue{q}
}

// Row is a row of such a queue.
type Row struct {
	Digest, Parent storage.Digest
	Blob           []byte
}

// Add is queue.add.
func (q *Queue) Add(ctx context.Context, r *Row) (bool, error) {
	a := new(args)
	a.digest(r.Digest)
	a.bytes(r.Blob)
	return q.q.add(ctx, newWrite(a, r.Parent))
}
