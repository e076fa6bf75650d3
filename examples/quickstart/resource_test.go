package main

// In the package itself, since only the server can sign the tokens that this
// refuses.

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestResource(t *testing.T) {
	const issuer = "http://127.0.0.1:8080"
	keys, signer := newKeys(t)
	others, _ := newKeys(t)
	endpoint, err := newEndpoint(new(memory.Store), keys, issuer)
	if err != nil {
		t.Fatal(err)
	}
	protected := endpoint.RequireToken()(http.HandlerFunc(resource))
	now := time.Now().Unix()
	good := func() map[string]any {
		return map[string]any{"iss": issuer, "aud": audience, "sub": "u1", "client_id": "c", "jti": "1", "iat": now, "exp": now + 60}
	}
	with := func(name string, value any) map[string]any {
		c := good()
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return c
	}
	token := sign(t, keys, jws.TypeJWT, good())

	const none = `Bearer realm="api"`
	const (
		pages   = `, error_uri="http://127.0.0.1:8080/docs/errors/` // of the reference page
		invalid = `Bearer realm="api", error="invalid_token"` + pages + `invalid_token"`
	)
	for _, test := range []struct{ name, authorization, challenge string }{
		{"a good token", "Bearer " + token, ""},
		{"the scheme in lower case", "bearer " + token, ""},
		{"one of several audiences", "Bearer " + sign(t, keys, jws.TypeJWT, with("aud", []string{"other", audience})), ""},

		{"no token", "", none},
		{"another scheme", "Basic bXktYXBwLWlk", none},
		{"an empty token", "Bearer ", `Bearer realm="api", error="invalid_request"` + pages + `invalid_request"`},
		{"no JWT", "Bearer rt_abc", invalid},
		{"another issuer", "Bearer " + sign(t, keys, jws.TypeJWT, with("iss", "https://evil.example")), invalid},
		{"no issuer", "Bearer " + sign(t, keys, jws.TypeJWT, with("iss", nil)), invalid},
		{"another audience", "Bearer " + sign(t, keys, jws.TypeJWT, with("aud", "other")), invalid},
		{"no audience", "Bearer " + sign(t, keys, jws.TypeJWT, with("aud", nil)), invalid},
		{"expired", "Bearer " + sign(t, keys, jws.TypeJWT, with("exp", now-60)), invalid},
		{"no expiry", "Bearer " + sign(t, keys, jws.TypeJWT, with("exp", nil)), invalid},
		{"issued in the future", "Bearer " + sign(t, keys, jws.TypeJWT, with("iat", now+120)), invalid},
		{"no client", "Bearer " + sign(t, keys, jws.TypeJWT, with("client_id", nil)), invalid},
		{"another type", "Bearer " + sign(t, keys, "logout+jwt", good()), invalid},
		{"another key", "Bearer " + sign(t, others, jws.TypeJWT, good()), invalid},
		{"another algorithm of the right key", "Bearer " + signPS256(t, keys.SigningKey(time.Now()).ID(), signer, good()), invalid},
		{"other claims under the signature", "Bearer " + swapClaims(token, sign(t, keys, jws.TypeJWT, with("sub", "u2"))), invalid},
		{"no signature", "Bearer " + token[:strings.LastIndexByte(token, '.')+1], invalid},
		{"no algorithm", "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" + token[strings.IndexByte(token, '.'):strings.LastIndexByte(token, '.')+1], invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/demo/resource", nil)
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			w := httptest.NewRecorder()
			protected.ServeHTTP(w, r)
			wantStatus := http.StatusOK
			switch {
			case strings.Contains(test.challenge, "invalid_request"):
				wantStatus = http.StatusBadRequest
			case test.challenge != "":
				wantStatus = http.StatusUnauthorized
			}
			if got := w.Header().Get("WWW-Authenticate"); w.Code != wantStatus || got != test.challenge {
				t.Errorf("%d with %q, want %d with %q", w.Code, got, wantStatus, test.challenge)
			}
			var claims map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &claims); wantStatus == http.StatusOK && (err != nil || claims["sub"] != "u1") {
				t.Errorf("body = %s, want the claims", w.Body)
			}
		})
	}
}

func newKeys(t testing.TB) (*jws.KeySet, *rsa.PrivateKey) {
	t.Helper()
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	return keys, signer
}

func sign(t testing.TB, keys *jws.KeySet, typ string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := keys.Sign(t.Context(), typ, payload, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// signPS256 signs with the right key under an algorithm that the server does
// not use, and under the kid of the published key.
func signPS256(t testing.TB, kid string, signer *rsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	options := new(jose.SignerOptions).WithType(jws.TypeJWT).WithHeader("kid", kid)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: signer}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// swapClaims puts the claims of one token between header and signature of
// another.
func swapClaims(token, claims string) string {
	a, b := strings.Split(token, "."), strings.Split(claims, ".")
	return a[0] + "." + b[1] + "." + a[2]
}
