package assertion_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/memory"
)

// BenchmarkVerify is an assertion beside the verification of its signature alone: the
// claims and the mark should cost little. The mark is added to a store in memory.
func BenchmarkVerify(b *testing.B) {
	key := newSigner(b, "k1")
	v := newVerifier(b, client(b, key))
	text := key.sign(b, good(nil))
	message, encoded := text[:strings.LastIndexByte(text, '.')], text[strings.LastIndexByte(text, '.')+1:]
	signature, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		b.Fatal(err)
	}
	public := key.key.Public().(ed25519.PublicKey)
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if !ed25519.Verify(public, []byte(message), signature) {
				b.Fatal("it does not verify")
			}
		}
	})
	b.Run("assertion", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), text, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("assertion and mark", func(b *testing.B) {
		b.ReportAllocs()
		claims, err := v.Verify(b.Context(), text, now)
		if err != nil {
			b.Fatal(err)
		}
		store := new(memory.Store)
		for i := 0; b.Loop(); i++ {
			if _, err := v.Verify(b.Context(), text, now); err != nil {
				b.Fatal(err)
			}
			mark := claims.Mark(server, "c1", now)
			mark.Digest[0], mark.Digest[1], mark.Digest[2], mark.Digest[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
			if err := store.CreateCredential(b.Context(), mark); err != nil {
				b.Fatal(err)
			}
		}
	})
}
