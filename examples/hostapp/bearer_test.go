package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/contit/oauth/tokenendpoint/jws"
)

var algorithms = []jose.SignatureAlgorithm{jose.ES256}

// unverified decodes the claims of a token.
func (r *running) unverified(text string, claims any) {
	r.Helper()
	t, err := jwt.ParseSigned(text, algorithms)
	if err == nil {
		err = t.UnsafeClaimsWithoutVerification(claims)
	}
	if err != nil {
		r.Fatalf("decoding a token: got error %v", err)
	}
}

func TestProtectedRoute(t *testing.T) {
	shop := open(t, 0)
	otherKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("drawing a key: got error %v", err)
	}
	forger, err := jws.NewKeySet(jws.Key{Signer: otherKey, ID: shop.keys.SigningKey(time.Now()).ID()})
	if err != nil {
		t.Fatalf("NewKeySet: got error %v", err)
	}
	now := time.Now()
	good := jws.AccessToken{
		Issuer: shop.issuer, Subject: "user:1", ClientID: appClient, ID: "1", Audience: []string{shop.audience()},
		Scope: []string{scopeOrders}, IssuedAt: now, ExpiresAt: now.Add(time.Minute),
	}
	sign := func(keys *jws.KeySet, typ string, change func(*jws.AccessToken)) string {
		token := good
		change(&token)
		claims, err := token.AppendJSON(nil)
		if err != nil {
			t.Fatalf("AppendJSON: got error %v", err)
		}
		text, err := keys.Sign(context.Background(), typ, claims, time.Now())
		if err != nil {
			t.Fatalf("Sign: got error %v", err)
		}
		return "Bearer " + text
	}
	same := func(*jws.AccessToken) {}
	right := sign(shop.keys, jws.TypeAccessToken, same)
	withoutExp, err := shop.keys.Sign(t.Context(), jws.TypeAccessToken,
		[]byte(`{"iss":"`+shop.issuer+`","aud":"`+shop.audience()+`","sub":"user:1","scope":"orders:read"}`), time.Now())
	if err != nil {
		t.Fatalf("Sign: got error %v", err)
	}

	tests := []struct {
		name, authorization string
		status              int
		challenge           string
	}{
		{"a right token", right, http.StatusOK, ""},
		{"the scheme in lower case", "b" + right[1:], http.StatusOK, ""},
		{"no token", "", http.StatusUnauthorized, `Bearer realm="api", scope="orders:read", resource_metadata="` + shop.issuer + `/.well-known/oauth-protected-resource/api"`},
		{"another scheme", "Basic YTpi", http.StatusUnauthorized, `Bearer realm="api", scope="orders:read", resource_metadata="` + shop.issuer + `/.well-known/oauth-protected-resource/api"`},
		{"no JWT", "Bearer abc", http.StatusUnauthorized, "invalid_token"},
		{"an expired token", sign(shop.keys, jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.IssuedAt, a.ExpiresAt = now.Add(-2*time.Minute), now.Add(-time.Minute)
		}), http.StatusUnauthorized, "invalid_token"},
		{"a token without exp", "Bearer " + withoutExp, http.StatusUnauthorized, "invalid_token"},
		{"a token of another issuer", sign(shop.keys, jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.Issuer = "https://other.example"
		}), http.StatusUnauthorized, "invalid_token"},
		{"a token for another API", sign(shop.keys, jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.Audience = []string{"other-api"}
		}), http.StatusUnauthorized, "invalid_token"},
		{"another type of token", sign(shop.keys, jws.TypeJWT, same), http.StatusUnauthorized, "invalid_token"},
		{"a token that another key signed", sign(forger, jws.TypeAccessToken, same), http.StatusUnauthorized, "invalid_token"},
		{"a token whose claims were changed", tampered(right), http.StatusUnauthorized, "invalid_token"},
		{"a token that nobody signed", unsigned(right), http.StatusUnauthorized, "invalid_token"},
		{"a token signed with the public key as a secret", "Bearer " + hmacToken(t, shop.keys.JWKS()), http.StatusUnauthorized, "invalid_token"},
		{"a token of another scope", sign(shop.keys, jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.Scope = []string{scopeProfile, "orders:readx"}
		}), http.StatusForbidden, "insufficient_scope"},
		{"a client that acts for itself", sign(shop.keys, jws.TypeAccessToken, func(a *jws.AccessToken) {
			a.Subject = partnerClient
		}), http.StatusForbidden, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, challenge, body := shop.ask(test.authorization)
			if status != test.status || !strings.Contains(challenge, test.challenge) || strings.Contains(body, "Teapot") != (status == http.StatusOK) {
				t.Errorf("got %d, challenge %q, body %q, want %d, challenge with %q", status, challenge, body, test.status, test.challenge)
			}
			if strings.HasPrefix(test.challenge, "Bearer ") && challenge != test.challenge {
				t.Errorf("the challenge: got %q, want %q without an error (RFC 6750 §3.1)", challenge, test.challenge)
			}
		})
	}
}

// tampered makes the token's user another one.
func tampered(bearer string) string {
	parts := strings.Split(bearer, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), "user:1", "user:2", 1)))
	return strings.Join(parts, ".")
}

// unsigned makes the token's alg none.
func unsigned(bearer string) string {
	parts := strings.Split(bearer, ".")
	return "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
}

// hmacToken is the classic forgery: the published key serves as the secret.
func hmacToken(t testing.TB, secret []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatalf("NewSigner: got error %v", err)
	}
	text, err := jwt.Signed(signer).Claims(map[string]any{"sub": "user:1"}).Serialize()
	if err != nil {
		t.Fatalf("signing: got error %v", err)
	}
	return text
}
