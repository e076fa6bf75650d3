package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// resource is a protected resource (RFC 6750): it shows the claims of the
// access token that a request bears. A real one fetches the keys from the
// jwks.json of the issuer, where this one is handed them.
type resource struct {
	keys *jose.JSONWebKeySet
}

func newResource(jwks []byte) (*resource, error) {
	keys := new(jose.JSONWebKeySet)
	if err := json.Unmarshal(jwks, keys); err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	return &resource{keys: keys}, nil
}

// ServeHTTP answers with the claims, or with 401 and what RFC 6750 §3 says of
// it: no error code for a request that shows no token at all.
func (s *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="demo"`)
		http.Error(w, "show an access token: Authorization: Bearer …", http.StatusUnauthorized)
		return
	}
	claims, err := s.verify(token, time.Now())
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="demo", error="invalid_token"`)
		http.Error(w, "the access token is not valid here", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(claims, '\n'))
}

var (
	errType   = errors.New("the token is not an access token")
	errExpiry = errors.New("the token has expired, or never does")
)

// verify returns the claims of a token of our issuer, for us, that is still
// good. The algorithm is ours to choose, never the token's (RFC 8725 §3.1).
func (s *resource) verify(token string, now time.Time) (json.RawMessage, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, err
	}
	var all json.RawMessage
	var known jwt.Claims
	if err := parsed.Claims(s.keys, &all, &known); err != nil {
		return nil, err
	}
	if parsed.Headers[0].ExtraHeaders[jose.HeaderType] != jws.TypeJWT {
		return nil, errType
	}
	if known.Expiry == nil || !now.Before(known.Expiry.Time()) { // Validate lets a token without exp pass
		return nil, errExpiry
	}
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: now}
	if err := known.ValidateWithLeeway(expected, 0); err != nil {
		return nil, err
	}
	return all, nil
}
