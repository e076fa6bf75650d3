package jws_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

type document struct{ Keys []map[string]any }

func parseJWKS(t testing.TB, b []byte) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatalf("JWKS %s: %v", b, err)
	}
	return d
}

// mixed publishes a key of each type.
func mixed(t testing.TB) *jws.KeySet {
	return newKeySet(t, jws.Key{Signer: ecKey()},
		jws.Key{Public: rsaKey().Public(), Algorithm: jws.PS256, ID: "next"},
		jws.Key{Public: edKey().Public()})
}

func TestJWKSMembers(t *testing.T) {
	d := parseJWKS(t, mixed(t).JWKS())
	want := []struct {
		alg, kid string
		members  []string
	}{
		{jws.ES256, "", []string{"alg", "crv", "kid", "kty", "use", "x", "y"}},
		{jws.PS256, "next", []string{"alg", "e", "kid", "kty", "n", "use"}},
		{jws.EdDSA, "", []string{"alg", "crv", "kid", "kty", "use", "x"}},
	}
	if len(d.Keys) != len(want) {
		t.Fatalf("the key set has %d keys, want %d", len(d.Keys), len(want))
	}
	for i, want := range want {
		key := d.Keys[i]
		if key["alg"] != want.alg || key["use"] != "sig" || want.kid != "" && key["kid"] != want.kid {
			t.Errorf("key %d = %v, want alg %s, use sig, kid %q", i, key, want.alg, want.kid)
		}
		if len(key) != len(want.members) {
			t.Errorf("key %d has %d members, want %v", i, len(key), want.members)
		}
		for _, m := range want.members {
			if s, ok := key[m].(string); !ok || s == "" {
				t.Errorf("key %d: %s = %v, want a string", i, m, key[m])
			}
		}
	}
}

func TestTokenVerifiesByTheKeySetItNames(t *testing.T) {
	s := mixed(t)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(s.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(sign(t, s, jws.TypeAccessToken, payload), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.Verify(set); err != nil || string(got) != payload {
		t.Errorf("Verify = %q, %v, want %q", got, err, payload)
	}
}

func TestKeyIDIsTheThumbprint(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  jws.Key
		want string
	}{
		{"RFC 7638 §3.1", jws.Key{Public: &rsa.PublicKey{
			N: new(big.Int).SetBytes(decode(t, "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")),
			E: 65537,
		}}, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037 A.3", jws.Key{
			Public: ed25519.PublicKey(decode(t, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
		}, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parseJWKS(t, newKeySet(t, signingKey(jws.ES256), tt.key).JWKS())
			if got := d.Keys[1]["kid"]; got != tt.want {
				t.Errorf("kid = %v, want %s", got, tt.want)
			}
		})
	}
}

func TestJWKSIsACopy(t *testing.T) {
	s := mixed(t)
	want := string(s.JWKS())
	clear(s.JWKS())
	if got := string(s.JWKS()); got != want {
		t.Errorf("JWKS after a caller wrote into it = %s, want %s", got, want)
	}
}

func serve(s *jws.KeySet, method string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
	r.Header = header
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestServeHTTP(t *testing.T) {
	s := mixed(t)
	etag := serve(s, "GET", nil).Header.Get("ETag")
	full := http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=300"},
		"Etag": {etag}, "X-Content-Type-Options": {"nosniff"},
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"ETag, Retry-After"},
	}
	unchanged := full.Clone()
	unchanged.Del("Content-Type")
	document := string(s.JWKS())
	for _, tt := range []struct {
		name, method, ifNoneMatch string
		status                    int
		header                    http.Header
		body                      string
	}{
		{"GET answers with the key set", "GET", "", 200, full, document},
		{"HEAD answers without a body", "HEAD", "", 200, full, ""},
		{"P14: a known ETag is not sent again", "GET", etag, 304, unchanged, ""},
		{"a known ETag among others", "GET", `"x", ` + etag, 304, unchanged, ""},
		{"a weak ETag, as proxies make it", "GET", "W/" + etag, 304, unchanged, ""},
		{"any ETag", "GET", "*", 304, unchanged, ""},
		{"HEAD with a known ETag", "HEAD", etag, 304, unchanged, ""},
		{"another ETag gets the key set", "GET", `"x"`, 200, full, document},
		{"POST is refused", "POST", "", 405, http.Header{
			"Allow": {"GET, HEAD, OPTIONS"}, "X-Content-Type-Options": {"nosniff"}, "Access-Control-Allow-Origin": {"*"},
			"Content-Type": {"application/json"}, "Cache-Control": {"no-store"},
		}, `{"error":"invalid_request","error_description":"the method is neither GET nor HEAD"}` + "\n"},
		{"P15: a preflight is answered", "OPTIONS", "", 204, http.Header{
			"Allow": {"GET, HEAD, OPTIONS"}, "X-Content-Type-Options": {"nosniff"}, "Access-Control-Allow-Origin": {"*"},
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := http.Header{}
			if tt.ifNoneMatch != "" {
				in.Set("If-None-Match", tt.ifNoneMatch)
			}
			got := serve(s, tt.method, in)
			var body bytes.Buffer
			body.ReadFrom(got.Body)
			if got.StatusCode != tt.status || body.String() != tt.body {
				t.Errorf("%s = %d %q, want %d %q", tt.method, got.StatusCode, body.String(), tt.status, tt.body)
			}
			for name := range full {
				if !reflect.DeepEqual(got.Header[name], tt.header[name]) {
					t.Errorf("%s = %q, want %q", name, got.Header[name], tt.header[name])
				}
			}
			if allow := got.Header["Allow"]; !reflect.DeepEqual(allow, tt.header["Allow"]) {
				t.Errorf("Allow = %q, want %q", allow, tt.header["Allow"])
			}
		})
	}
}

func TestETagFollowsTheKeys(t *testing.T) {
	etag := func(s *jws.KeySet) string { return serve(s, "GET", nil).Header.Get("ETag") }
	first, again := etag(mixed(t)), etag(mixed(t))
	if first != again || first == "" {
		t.Errorf("ETags of one key set built twice: %s and %s, want one", first, again)
	}
	if other := etag(newKeySet(t, jws.Key{Signer: ecKey()})); other == first {
		t.Errorf("two key sets have the ETag %s", other)
	}
}
