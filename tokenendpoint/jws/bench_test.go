package jws_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// BenchmarkSign has the bare signature beside each algorithm: the difference is the
// cost of headers, base64url and go-jose.
func BenchmarkSign(b *testing.B) {
	a := valid()
	claims := must(a.AppendJSON(nil))
	for _, algorithm := range algorithms {
		key := signingKey(algorithm)
		b.Run(algorithm+"/token", func(b *testing.B) {
			s := newKeySet(b, key)
			b.ReportAllocs()
			for b.Loop() {
				must(s.Sign(b.Context(), jws.TypeAccessToken, claims, start))
			}
		})
		b.Run(algorithm+"/bare", func(b *testing.B) {
			random, opts := rand.Reader, crypto.SignerOpts(crypto.SHA256)
			switch algorithm {
			case jws.PS256:
				opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			case jws.ES256:
				random = nil // as KeySet does
			case jws.EdDSA:
				opts = crypto.Hash(0)
			}
			b.ReportAllocs()
			for b.Loop() {
				digest := claims
				if opts.HashFunc() == crypto.SHA256 {
					sum := sha256.Sum256(claims)
					digest = sum[:]
				}
				must(key.Signer.Sign(random, digest, opts))
			}
		})
	}
	b.Run("ES256/bare with random nonce", func(b *testing.B) {
		sum := sha256.Sum256(claims)
		b.ReportAllocs()
		for b.Loop() {
			must(ecKey().Sign(rand.Reader, sum[:], crypto.SHA256))
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	a := valid()
	a.Scope = []string{"read", "write"}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		must(a.AppendJSON(buf))
	}
}
