package jws

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// ParseAccessToken reads what [AccessToken.AppendJSON] writes: the payload that
// [Verify] returns. It returns [ErrInvalid] for what is not of that form, a
// token that lacks a required claim included. Whether the token is meant for
// the caller and has not expired is the caller's to check, and so are nbf, cnf and
// act, which it leaves out: the endpoint issues none. Numbers among the further
// claims are json.Number.
func ParseAccessToken(payload []byte) (*AccessToken, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil {
		return nil, ErrInvalid
	}
	if _, err := d.Token(); err != io.EOF { // not d.More, which takes a brace for an end
		return nil, ErrInvalid
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
	if _, ok := claims["scope"]; ok {
		t.Scope = strings.Split(c.text("scope"), " ")
	}
	if _, ok := claims["grant_id"]; ok {
		t.Family = c.text("grant_id")
	}
	if c.bad {
		return nil, ErrInvalid
	}
	for _, name := range registered {
		delete(claims, name)
	}
	if len(claims) > 0 {
		t.Claims = claims
	}
	return t, nil
}

// HasScope reports whether the token has a scope.
func (t *AccessToken) HasScope(scope string) bool { return slices.Contains(t.Scope, scope) }

// claimReader takes claims that must be there, and remembers if one was not.
type claimReader struct {
	claims map[string]any
	bad    bool
}

func (c *claimReader) text(name string) string {
	s, _ := c.claims[name].(string)
	c.bad = c.bad || s == ""
	return s
}

func (c *claimReader) instant(name string) time.Time {
	n, _ := c.claims[name].(json.Number)
	seconds, err := n.Int64()
	c.bad = c.bad || err != nil
	return time.Unix(seconds, 0).UTC()
}

// audience is a string or a list of them (RFC 7519 §4.1.3).
func (c *claimReader) audience() []string {
	list, isList := c.claims["aud"].([]any)
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
