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
	keys, err := jws.NewKeySet(jws.Key{Signer: exampleKey()})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// exampleKey is a key for examples that do not sign.
func exampleKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }
