package tokenendpoint_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var keyRules = []rule{
	{"K01_typ_alg_and_a_kid_that_the_JWKS_has", k01},
	{"K09_weak_keys_and_algorithms_are_refused", k09},
	{"K10_a_signer_that_fails_consumes_nothing", k10},
	{"K13_the_standard_library_verifies_every_algorithm", k13},
}

// k01 wants these three members in the header and no other: a verifier may act
// on every further member.
func k01(t *testing.T) {
	for _, typ := range []string{"", jws.TypeAccessToken, jws.TypeJWT} {
		f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.TokenType = typ })
		want := map[string]any{"typ": typ, "alg": "ES256", "kid": f.Keys.SigningKey(time.Now()).ID()}
		if typ == "" {
			want["typ"] = "at+jwt"
		}
		for grant, r := range f.Requests(f.C1) {
			got := f.Send(r).Tokens()
			for name := range got.Header {
				if got.Header[name] != want[name] {
					t.Errorf("%s: the header is %v, want %v", grant, got.Header, want)
				}
			}
			if len(got.Header) != len(want) {
				t.Errorf("%s: the header is %v, want %v", grant, got.Header, want)
			}
			verifyByJWKS(t, f.Keys, got.AccessToken)
		}
	}
}

// k09: an endpoint takes its keys from a KeySet alone, and a KeySet refuses
// these.
func k09(t *testing.T) {
	testbed.New(t, openMemory)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := new(big.Int).SetBit(big.NewInt(1), 1023, 1)
	weak := publicOnly{&rsa.PublicKey{N: n, E: 65537}}
	for name, key := range map[string]jws.Key{
		"none":               {Signer: testbed.SigningKey(), Algorithm: "none"},
		"HS256":              {Signer: testbed.SigningKey(), Algorithm: "HS256"},
		"RSA of 1024 bits":   {Signer: weak},
		"RS256 with an EC":   {Signer: testbed.SigningKey(), Algorithm: "RS256"},
		"P-384":              {Signer: p384},
		"a symmetric secret": {Signer: publicOnly{[]byte("a secret that everybody shares..")}},
		"no key":             {},
	} {
		if _, err := jws.NewKeySet(key); err == nil {
			t.Errorf("%s: NewKeySet accepts it, want an error", name)
		}
	}
	if _, err := tokenendpoint.New(tokenendpoint.Config{}); err == nil || !strings.Contains(err.Error(), "Keys is nil") {
		t.Errorf("New without keys returns %v, want it to miss them", err)
	}
}

// publicOnly has a public key and never signs.
type publicOnly struct{ public crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.public }

func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("there is no private key")
}

// signer is a key service. It works unless the test tells it to do otherwise.
type signer struct {
	*ecdsa.PrivateKey
	mu      sync.Mutex
	instead func() ([]byte, error)
	takes   time.Duration
}

func (s *signer) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.mu.Lock()
	instead, takes := s.instead, s.takes
	s.mu.Unlock()
	time.Sleep(takes)
	if instead != nil {
		return instead()
	}
	return s.PrivateKey.Sign(random, digest, opts)
}

func (s *signer) do(instead func() ([]byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = instead
}

// delay makes each signature take as long.
func (s *signer) delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = d
}

// signedBy makes the endpoint sign with s.
func signedBy(t *testing.T, s crypto.Signer) testbed.Option {
	return func(c *tokenendpoint.Config) {
		keys, err := jws.NewKeySet(jws.Key{Signer: s})
		if err != nil {
			t.Fatal(err)
		}
		c.Keys = keys
	}
}

// k10: ruling R16 makes it a 503, and a panic of the signer a 500.
func k10(t *testing.T) {
	s := &signer{PrivateKey: testbed.SigningKey()}
	f := testbed.New(t, openMemory, signedBy(t, s))
	for name, instead := range map[string]func() ([]byte, error){
		"an error":          func() ([]byte, error) { return nil, errors.New("the key service is down") },
		"no signature":      func() ([]byte, error) { return nil, nil },
		"half a signature":  func() ([]byte, error) { return []byte{0x30, 0x06, 0x02, 0x01}, nil },
		"a panic":           func() ([]byte, error) { panic("the key service is gone") },
		"another algorithm": func() ([]byte, error) { return bytes.Repeat([]byte{1}, 256), nil },
	} {
		requests := f.Requests(f.C1)
		s.do(instead)
		f.Store.Counted()
		for grant, r := range requests {
			reply := f.Send(r)
			if name == "a panic" {
				reply.RefusedWith(500, "server_error")
			} else {
				reply.Unavailable()
			}
			f.Outcome(tokenendpoint.Failed)
			if strings.Contains(reply.Body, "key service") {
				t.Errorf("%s, %s: the client sees %s", name, grant, reply.Body)
			}
		}
		f.WroteNothing()
		s.do(nil)
		for _, r := range requests {
			f.Send(r).Tokens()
		}
	}
}

// k13 verifies with the standard library and the published JWKS alone.
func k13(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []jws.Key{
		{Signer: testbed.SigningKey()},
		{Signer: rsaKey, ID: "by name"},
		{Signer: rsaKey, Algorithm: jws.PS256},
		{Signer: edKey},
	} {
		keys, err := jws.NewKeySet(key, jws.Key{Public: testbed.SigningKey().Public(), ID: "another"})
		if err != nil {
			t.Fatal(err)
		}
		f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Keys = keys })
		for range 8 { // an ECDSA signature is short now and then
			token, _ := f.Send(testbed.ClientCredentials(f.C1)).Envelope()["access_token"].(string)
			verifyByJWKS(t, keys, token)
		}
	}
}

// verifyByJWKS verifies a token by the key that the published document has
// under its kid.
func verifyByJWKS(t testing.TB, keys *jws.KeySet, token string) {
	t.Helper()
	w := httptest.NewRecorder()
	keys.ServeHTTP(w, httptest.NewRequest("GET", "/jwks.json", nil))
	var document struct{ Keys []map[string]string }
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
		t.Fatalf("the JWKS %s: %v", w.Body, err)
	}
	signed := token[:strings.LastIndexByte(token, '.')]
	head, _, _ := strings.Cut(token, ".")
	var header struct{ Alg, Kid string }
	if err := json.Unmarshal(unbase64(head), &header); err != nil {
		t.Fatalf("the header of %q: %v", token, err)
	}
	signature := unbase64(token[len(signed)+1:])
	for _, key := range document.Keys {
		if key["kid"] != header.Kid {
			continue
		}
		if key["alg"] != header.Alg || key["use"] != "sig" || !verify(key, []byte(signed), signature) {
			t.Errorf("the token %q does not verify by %v", token, key)
		}
		return
	}
	t.Errorf("kid %q is not in the JWKS %s", header.Kid, w.Body)
}

func verify(key map[string]string, signed, signature []byte) bool {
	number := func(name string) *big.Int { return new(big.Int).SetBytes(unbase64(key[name])) }
	sum := sha256.Sum256(signed)
	rsaKey := &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	switch key["alg"] {
	case "ES256":
		point := slices.Concat([]byte{4}, unbase64(key["x"]), unbase64(key["y"]))
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return err == nil && key["crv"] == "P-256" && len(signature) == 64 && ecdsa.Verify(public, sum[:], r, s)
	case "RS256":
		return rsa.VerifyPKCS1v15(rsaKey, crypto.SHA256, sum[:], signature) == nil
	case "PS256":
		return rsa.VerifyPSS(rsaKey, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: 32}) == nil
	case "EdDSA":
		return key["crv"] == "Ed25519" && ed25519.Verify(unbase64(key["x"]), signed, signature)
	}
	return false
}

func unbase64(s string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return make([]byte, 64) // it verifies nothing
	}
	return b
}

// timedK10: an answer that comes too late is an outage too.
func timedK10(t *testing.T) {
	s := &signer{PrivateKey: testbed.SigningKey()}
	f := testbed.NewTimed(t, openMemory, signedBy(t, s))
	requests := f.Requests(f.C1)
	s.delay(20 * time.Second)
	f.Store.Counted()
	for grant, r := range requests {
		start := time.Now()
		f.Send(r).Unavailable()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: the answer took %v, want that the signer is not waited for beyond the timeout", grant, took)
		}
	}
	f.WroteNothing()
	time.Sleep(20 * time.Second) // the signer ends a signature that nobody waits for
	s.delay(0)
	for _, r := range requests {
		f.Send(r).Tokens()
	}
}
