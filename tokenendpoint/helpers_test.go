package tokenendpoint_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

const testVerifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

var testChallenge = func() string {
	sum := sha256.Sum256([]byte(testVerifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}()

var discard = slog.New(slog.DiscardHandler)

// testKeys is a key set with the fastest algorithm.
func testKeys(t testing.TB) *jws.KeySet {
	t.Helper()
	return exampleKeys()
}

// exampleKeys are keys for examples.
func exampleKeys() *jws.KeySet {
	keys, err := jws.NewKeySet(jws.Key{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		panic(err)
	}
	return keys
}
