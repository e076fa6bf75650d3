package jws_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// members returns a published key with some members changed; those that are nil
// are left out.
func members(t testing.TB, algorithm string, changed map[string]any) string {
	t.Helper()
	key := signingKey(algorithm)
	key.ID = "k"
	m := parseJWKS(t, newKeySet(t, key).JWKS()).Keys[0]
	maps.Copy(m, changed)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return string(must(json.Marshal(m)))
}

func privateJWK(t testing.TB, key jws.Key) string {
	t.Helper()
	return string(must(json.Marshal(jose.JSONWebKey{Key: key.Signer, KeyID: "k"})))
}

// remoteOf returns the keys of a document with these keys and one more, "good".
func remoteOf(t testing.TB, logger *slog.Logger, keys ...string) *jws.Remote {
	t.Helper()
	good := string(must(json.Marshal(parseJWKS(t, newKeySet(t, jws.Key{Signer: edKey(), ID: "good"}).JWKS()).Keys[0])))
	s := &jwksServer{answer: saying(200, `{"keys":[`+strings.Join(append(keys, good), ",")+`]}`)}
	return newRemoteWith(t, s, logger)
}

func TestRemoteKeysOfNoUse(t *testing.T) {
	set := func(name string, value any) map[string]any { return map[string]any{name: value} }
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	for _, tt := range []struct{ name, key, want string }{
		{"a private P-256 key", privateJWK(t, signingKey(jws.ES256)), "private"},
		{"a private RSA key", privateJWK(t, signingKey(jws.RS256)), "private"},
		{"a private Ed25519 key", privateJWK(t, signingKey(jws.EdDSA)), "private"},
		{"a symmetric key", `{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0"}`, "private or symmetric"},
		{"a symmetric key without its value", `{"kty":"oct","kid":"k"}`, "malformed"},
		{"a prime of RSA", members(t, jws.RS256, set("p", "AQAB")), "private"},
		{"an empty d", members(t, jws.ES256, set("d", "")), "private"},
		{"a kid that is a number", members(t, jws.ES256, set("kid", 7)), "malformed"},
		{"a kid with a control character", members(t, jws.ES256, set("kid", "k\n")), "not printable"},
		{"for encryption", members(t, jws.RS256, set("use", "enc")), "not for signatures"},
		{"for nothing", members(t, jws.RS256, set("use", "")), "not for signatures"},
		{"to sign with", members(t, jws.RS256, set("key_ops", []string{"sign"})), "not for signatures"},
		{"for no operation", members(t, jws.RS256, set("key_ops", []string{})), "not for signatures"},
		{"another algorithm", members(t, jws.RS256, set("alg", "RS512")), "algorithm"},
		{"an algorithm to encrypt", members(t, jws.RS256, set("alg", "RSA-OAEP")), "algorithm"},
		{"none", members(t, jws.RS256, set("alg", "none")), "algorithm"},
		{"HS256 with the public key", members(t, jws.RS256, set("alg", "HS256")), "algorithm"},
		{"the algorithm of another type", members(t, jws.ES256, set("alg", jws.RS256)), "does not fit"},
		{"RSA of 1024 bits", members(t, jws.RS256, set("n", number(withBits(1024).N))), "1024 bits"},
		{"RSA of 2047 bits", members(t, jws.RS256, set("n", number(withBits(2047).N))), "2047 bits"},
		{"RSA of 4097 bits", members(t, jws.RS256, set("n", number(withBits(4097).N))), "malformed"},
		{"the RSA exponent 1", members(t, jws.RS256, set("e", "AQ")), "malformed"},
		{"an even RSA exponent", members(t, jws.RS256, set("e", "AQAA")), "exponent"},
		{"an RSA exponent beyond all", members(t, jws.RS256, set("e", strings.Repeat("AQAB", 10))), "malformed"},
		{"RSA without n", members(t, jws.RS256, set("n", nil)), "malformed"},
		{"n that is no base64url", members(t, jws.RS256, set("n", "*")), "malformed"},
		{"P-384", members(t, jws.ES256, set("crv", "P-384")), "malformed"},
		{"a curve of Bitcoin", members(t, jws.ES256, set("crv", "secp256k1")), "malformed"},
		{"a point off the curve", members(t, jws.ES256, set("x", strings.Repeat("A", 43))), "malformed"},
		{"P-256 without y", members(t, jws.ES256, set("y", nil)), "malformed"},
		{"X25519", members(t, jws.EdDSA, set("crv", "X25519")), "malformed"},
		{"half an Ed25519 key", members(t, jws.EdDSA, set("x", "AAAA")), "malformed"},
		{"no kty", members(t, jws.EdDSA, set("kty", nil)), "malformed"},
		{"another kty", members(t, jws.EdDSA, set("kty", "XYZ")), "malformed"},
		{"null", "null", "malformed"},
		{"a number", "7", "malformed"},
		{"a list", "[]", "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			r := remoteOf(t, slog.New(slog.NewTextHandler(&log, nil)), tt.key)
			wantKey(t, r, "k", "unknown")
			wantKey(t, r, "k\n", "unknown")
			wantKey(t, r, "good", "key")
			if !strings.Contains(log.String(), "key 0: ") || !strings.Contains(log.String(), tt.want) {
				t.Errorf("the log has no reason with %q: %s", tt.want, log.String())
			}
		})
	}
}

func TestRemoteKeysOfUse(t *testing.T) {
	for _, algorithm := range algorithms {
		for name, changed := range map[string]map[string]any{
			"as a KeySet publishes it":  {},
			"without use":               {"use": nil},
			"to verify with":            {"use": nil, "key_ops": []string{"verify"}},
			"with an unknown member":    {"expires": 7},
			"with a broken certificate": {"x5c": []string{"AAAA"}, "x5t": "*", "x5u": "::"},
		} {
			r := remoteOf(t, slog.New(slog.DiscardHandler), members(t, algorithm, changed))
			if k := wantKey(t, r, "k", "key"); k != nil && k.Algorithm() != algorithm {
				t.Errorf("%s, %s: the algorithm is %s", algorithm, name, k.Algorithm())
			}
		}
	}
	for algorithm, want := range map[string]string{jws.RS256: jws.RS256, jws.PS256: jws.RS256, jws.ES256: jws.ES256, jws.EdDSA: jws.EdDSA} {
		r := remoteOf(t, slog.New(slog.DiscardHandler), members(t, algorithm, map[string]any{"alg": nil}))
		if k := wantKey(t, r, "k", "key"); k != nil && k.Algorithm() != want {
			t.Errorf("a key for %s without alg serves %s, want %s", algorithm, k.Algorithm(), want)
		}
	}
}

func TestRemoteKeysWithOneID(t *testing.T) {
	ec, ed, rsa := members(t, jws.ES256, nil), members(t, jws.EdDSA, nil), members(t, jws.RS256, nil)
	unusable := members(t, jws.RS256, map[string]any{"use": "enc"})
	for _, tt := range []struct {
		name string
		keys []string
		want string
	}{
		{"one key twice", []string{ec, ec}, "key"},
		{"two keys", []string{ec, ed}, "unknown"},
		{"three keys", []string{ec, ed, rsa}, "unknown"},
		{"the first again", []string{ec, ed, ec}, "unknown"},
		{"one key with two algorithms", []string{rsa, members(t, jws.PS256, nil)}, "unknown"},
		{"one to encrypt with beside it", []string{ec, unusable}, "key"},
		{"one to encrypt with before it", []string{unusable, ec}, "key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := remoteOf(t, slog.New(slog.DiscardHandler), tt.keys...)
			wantKey(t, r, "k", tt.want)
			wantKey(t, r, "good", "key")
		})
	}
}

func TestRemoteTakesAHundredKeys(t *testing.T) {
	keys := make([]string, 99)
	for i := range keys {
		keys[i] = members(t, jws.EdDSA, map[string]any{"kid": fmt.Sprint("k", i)})
	}
	wantKey(t, remoteOf(t, slog.New(slog.DiscardHandler), keys...), "k98", "key")
}

// FuzzRemote compares a Remote with go-jose: every key that it takes from a document
// is in the document, is public, and has one of our algorithms.
func FuzzRemote(f *testing.F) {
	f.Add(string(mixed(f).JWKS()), "next")
	f.Add(`{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`, "a")
	f.Add(`{"keys":[`+members(f, jws.ES256, nil)+`,`+members(f, jws.EdDSA, nil)+`]}`, "k")
	f.Fuzz(func(t *testing.T, document, id string) {
		r := newRemote(t, &jwksServer{answer: saying(200, document)})
		k, err := r.PublicKey(t.Context(), id, start)
		if got := verdict(k, err); got == "neither" || strings.HasPrefix(got, "both") {
			t.Fatalf("PublicKey = %v, %v", k, err)
		}
		if err != nil {
			return
		}
		if k.ID() != id || id == "" || !slices.Contains(algorithms, k.Algorithm()) {
			t.Errorf("PublicKey(%q) has the id %q and the algorithm %q", id, k.ID(), k.Algorithm())
		}
		var set struct{ Keys []json.RawMessage }
		if err := json.Unmarshal([]byte(document), &set); err != nil {
			t.Fatalf("a key was found in %q, which is not a key set: %v", document, err)
		}
	})
}
