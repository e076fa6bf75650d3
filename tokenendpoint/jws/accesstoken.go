package jws

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// AccessToken is the payload of an access token (RFC 9068 §2.2). Every field
// is required except Scope, Family and Claims.
type AccessToken struct {
	Issuer   string   // iss, as configured, byte for byte
	Subject  string   // sub
	ClientID string   // client_id
	ID       string   // jti
	Audience []string // aud: one is written as a string, several as an array
	Scope    []string // scope, joined by spaces; if empty, there is none
	// Family is the grant_id: what the token is revoked with. If empty, there
	// is none. The name is that of the Grant Management API for OAuth 2.0.
	Family string

	IssuedAt  time.Time // iat, in whole seconds; a fraction is cut off
	ExpiresAt time.Time // exp, likewise; later than iat

	// Claims are further claims, written in the order of their names. A value
	// is encoded by encoding/json; in strings inside a value it replaces
	// invalid UTF-8, while a value that is itself a string is refused.
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

// registered are the claims that stand for the endpoint's decisions, or for a
// proof that it has checked (cnf, act). A hook that could set them could issue
// a token for somebody else.
var registered = [...]string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "grant_id", "cnf", "act",
}

// AppendJSON appends the claims as one JSON object. It refuses a token that
// lacks a required claim, a registered name in Claims (iss sub aud exp iat nbf
// jti client_id scope grant_id cnf act, in whatever case), a value that encoding/json
// cannot encode, and invalid UTF-8. With an error it returns b as it was.
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
		o.text("grant_id", t.Family)
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

// audience writes aud. A token for nobody in particular is accepted by
// everybody, so an empty audience is an error (RFC 9068 §2.2).
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

// scope writes the scopes as one string. A scope with a space in it would be
// read as two, so the characters are checked.
func (o *object) scope(scope []string) {
	if len(scope) == 0 {
		return
	}
	o.name("scope")
	o.b = append(o.b, '"')
	for i, s := range scope {
		if !validScope(s) {
			o.fail("scope", errScope)
			return
		}
		if i > 0 {
			o.b = append(o.b, ' ')
		}
		o.b = append(o.b, s...) // nothing in it needs an escape
	}
	o.b = append(o.b, '"')
}

// validScope reports whether s is a scope-token: %x21 / %x23-5B / %x5D-7E.
func validScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return s != ""
}

func (o *object) custom(name string, value any) {
	for _, r := range registered {
		// JSON tells "sub" from "Sub", but decoders such as encoding/json let
		// the one stand for the other, and the last one wins.
		if strings.EqualFold(name, r) {
			o.fail(r, errReserved)
			return
		}
	}
	o.value(name, value)
}

// fail keeps the first fault. It names a claim, never a value: values are
// personal data.
func (o *object) fail(claim string, err error) {
	if o.err == nil {
		o.err = fmt.Errorf("jws: access token: claim %q: %w", claim, err)
	}
}
