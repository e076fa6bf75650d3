package sqlstore

import (
	"database/sql"
	"encoding/json"

	"github.com/contit/oauth/storage"
)

// assertionText is a storage.ClientAssertion as the column has it. The JSON of a JWK
// Set and of claims stands in it as a text, so that it stays the same byte for byte.
type assertionText struct {
	JWKS      *string `json:"jwks,omitempty"`
	JWKSURI   string  `json:"jwks_uri,omitempty"`
	Algorithm string  `json:"algorithm,omitempty"`
	Lenient   bool    `json:"lenient,omitempty"`
	Issuer    string  `json:"issuer,omitempty"`
	Claims    *string `json:"claims,omitempty"`
}

// assertion adds it as JSON, and the zero value as NULL.
func (a *args) assertion(c *storage.ClientAssertion) {
	t := assertionText{asText(c.JWKS), c.JWKSURI, c.Algorithm, c.Lenient, c.Issuer, asText(c.Claims)}
	if t == (assertionText{}) {
		a.add(nil, nil)
		return
	}
	for _, s := range []string{string(c.JWKS), c.JWKSURI, c.Algorithm, c.Issuer, string(c.Claims)} {
		if !isText(s) { // JSON would change it
			a.add(nil, errText)
			return
		}
	}
	b, err := json.Marshal(t)
	a.add(string(b), err)
}

func asText(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

func asBytes(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// assertion reads the value that the method of args with the same name made.
type assertion storage.ClientAssertion

// Scan implements [sql.Scanner].
func (c *assertion) Scan(value any) error {
	*c = assertion{}
	var text sql.Null[[]byte]
	if err := text.Scan(value); err != nil || !text.Valid {
		return err
	}
	var t assertionText
	if err := json.Unmarshal(text.V, &t); err != nil {
		return err
	}
	*c = assertion{asBytes(t.JWKS), t.JWKSURI, t.Algorithm, t.Lenient, t.Issuer, asBytes(t.Claims)}
	return nil
}
