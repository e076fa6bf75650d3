//go:build cgo && openssl

package openssl_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// BenchmarkSign has each signature in Go, in OpenSSL, and as a ratio of the two.
func BenchmarkSign(b *testing.B) {
	digest := sum(crypto.SHA256, "message")
	for _, bench := range []struct {
		name string
		opts crypto.SignerOpts
	}{{"RS256", crypto.SHA256}, {"PS256", pss(crypto.SHA256, 32)}} {
		with := func(signer crypto.Signer) func() {
			return func() { must(signer.Sign(rand.Reader, digest, bench.opts)) }
		}
		compare(b, bench.name, with(key2048()), with(newSigner(b, key2048())))
	}
}

// BenchmarkToken is the whole work of a [jws.KeySet] for a token of 400 bytes.
func BenchmarkToken(b *testing.B) {
	payload := append(append([]byte(`{"sub":"`), bytes.Repeat([]byte("u"), 390)...), `"}`...)
	for _, algorithm := range []string{jws.RS256, jws.PS256} {
		with := func(signer crypto.Signer) func() {
			keys := newKeySet(b, jws.Key{Signer: signer, Algorithm: algorithm})
			return func() { signToken(b, keys, payload) }
		}
		compare(b, algorithm, with(key2048()), with(newSigner(b, key2048())))
	}
}

// BenchmarkCrowd signs from 32 goroutines per core.
func BenchmarkCrowd(b *testing.B) {
	digest := sum(crypto.SHA256, "message")
	for _, bench := range []struct {
		name   string
		signer crypto.Signer
	}{{"crypto-rsa", key2048()}, {"openssl", newSigner(b, key2048())}} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					must(bench.signer.Sign(rand.Reader, digest, crypto.SHA256))
				}
			})
		})
	}
}

func BenchmarkNewSigner(b *testing.B) {
	for b.Loop() {
		newSigner(b, key2048())
	}
}

// compare measures the two in turn for the ratio, and takes the median of each: other
// work on the machine makes some of the times many times longer.
func compare(b *testing.B, name string, inGo, inOpenSSL func()) {
	pair := []func(){inGo, inOpenSSL}
	for i, where := range []string{"crypto-rsa", "openssl"} {
		b.Run(name+"/"+where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pair[i]()
			}
		})
	}
	b.Run(name+"/ratio", func(b *testing.B) {
		var times [2][]time.Duration
		for b.Loop() {
			for i, sign := range pair {
				start := time.Now()
				sign()
				times[i] = append(times[i], time.Since(start))
			}
		}
		median := func(d []time.Duration) float64 { slices.Sort(d); return float64(d[len(d)/2]) }
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(times[1])/median(times[0]), "openssl/crypto-rsa")
	})
}
