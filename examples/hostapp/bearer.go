package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// accessToken is what a protected route knows of who calls it.
type accessToken struct {
	jwt.Claims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Tier     string `json:"tier"`
}

// tokenVerifier verifies access tokens (RFC 9068 §4). It needs nothing of the
// token endpoint but its published keys: in a process of its own it would fetch
// them from /.well-known/jwks.json.
type tokenVerifier struct {
	issuer, audience string
	keys             jose.JSONWebKeySet
}

// algorithms is a list of the verifier's own: what the token says of itself
// decides nothing (RFC 8725 §3.1).
var algorithms = []jose.SignatureAlgorithm{jose.ES256}

var (
	errTokenType    = errors.New("hostapp: not an access token")
	errTokenExpired = errors.New("hostapp: the access token has no time left")
)

func newTokenVerifier(issuer, audience string, jwks []byte) (*tokenVerifier, error) {
	v := &tokenVerifier{issuer: issuer, audience: audience}
	if err := json.Unmarshal(jwks, &v.keys); err != nil {
		return nil, fmt.Errorf("hostapp: read key set: %w", err)
	}
	return v, nil
}

func (v *tokenVerifier) verify(text string, now time.Time) (*accessToken, error) {
	signed, err := jwt.ParseSigned(text, algorithms)
	if err != nil {
		return nil, err
	}
	// Another JWT of the same issuer is not an access token (RFC 8725 §3.11).
	if typ, _ := signed.Headers[0].ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, jws.TypeAccessToken) {
		return nil, errTokenType
	}
	var t accessToken
	if err := signed.Claims(v.keys, &t); err != nil {
		return nil, err
	}
	expected := jwt.Expected{Issuer: v.issuer, AnyAudience: jwt.Audience{v.audience}, Time: now}
	if err := t.ValidateWithLeeway(expected, 0); err != nil {
		return nil, err
	}
	if t.Expiry == nil || !now.Before(t.Expiry.Time()) { // go-jose passes a token without exp
		return nil, errTokenExpired
	}
	return &t, nil
}

// protect is for routes that need an access token with a scope (RFC 6750).
func (v *tokenVerifier) protect(scope string, route func(http.ResponseWriter, *http.Request, *accessToken)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			refuseToken(w, http.StatusUnauthorized, "")
			return
		}
		t, err := v.verify(text, time.Now())
		switch {
		case err != nil:
			refuseToken(w, http.StatusUnauthorized, "invalid_token")
		case !slices.Contains(strings.Fields(t.Scope), scope):
			refuseToken(w, http.StatusForbidden, "insufficient_scope")
		default:
			route(w, r, t)
		}
	}
}

// refuseToken answers as RFC 6750 §3 says: a request without a token gets no
// error code.
func refuseToken(w http.ResponseWriter, status int, code string) {
	challenge := `Bearer realm="shop"`
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}
