package jws

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// AccessToken is the payload of an access token (RFC 9068 §2.2). Every field
// is required except Scope, Family, CertificateThumbprint and Claims.
type AccessToken struct {
	Issuer   string   // iss, as configured, byte for byte
	Subject  string   // sub
	ClientID string   // client_id
	ID       string   // jti
	Audience []string // aud: one is written as a string, several as an array
	Scope    []string // scope, joined by spaces; if empty, there is none
	// Family is the family of the token, by which it can be revoked. If empty, there
	// is none.
	Family string
	// CertificateThumbprint is the x5t#S256 in cnf: only the client that shows this
	// certificate may use the token (RFC 8705 §3.1). If empty, there is none.
	CertificateThumbprint string

	IssuedAt  time.Time // iat, in whole seconds; a fraction is cut off
	ExpiresAt time.Time // exp, likewise; later than iat

	// Claims are further claims, written in the order of their names. encoding/json
	// encodes each value. It replaces invalid UTF-8 in strings inside a value; a
	// value that is itself such a string is refused.
	Claims map[string]any
}

var (
	errMissing   = errors.New("missing")
	errUTF8      = errors.New("invalid UTF-8")
	errScope     = errors.New("not a scope of RFC 6749 §3.3")
	errExpiry    = errors.New("not after iat")
	errReserved  = errors.New("a registered name")
	errClaimName = errors.New("jws: access token: the name of a claim is invalid UTF-8")
)

// AppendJSON appends the claims as one JSON object. It refuses a token that lacks a
// required claim, a registered name in Claims (see [grants.ReservedClaim]), a value
// that encoding/json cannot encode, and invalid UTF-8. With an error it returns b
// unchanged.
func (t *AccessToken) AppendJSON(b []byte) ([]byte, error) {
	o := object{b: append(b, '{')}
	o.text("iss", t.Issuer)
	o.text("sub", t.Subject)
	o.audience(t.Audience)
	o.instant("exp", t.ExpiresAt)
	o.instant("iat", t.IssuedAt)
	if t.ExpiresAt.Unix() <= t.IssuedAt.Unix() {
		o.fail("exp", errExpiry)
	}
	o.text("jti", t.ID)
	o.text("client_id", t.ClientID)
	o.scope(t.Scope)
	if t.Family != "" {
		o.text("family", t.Family)
	}
	if t.CertificateThumbprint != "" {
		o.name("cnf")
		o.b = append(o.b, '{')
		o.text("x5t#S256", t.CertificateThumbprint)
		o.b = append(o.b, '}')
	}
	var few [8]string // not on the heap
	names := slices.AppendSeq(few[:0], maps.Keys(t.Claims))
	slices.Sort(names)
	for _, name := range names {
		o.custom(name, t.Claims[name])
	}
	if o.err != nil {
		return b, o.err
	}
	return append(o.b, '}'), nil
}

// audience writes aud. Every API would accept a token without an audience, so an
// empty audience is an error (RFC 9068 §2.2).
func (o *object) audience(audience []string) {
	switch len(audience) {
	case 0:
		o.fail("aud", errMissing)
	case 1:
		o.text("aud", audience[0])
	default:
		o.name("aud")
		o.b = append(o.b, '[')
		for i, a := range audience {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.required("aud", a)
		}
		o.b = append(o.b, ']')
	}
}

func (o *object) instant(name string, t time.Time) {
	if t.IsZero() {
		o.fail(name, errMissing)
	}
	o.integer(name, t.Unix())
}

// scope writes the scopes as one string. A scope with a space would be read as two
// scopes, so the characters are checked.
func (o *object) scope(scope []string) {
	if len(scope) == 0 {
		return
	}
	o.name("scope")
	o.b = append(o.b, '"')
	for i, s := range scope {
		if !storage.IsScopeToken(s) {
			o.fail("scope", errScope)
			return
		}
		if i > 0 {
			o.b = append(o.b, ' ')
		}
		o.b = append(o.b, s...) // no character of it needs an escape
	}
	o.b = append(o.b, '"')
}

func (o *object) custom(name string, value any) {
	if claim, reserved := grants.ReservedClaim(name); reserved {
		o.fail(claim, errReserved)
		return
	}
	o.value(name, value)
}

// fail keeps the first fault. It names a claim, but never a value: values are
// personal data.
func (o *object) fail(claim string, err error) {
	if o.err == nil {
		o.err = fmt.Errorf("jws: access token: claim %q: %w", claim, err)
	}
}
