package sqlstore

import (
	"bytes"
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

// isIdentifier reports whether there can be a record with this identifier. The
// store does not ask for one that cannot be there: PostgreSQL answers it with an error,
// and a client that sends a NUL must not look like an outage.
func isIdentifier(s string) bool { return len(s) <= maxIdentifier && isText(s) }

// args collects the parameters of a statement, and the first fault of a value.
// They are plain values of package driver: drivers differ in how they convert
// other types.
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
	if text, ok := plainText(l); ok {
		a.add(text, nil)
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

// bytes adds a copy: a row that waits for a shared statement may be sent when its caller
// has left, and has changed b.
func (a *args) bytes(b []byte) {
	if b == nil {
		a.add(nil, nil)
		return
	}
	a.add(bytes.Clone(b), nil)
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

// digest and instant read the values that the methods of args with the same names
// made. Drivers give nearly all of them as they are. Package sql would convert an
// integer to text and back.
type (
	digest  storage.Digest
	instant time.Time
)

// Scan implements [sql.Scanner].
func (d *digest) Scan(value any) error {
	*d = digest{}
	var b sql.Null[[]byte]
	var err error
	if b.V, b.Valid = value.([]byte); !b.Valid {
		err = b.Scan(value)
	}
	switch {
	case err != nil || !b.Valid:
		return err
	case len(b.V) != len(d):
		return fmt.Errorf("a digest of %d bytes", len(b.V))
	}
	copy(d[:], b.V)
	return nil
}

// Scan implements [sql.Scanner].
func (t *instant) Scan(value any) error {
	n, valid, err := number(value)
	*t = instant{}
	if valid {
		*t = instant(time.UnixMicro(n).UTC())
	}
	return err
}

// duration reads microseconds.
type duration time.Duration

// Scan implements [sql.Scanner].
func (d *duration) Scan(value any) error {
	n, _, err := number(value)
	*d = duration(n) * duration(time.Microsecond)
	return err
}

// number returns an integer, unless it is NULL.
func number(value any) (n int64, valid bool, err error) {
	if n, ok := value.(int64); ok {
		return n, true, nil
	}
	var any sql.NullInt64
	err = any.Scan(value)
	return any.Int64, err == nil && any.Valid, err
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
