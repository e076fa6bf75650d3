package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

// start is when the tests take place.
var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// The keys are made once: RSA keys take long.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
		return must(rsa.GenerateKey(rand.Reader, 2048))
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey {
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	})
	edKey = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

// signingKey returns a key in memory for the algorithm.
func signingKey(algorithm string) jws.Key {
	switch algorithm {
	case jws.RS256, jws.PS256:
		return jws.Key{Signer: rsaKey(), Algorithm: algorithm}
	case jws.ES256:
		return jws.Key{Signer: ecKey(), Algorithm: algorithm}
	}
	return jws.Key{Signer: edKey(), Algorithm: algorithm}
}

var algorithms = []string{jws.RS256, jws.PS256, jws.ES256, jws.EdDSA}

// remote is a signer as a KMS client would be: it hides the key's type.
type remote struct{ crypto.Signer }

// scripted is a signer that gives one answer.
type scripted struct {
	public    crypto.PublicKey
	signature []byte
	err       error
}

func (s scripted) Public() crypto.PublicKey { return s.public }

func (s scripted) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.signature, s.err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newKeySet(t testing.TB, signing jws.Key, others ...jws.Key) *jws.KeySet {
	t.Helper()
	s, err := jws.NewKeySet(signing, others...)
	if err != nil {
		t.Fatalf("NewKeySet = %v, want no error", err)
	}
	return s
}

func sign(t testing.TB, s *jws.KeySet, typ, payload string) string {
	t.Helper()
	token, err := s.Sign(t.Context(), typ, []byte(payload), start)
	if err != nil {
		t.Fatalf("Sign = %v, want no error", err)
	}
	return token
}

// split takes a compact token apart without go-jose.
func split(t testing.TB, token string) (input string, header map[string]any, payload, signature []byte) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token %q has %d parts, want 3", token, len(parts))
	}
	if err := json.Unmarshal(decode(t, parts[0]), &header); err != nil {
		t.Fatalf("header of %q: %v", token, err)
	}
	return parts[0] + "." + parts[1], header, decode(t, parts[1]), decode(t, parts[2])
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		t.Fatalf("base64url %q: %v", text, err)
	}
	return b
}

// joseKeys reads a JWKS as a verifier does.
func joseKeys(t testing.TB, document []byte) *jose.JSONWebKeySet {
	t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal(document, set); err != nil {
		t.Fatalf("JWKS %s: %v", document, err)
	}
	return set
}

// otherRSA is a second RSA key.
var otherRSA = sync.OnceValue(func() *rsa.PrivateKey {
	return must(rsa.GenerateKey(rand.Reader, 2048))
})
