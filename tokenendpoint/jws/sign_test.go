package jws_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/go-jose/go-jose/v4"
)

const payload = `{"sub":"u1"}`

func TestEverySignatureVerifies(t *testing.T) {
	for _, algorithm := range algorithms {
		inMemory := signingKey(algorithm)
		opaque := inMemory
		opaque.Signer = remote{inMemory.Signer}
		for where, key := range map[string]jws.Key{"key in memory": inMemory, "opaque signer": opaque} {
			t.Run(algorithm+" "+where, func(t *testing.T) {
				s := newKeySet(t, key)
				token := sign(t, s, jws.TypeAccessToken, payload)
				verifyGoJose(t, token, algorithm, key.Signer.Public())
				verifyStandardLibrary(t, token, algorithm, key.Signer.Public())
			})
		}
	}
}

func verifyGoJose(t *testing.T, token, algorithm string, public crypto.PublicKey) {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		t.Fatalf("jose.ParseSignedCompact = %v, want no error", err)
	}
	got, err := parsed.Verify(public)
	if err != nil || string(got) != payload {
		t.Errorf("jose verifies %q, %v, want %q", got, err, payload)
	}
}

func verifyStandardLibrary(t *testing.T, token, algorithm string, public crypto.PublicKey) {
	t.Helper()
	input, _, body, signature := split(t, token)
	if string(body) != payload {
		t.Errorf("payload = %q, want %q", body, payload)
	}
	digest := sha256.Sum256([]byte(input))
	var err error
	switch key := public.(type) {
	case *rsa.PublicKey:
		if algorithm == jws.PS256 {
			err = rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: 32})
		} else {
			err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
		}
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			t.Fatalf("the ES256 signature has %d bytes, want 64", len(signature))
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		if !ecdsa.Verify(key, digest[:], r, s) {
			err = errors.New("ecdsa.Verify = false")
		}
	case ed25519.PublicKey:
		if !ed25519.Verify(key, []byte(input), signature) {
			err = errors.New("ed25519.Verify = false")
		}
	}
	if err != nil {
		t.Errorf("%s with the standard library: %v, want no error", algorithm, err)
	}
}

func TestHeaderHasAlgTypKidAndNothingElse(t *testing.T) {
	s := newKeySet(t, jws.Key{Signer: edKey(), ID: `k <&> "1" \`})
	for _, typ := range []string{jws.TypeAccessToken, jws.TypeJWT, "logout+jwt"} {
		token := sign(t, s, typ, payload)
		_, got, _, _ := split(t, token)
		want := map[string]any{"alg": "EdDSA", "typ": typ, "kid": `k <&> "1" \`}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("header = %v, want %v", got, want)
		}
		verifyGoJose(t, token, jws.EdDSA, edKey().Public())
	}
	if key := s.SigningKey(start); key.Algorithm() != "EdDSA" || key.ID() != `k <&> "1" \` {
		t.Errorf("SigningKey = %q, %q, want those of the header", key.Algorithm(), key.ID())
	}
}

func TestSignRefusesTypes(t *testing.T) {
	s := newKeySet(t, signingKey(jws.EdDSA))
	for name, typ := range map[string]string{
		"an empty type is refused":         "",
		"a control character is refused":   "at+jwt\n",
		"a type outside ASCII is refused":  "ät+jwt",
		"an invalid UTF-8 type is refused": "at+jwt\xff",
	} {
		t.Run(name, func(t *testing.T) {
			token, err := s.Sign(t.Context(), typ, []byte(payload), start)
			if err == nil || token != "" {
				t.Errorf("Sign(%q) = %q, %v, want an error", typ, token, err)
			}
		})
	}
}

// demanding fails as many HSM clients do when they get no source of randomness.
type demanding struct{ crypto.Signer }

func (d demanding) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if random == nil {
		return nil, errors.New("no source of randomness")
	}
	return d.Signer.Sign(random, digest, opts)
}

func TestOpaqueSignerGetsRandomness(t *testing.T) {
	for _, algorithm := range algorithms {
		key := signingKey(algorithm)
		key.Signer = demanding{key.Signer}
		sign(t, newKeySet(t, key), jws.TypeJWT, payload) // fails the test on an error
	}
}

func der(r, s *big.Int) []byte { return must(asn1.Marshal(struct{ R, S *big.Int }{r, s})) }

func TestFailingSigner(t *testing.T) {
	outage := errors.New("kms: unreachable")
	rsaPublic, ecPublic, edPublic := rsaKey().Public(), ecKey().Public(), edKey().Public()
	one, wide := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 256)
	for _, tt := range []struct {
		name   string
		signer scripted
	}{
		{"the signer's error is passed on", scripted{public: ecPublic, err: outage}},
		{"an RSA signature that is too short is refused", scripted{public: rsaPublic, signature: make([]byte, 255)}},
		{"an RSA signature that is too long is refused", scripted{public: rsaPublic, signature: make([]byte, 257)}},
		{"RSA of 3072 bits does not sign in 256 bytes", scripted{public: withBits(3072), signature: make([]byte, 256)}},
		{"an Ed25519 signature that is too short is refused", scripted{public: edPublic, signature: make([]byte, 63)}},
		{"an empty signature is refused", scripted{public: edPublic}},
		{"an empty ECDSA signature is refused", scripted{public: ecPublic}},
		{"an ECDSA signature that is not ASN.1 is refused", scripted{public: ecPublic, signature: make([]byte, 64)}},
		{"bytes after the ASN.1 are refused", scripted{public: ecPublic, signature: append(der(one, one), 0)}},
		{"a third integer is refused", scripted{public: ecPublic, signature: must(asn1.Marshal([]int{1, 1, 1}))}},
		{"r of 257 bits is refused", scripted{public: ecPublic, signature: der(wide, one)}},
		{"s of 257 bits is refused", scripted{public: ecPublic, signature: der(one, wide)}},
		{"r = 0 is refused", scripted{public: ecPublic, signature: der(new(big.Int), one)}},
		{"s = 0 is refused", scripted{public: ecPublic, signature: der(one, new(big.Int))}},
		{"negative s is refused", scripted{public: ecPublic, signature: der(one, big.NewInt(-1))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token, err := newKeySet(t, jws.Key{Signer: tt.signer}).Sign(t.Context(), jws.TypeJWT, []byte(payload), start)
			if err == nil || token != "" || !strings.HasPrefix(err.Error(), "jws: ") {
				t.Fatalf("Sign = %q, %v, want an error that begins with jws:", token, err)
			}
			if tt.signer.err != nil && !errors.Is(err, tt.signer.err) {
				t.Errorf("Sign = %v, want it to wrap %v", err, tt.signer.err)
			}
		})
	}
}

func TestShortECDSAIntegersArePadded(t *testing.T) {
	s := newKeySet(t, jws.Key{Signer: scripted{public: ecKey().Public(), signature: der(big.NewInt(0x80), big.NewInt(0x0102))}})
	_, _, _, got := split(t, sign(t, s, jws.TypeJWT, payload))
	want := make([]byte, 64)
	want[31], want[62], want[63] = 0x80, 1, 2
	if !reflect.DeepEqual(got, want) {
		t.Errorf("signature = %x, want %x (RFC 7518 §3.4)", got, want)
	}
}

func TestLongerRSASignatureIsTaken(t *testing.T) {
	want := bytes.Repeat([]byte{7}, 384)
	s := newKeySet(t, jws.Key{Signer: scripted{public: withBits(3072), signature: want}})
	if _, _, _, got := split(t, sign(t, s, jws.TypeJWT, payload)); !bytes.Equal(got, want) {
		t.Errorf("signature = %x, want %x", got, want)
	}
}

func TestDoneContextIsNotSigned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The signer would fail too. The caller must not see its error.
	s := newKeySet(t, jws.Key{Signer: scripted{public: edKey().Public(), err: errors.New("asked")}})
	if _, err := s.Sign(ctx, jws.TypeJWT, []byte(payload), start); !errors.Is(err, context.Canceled) {
		t.Errorf("Sign = %v, want %v", err, context.Canceled)
	}
}

func TestConcurrentSigning(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			key := signingKey(algorithm)
			s := newKeySet(t, key)
			var crowd sync.WaitGroup
			for i := range 32 {
				crowd.Go(func() {
					typ := []string{jws.TypeAccessToken, jws.TypeJWT, "logout+jwt"}[i%3]
					token, err := s.Sign(t.Context(), typ, []byte(payload), start)
					if err != nil {
						t.Errorf("Sign = %v, want no error", err)
						return
					}
					parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
					if err != nil {
						t.Errorf("ParseSignedCompact = %v, want no error", err)
						return
					}
					if _, err := parsed.Verify(key.Signer.Public()); err != nil {
						t.Errorf("Verify = %v, want no error", err)
					}
				})
			}
			crowd.Wait()
		})
	}
}
