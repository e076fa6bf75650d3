package main

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

// instant is a column of microseconds, NULL for the zero time.
type instant time.Time

// Value implements [driver.Valuer].
func (i instant) Value() (driver.Value, error) {
	if time.Time(i).IsZero() {
		return nil, nil
	}
	return time.Time(i).UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (i *instant) Scan(column any) error {
	switch v := column.(type) {
	case nil:
		*i = instant{}
	case int64:
		*i = instant(time.UnixMicro(v).UTC())
	default:
		return fmt.Errorf("hostapp: an instant is a %T", column)
	}
	return nil
}

// list is a column of JSON, NULL for nil: a nil Audience is the client's, an
// empty one is none.
type list []string

var errUTF8 = errors.New("hostapp: invalid UTF-8")

// Value implements [driver.Valuer]. JSON would replace invalid UTF-8, and a
// scope would come back as another one.
func (l list) Value() (driver.Value, error) {
	if l == nil {
		return nil, nil
	}
	for _, s := range l {
		if !utf8.ValidString(s) {
			return nil, errUTF8
		}
	}
	b, err := json.Marshal([]string(l))
	return string(b), err
}

// Scan implements sql.Scanner.
func (l *list) Scan(column any) error {
	switch v := column.(type) {
	case nil:
		*l = nil
		return nil
	case string:
		return json.Unmarshal([]byte(v), (*[]string)(l))
	}
	return fmt.Errorf("hostapp: a list is a %T", column)
}

// digest is a column of 32 bytes, NULL for the zero digest.
type digest storage.Digest

// Value implements [driver.Valuer].
func (d digest) Value() (driver.Value, error) {
	if storage.Digest(d).IsZero() {
		return nil, nil
	}
	return d[:], nil
}

// Scan implements sql.Scanner.
func (d *digest) Scan(column any) error {
	switch v := column.(type) {
	case nil:
		*d = digest{}
		return nil
	case []byte:
		if len(v) == len(d) {
			*d = digest(v)
			return nil
		}
	}
	return errors.New("hostapp: a digest is not 32 bytes")
}

// assertion is a column of JSON. The documents in it are base64 there, and so stay the
// same byte for byte.
type assertion storage.ClientAssertion

// Value implements [driver.Valuer].
func (a assertion) Value() (driver.Value, error) {
	b, err := json.Marshal(storage.ClientAssertion(a))
	return string(b), err
}

// Scan implements sql.Scanner.
func (a *assertion) Scan(column any) error {
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("hostapp: the keys of a client are a %T", column)
	}
	return json.Unmarshal([]byte(text), (*storage.ClientAssertion)(a))
}

// certificate is a column of JSON.
type certificate storage.ClientCertificate

// Value implements [driver.Valuer].
func (c certificate) Value() (driver.Value, error) {
	for _, s := range []string{c.SubjectDN, c.SANDNS, c.SANURI, c.SANIP, c.SANEmail} {
		if !utf8.ValidString(s) {
			return nil, errUTF8
		}
	}
	b, err := json.Marshal(storage.ClientCertificate(c))
	return string(b), err
}

// Scan implements sql.Scanner.
func (c *certificate) Scan(column any) error {
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("hostapp: the certificate of a client is a %T", column)
	}
	return json.Unmarshal([]byte(text), (*storage.ClientCertificate)(c))
}
