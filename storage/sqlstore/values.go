package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

// maxIdentifier is the length in bytes of the longest identifier, which MySQL's
// columns hold and every index takes. It is the same for all dialects, so that
// a host that changes its database does not find out then.
const maxIdentifier = 512

var (
	errText       = errors.New("text must be UTF-8 without NUL")
	errIdentifier = fmt.Errorf("an identifier must have at most %d bytes", maxIdentifier)
	errInstant    = errors.New("an instant must lie between the years 1 and 9999")
)

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// isIdentifier reports whether there can be a record with this identifier. What
// cannot be is not asked for: PostgreSQL answers it with an error, and a client
// that sends a NUL must not look like an outage.
func isIdentifier(s string) bool { return len(s) <= maxIdentifier && isText(s) }

// args collects the parameters of a statement, and the first fault of a value.
// They are plain values of package driver: what drivers make of other types is
// not the same for all of them.
type args struct {
	values []any
	err    error
}

func (a *args) add(value any, err error) {
	a.values = append(a.values, value)
	if a.err == nil {
		a.err = err
	}
}

func (a *args) number(n int64) { a.add(n, nil) }
func (a *args) flag(b bool)    { a.add(b, nil) }

func (a *args) text(s string) {
	if !isText(s) {
		a.add(nil, errText)
		return
	}
	a.add(s, nil)
}

func (a *args) identifier(s string) {
	if len(s) > maxIdentifier {
		a.add(nil, errIdentifier)
		return
	}
	a.text(s)
}

// list adds a list as JSON, and a nil one as NULL.
func (a *args) list(l []string) {
	if l == nil {
		a.add(nil, nil)
		return
	}
	for _, s := range l {
		if !isText(s) { // JSON would change it
			a.add(nil, errText)
			return
		}
	}
	b, err := json.Marshal(l)
	a.add(string(b), err)
}

func (a *args) bytes(b []byte) {
	if b == nil {
		a.add(nil, nil)
		return
	}
	a.add(b, nil)
}

// digest adds a digest, and the zero one as NULL.
func (a *args) digest(d storage.Digest) {
	if d.IsZero() {
		a.add(nil, nil)
		return
	}
	a.add(d[:], nil)
}

// instant adds microseconds since 1970, and the zero time as NULL: 0 is an
// instant like any other, and one that revokes a key must not be lost.
func (a *args) instant(t time.Time) {
	switch year := t.UTC().Year(); {
	case t.IsZero():
		a.add(nil, nil)
	case year < 1 || year > 9999:
		a.add(nil, errInstant)
	default:
		a.add(t.UnixMicro(), nil)
	}
}

func (a *args) duration(d time.Duration) { a.number(d.Microseconds()) }

// list, digest and instant read what the methods of args with their names made.
type (
	list    []string
	digest  storage.Digest
	instant time.Time
)

// Scan is that of [sql.Scanner].
func (l *list) Scan(value any) error {
	var text sql.Null[[]byte]
	if err := text.Scan(value); err != nil || !text.Valid {
		*l = nil
		return err
	}
	return json.Unmarshal(text.V, (*[]string)(l))
}

// Scan is that of [sql.Scanner].
func (d *digest) Scan(value any) error {
	var b sql.Null[[]byte]
	err := b.Scan(value)
	*d = digest{}
	switch {
	case err != nil || !b.Valid:
		return err
	case len(b.V) != len(d):
		return fmt.Errorf("a digest of %d bytes", len(b.V))
	}
	copy(d[:], b.V)
	return nil
}

// Scan is that of [sql.Scanner].
func (t *instant) Scan(value any) error {
	var n sql.NullInt64
	err := n.Scan(value)
	*t = instant{}
	if err == nil && n.Valid {
		*t = instant(time.UnixMicro(n.Int64).UTC())
	}
	return err
}

// duration reads microseconds.
type duration time.Duration

// Scan is that of [sql.Scanner].
func (d *duration) Scan(value any) error {
	var n sql.NullInt64
	err := n.Scan(value)
	*d = duration(n.Int64) * duration(time.Microsecond)
	return err
}

// order is an instant as a number that can be compared in a column that is not
// NULL. The zero time comes before all others that are kept.
func order(t time.Time) int64 { return t.UnixMicro() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
