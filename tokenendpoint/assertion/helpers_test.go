package assertion_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const server = "https://as.test"

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// signer is a party that signs assertions with an Ed25519 key.
type signer struct {
	key ed25519.PrivateKey
	id  string
}

func newSigner(t testing.TB, id string) signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, id}
}

// keys are the verification keys of some signers.
func keys(t testing.TB, signers ...signer) *jws.StaticKeys {
	t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	for _, s := range signers {
		set.Keys = append(set.Keys, map[string]string{
			"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": s.id,
			"x": base64.RawURLEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey)),
		})
	}
	document, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jws.ParseJWKS(document)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// raw signs a header and a payload as they are.
func (s signer) raw(header, payload string) string {
	message := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return message + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(message)))
}

// sign signs claims, under the header of most libraries.
func (s signer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return s.raw(`{"alg":"EdDSA","kid":"`+s.id+`","typ":"JWT"}`, string(payload))
}

// good are the claims of a client assertion that is good at now, but for changes. A
// change to nil leaves a claim out.
func good(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": "c1", "sub": "c1", "aud": server, "jti": "j1",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// client is the configuration for the assertions of the client c1.
func client(t testing.TB, signers ...signer) assertion.Config {
	t.Helper()
	return assertion.Config{Issuer: "c1", Subject: "c1", Keys: keys(t, signers...), Audience: []string{server}}
}

func newVerifier(t testing.TB, c assertion.Config) *assertion.Verifier {
	t.Helper()
	v, err := assertion.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
