package jws

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
)

// ParseAccessToken reads the payload that [Verify] returns and
// [AccessToken.AppendJSON] writes. It returns [ErrClaims] for any other form, and for
// a token that lacks a required claim. The caller checks that the token is meant for
// it and has not expired, and that the client shows the certificate of a
// CertificateThumbprint. It also checks nbf, act, and a cnf that has more than an
// x5t#S256, which are left out here: the endpoint issues none. Numbers among the further
// claims are json.Number.
func ParseAccessToken(payload []byte) (*AccessToken, error) {
	var few [12]member // on the stack
	claims, err := decodeObject(payload, few[:0])
	if err != nil {
		return nil, ErrClaims
	}
	c := claimReader{claims: claims}
	t := &AccessToken{
		Issuer:    c.text("iss"),
		Subject:   c.text("sub"),
		ClientID:  c.text("client_id"),
		ID:        c.text("jti"),
		Audience:  c.audience(),
		IssuedAt:  c.instant("iat"),
		ExpiresAt: c.instant("exp"),
	}
	known := 7 // of the members that are read here
	if _, ok := claims.find("scope"); ok {
		t.Scope = strings.Split(c.text("scope"), " ")
		known++
	}
	if _, ok := claims.find("family"); ok {
		t.Family = c.text("family")
		known++
	}
	if value, ok := claims.find("cnf"); ok {
		cnf, _ := value.(map[string]any)
		t.CertificateThumbprint, _ = cnf["x5t#S256"].(string)
		known++
	}
	if c.bad {
		return nil, ErrClaims
	}
	if len(claims) > known {
		t.Claims = claims.further()
	}
	return t, nil
}

// further returns the claims that are not registered, or nil.
func (m members) further() map[string]any {
	var claims map[string]any
	for _, c := range m {
		if claim, reserved := grants.ReservedClaim(c.name); reserved && claim == c.name {
			continue
		}
		if claims == nil {
			claims = make(map[string]any)
		}
		claims[c.name] = c.value
	}
	return claims
}

// HasScope reports whether the token has a scope.
func (t *AccessToken) HasScope(scope string) bool { return slices.Contains(t.Scope, scope) }

// claimReader reads required claims, and remembers whether one was missing.
type claimReader struct {
	claims members
	bad    bool
}

func (c *claimReader) text(name string) string {
	s, _, _ := c.claims.text(name)
	c.bad = c.bad || s == ""
	return s
}

func (c *claimReader) instant(name string) time.Time {
	value, _ := c.claims.find(name)
	n, _ := value.(json.Number)
	seconds, err := n.Int64()
	c.bad = c.bad || err != nil
	return time.Unix(seconds, 0).UTC()
}

// audience reads a string or a list of strings (RFC 7519 §4.1.3).
func (c *claimReader) audience() []string {
	value, _ := c.claims.find("aud")
	list, isList := value.([]any)
	if !isList {
		return []string{c.text("aud")}
	}
	audience := make([]string, len(list))
	for i, one := range list {
		s, _ := one.(string)
		c.bad = c.bad || s == ""
		audience[i] = s
	}
	c.bad = c.bad || len(list) == 0
	return audience
}
