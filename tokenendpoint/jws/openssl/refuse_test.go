package openssl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws/openssl"
)

// spoiled returns a copy of the key, without precomputed values, to change.
func spoiled(change func(*rsa.PrivateKey)) *rsa.PrivateKey {
	k := key2048()
	key := &rsa.PrivateKey{PublicKey: k.PublicKey, D: k.D, Primes: slices.Clone(k.Primes)}
	change(key)
	return key
}

// These hold in every build: keys are checked before OpenSSL sees them.
func TestNewSignerRefuses(t *testing.T) {
	//lint:ignore SA1019 there is no other way to such a key
	threePrimes := must(rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048))
	phi := new(big.Int).Mul(
		new(big.Int).Sub(key2048().Primes[0], big.NewInt(1)), new(big.Int).Sub(key2048().Primes[1], big.NewInt(1)))
	for _, tt := range []struct {
		name string
		key  *rsa.PrivateKey
		want string
	}{
		{"no key", nil, "nil or incomplete"},
		{"an empty key", &rsa.PrivateKey{}, "nil or incomplete"},
		{"no private exponent", spoiled(func(k *rsa.PrivateKey) { k.D = nil }), "nil or incomplete"},
		{"a nil prime", spoiled(func(k *rsa.PrivateKey) { k.Primes[1] = nil }), "nil or incomplete"},
		{"only a public key", &rsa.PrivateKey{PublicKey: key2048().PublicKey}, "nil or incomplete"},
		{"1024 bits", must(rsa.GenerateKey(rand.Reader, 1024)), "1024 bits, fewer than 2048"},
		{"2047 bits", must(rsa.GenerateKey(rand.Reader, 2047)), "2047 bits, fewer than 2048"},
		{"three primes", threePrimes, "two primes"},
		{"no primes", spoiled(func(k *rsa.PrivateKey) { k.Primes = nil }), "two primes"},
		{"a negative modulus", spoiled(func(k *rsa.PrivateKey) { k.N = new(big.Int).Neg(k.N) }), "not positive"},
		{"a negative exponent", spoiled(func(k *rsa.PrivateKey) { k.D = new(big.Int).Neg(k.D) }), "not positive"},
		{"a negative prime", spoiled(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int).Neg(k.Primes[0]) }), "not positive"},
		{"a prime of zero", spoiled(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int) }), "not positive"},
		{"halves of two keys", spoiled(func(k *rsa.PrivateKey) { k.PublicKey = key2049().PublicKey }), "crypto/rsa: "},
		{"another public exponent", spoiled(func(k *rsa.PrivateKey) { k.E = 3 }), "crypto/rsa: "},
		{"the exponent of another key", spoiled(func(k *rsa.PrivateKey) { k.D = must(rsa.GenerateKey(rand.Reader, 2047)).D }), "crypto/rsa: "},
		{"a private exponent above the modulus", spoiled(func(k *rsa.PrivateKey) { k.D = new(big.Int).Add(k.D, phi.Lsh(phi, 8)) }), ""},
		{"one prime twice", spoiled(func(k *rsa.PrivateKey) { k.Primes[1] = k.Primes[0] }), "crypto/rsa: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signer, err := openssl.NewSigner(tt.key)
			if err == nil || signer != nil {
				t.Fatalf("NewSigner = %v, %v, want an error", signer, err)
			}
			if errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("NewSigner = %v, want the fault of the key", err)
			}
			if !strings.HasPrefix(err.Error(), "openssl: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewSigner = %q, want openssl: … %q", err, tt.want)
			}
		})
	}
}

func TestSignerThatNobodyMade(t *testing.T) {
	digest := sum(crypto.SHA256, "")
	for name, signer := range map[string]*openssl.Signer{"nil": nil, "zero": new(openssl.Signer)} {
		t.Run(name, func(t *testing.T) {
			if public := signer.Public(); public != nil {
				t.Errorf("Public = %v, want nil", public)
			}
			signature, err := signer.Sign(rand.Reader, digest, crypto.SHA256)
			if err == nil || signature != nil || !strings.HasPrefix(err.Error(), "openssl: ") {
				t.Errorf("Sign = %x, %v, want an error that begins with openssl:", signature, err)
			}
		})
	}
}
