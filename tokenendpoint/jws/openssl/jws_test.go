//go:build cgo && openssl

package openssl_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/jws/openssl"
	"github.com/go-jose/go-jose/v4"
)

func newKeySet(t testing.TB, key jws.Key) *jws.KeySet {
	t.Helper()
	keys, err := jws.NewKeySet(key)
	if err != nil {
		t.Fatalf("NewKeySet = %v, want no error", err)
	}
	return keys
}

func signToken(t testing.TB, keys *jws.KeySet, payload []byte) string {
	t.Helper()
	token, err := keys.Sign(t.Context(), jws.TypeAccessToken, payload, time.Now())
	if err != nil {
		t.Fatalf("KeySet.Sign = %v, want no error", err)
	}
	return token
}

func TestKeySetSignsWithIt(t *testing.T) {
	payload := []byte(`{"sub":"u1"}`)
	for algorithm, opts := range map[string]crypto.SignerOpts{
		jws.RS256: crypto.SHA256,
		jws.PS256: pss(crypto.SHA256, 32), // RFC 7518 §3.5
	} {
		t.Run(algorithm, func(t *testing.T) {
			key := key2048()
			keys := newKeySet(t, jws.Key{Signer: newSigner(t, key), Algorithm: algorithm})
			token := signToken(t, keys, payload)

			parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
			if err != nil {
				t.Fatalf("jose.ParseSignedCompact = %v, want no error", err)
			}
			if got, err := parsed.Verify(key.Public()); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("jose verifies %q, %v, want %q", got, err, payload)
			}
			dot := strings.LastIndexByte(token, '.')
			digest := sha256.Sum256([]byte(token[:dot]))
			signature := must(base64.RawURLEncoding.Strict().DecodeString(token[dot+1:]))
			verify(t, &key.PublicKey, digest[:], signature, opts)

			inGo := newKeySet(t, jws.Key{Signer: key, Algorithm: algorithm})
			if got, want := keys.JWKS(), inGo.JWKS(); !bytes.Equal(got, want) {
				t.Errorf("JWKS = %s, want that of the key in Go, %s", got, want)
			}
			if algorithm == jws.RS256 && token != signToken(t, inGo, payload) {
				t.Errorf("token = %s, want the one of the key in Go", token)
			}
		})
	}
}

func TestKeySetRefusesASignerThatNobodyMade(t *testing.T) {
	for name, signer := range map[string]*openssl.Signer{"nil": nil, "zero": new(openssl.Signer)} {
		if keys, err := jws.NewKeySet(jws.Key{Signer: signer}); err == nil {
			t.Errorf("NewKeySet of a signer that is %s = %v, want an error", name, keys)
		}
	}
}
