package bearer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var benchKeys = []struct {
	algorithm string
	key       func() crypto.Signer
}{
	{jws.ES256, func() crypto.Signer { return ecKey() }},
	{jws.EdDSA, func() crypto.Signer { return edKey() }},
	{jws.RS256, func() crypto.Signer { return rsaKey() }},
}

// bareCheck returns the check of a token's signature and nothing else.
func bareCheck(b *testing.B, public crypto.PublicKey, token string) func() bool {
	b.Helper()
	dot := strings.LastIndexByte(token, '.')
	message := []byte(token[:dot])
	signature := must(base64.RawURLEncoding.DecodeString(token[dot+1:]))
	check := func() bool {
		sum := sha256.Sum256(message)
		switch key := public.(type) {
		case *rsa.PublicKey:
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
		case *ecdsa.PublicKey:
			return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		case ed25519.PublicKey:
			return ed25519.Verify(key, message, signature)
		}
		return false
	}
	if !check() {
		b.Fatal("the signature does not verify")
	}
	return check
}

// BenchmarkVerify has the bare check of a signature, a token that comes first, two requests
// and a bare check in turn ("x-bare" is how many bare checks a request costs RequireToken
// whose token comes first, and "remembered" one whose token it remembers), and a token that
// is remembered.
func BenchmarkVerify(b *testing.B) {
	for _, bk := range benchKeys {
		keys := keySet(b, jws.Key{Signer: bk.key(), Algorithm: bk.algorithm})
		tokens := make([]string, 64) // so many that none is still remembered when it comes again
		for i := range tokens {
			tokens[i] = access(b, keys, good(start))
		}
		verify := func(b *testing.B, v *bearer.Verifier, token string) {
			if _, err := v.Verify(b.Context(), token, start); err != nil {
				b.Fatal(err)
			}
		}
		check := bareCheck(b, bk.key().Public(), tokens[0])
		b.Run(bk.algorithm+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check()
			}
		})
		b.Run(bk.algorithm+"/first", func(b *testing.B) {
			v := newVerifier(b, keys, func(c *bearer.Config) { c.CacheSize = 4 })
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				verify(b, v, tokens[n%len(tokens)])
				n++
			}
		})
		b.Run(bk.algorithm+"/first and bare", func(b *testing.B) {
			v := newVerifier(b, keys, func(c *bearer.Config) { c.CacheSize = 4 })
			passed := 0
			handler := v.RequireToken("read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }))
			requests := make([]*http.Request, len(tokens))
			for i := range requests {
				requests[i] = httptest.NewRequest("GET", "/", nil)
				requests[i].Header.Set("Authorization", "Bearer "+access(b, keys, good(time.Now())))
			}
			var first, again, bare testbed.Times
			n := 0
			for b.Loop() {
				begun := time.Now()
				handler.ServeHTTP(nil, requests[n%len(requests)])
				second := time.Now()
				handler.ServeHTTP(nil, requests[n%len(requests)])
				third := time.Now()
				check()
				first, again, bare = append(first, second.Sub(begun)), append(again, third.Sub(second)), append(bare, time.Since(third))
				n++
			}
			if passed != 2*n {
				b.Fatalf("%d of %d requests were let through", passed, 2*n)
			}
			b.ReportMetric(first.Over(bare), "x-bare")
			b.ReportMetric(again.Over(bare), "remembered")
		})
		b.Run(bk.algorithm+"/remembered", func(b *testing.B) {
			v := newVerifier(b, keys, nil)
			verify(b, v, tokens[0])
			b.ReportAllocs()
			for b.Loop() {
				verify(b, v, tokens[0])
			}
		})
	}
}

// BenchmarkRequireToken has whole requests whose token is remembered, beside
// the handler without it.
func BenchmarkRequireToken(b *testing.B) {
	keys := edKeys(b)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	reading := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { bearer.Token(r.Context()) })
	store := new(revocations)
	verifier := func(s bearer.Revocations) *bearer.Verifier {
		return newVerifier(b, keys, func(c *bearer.Config) { c.Revocations = s })
	}
	for _, bb := range []struct {
		name    string
		handler http.Handler
	}{
		{"without", handler},
		{"remembered", verifier(nil).RequireToken("read")(handler)},
		{"remembered, claims read", verifier(nil).RequireToken("read")(reading)},
		{"store in memory asked", verifier(store).RequireToken("read")(handler)},
		{"store cached", verifier(cached(b, store, time.Minute)).RequireToken("read")(handler)},
		{"refused", verifier(nil).RequireToken("admin")(handler)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+access(b, keys, good(time.Now())))
			b.ReportAllocs()
			for b.Loop() {
				bb.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// BenchmarkParallel has 64 goroutines at a thousand remembered tokens.
func BenchmarkParallel(b *testing.B) {
	keys := edKeys(b)
	v := newVerifier(b, keys, nil)
	tokens := make([]string, 1000)
	for i := range tokens {
		tokens[i] = access(b, keys, good(start))
		if _, err := v.Verify(b.Context(), tokens[i], start); err != nil {
			b.Fatal(err)
		}
	}
	signatures := bearer.CountVerifications(v)
	b.SetParallelism(max(64/runtime.GOMAXPROCS(0), 1))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := v.Verify(b.Context(), tokens[i%len(tokens)], start); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(signatures.Load())/float64(b.N), "signatures/op")
}

func BenchmarkCachedRevocations(b *testing.B) {
	c := cached(b, bearer.RevocationsFunc(func(context.Context, string, string) (bool, error) { return false, nil }), time.Minute)
	var id [36]byte
	b.ReportAllocs()
	for b.Loop() {
		binary.NativeEndian.PutUint64(id[:], (binary.NativeEndian.Uint64(id[:])+1)%1000)
		if revoked, err := c.Revoked(b.Context(), string(id[:]), "family-1"); revoked || err != nil {
			b.Fatal(revoked, err)
		}
	}
}
