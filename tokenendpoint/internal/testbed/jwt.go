package testbed

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// Decode verifies an access token with the standard library alone and returns
// its header and its claims.
func Decode(t testing.TB, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the access token %q has %d parts", token, len(parts))
	}
	raw := make([][]byte, 3)
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil {
			t.Fatalf("part %d of the access token: %v", i, err)
		}
		raw[i] = b
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])
	if len(raw[2]) != 64 || !ecdsa.Verify(&SigningKey().PublicKey, sum[:], r, s) {
		t.Fatal("the signature of the access token is wrong")
	}
	for i, m := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(raw[i], m); err != nil {
			t.Fatalf("part %d of the access token: %v", i, err)
		}
	}
	return header, claims
}
