package clientauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// assertionDecoys are paid for by an assertion that is refused before a signature was
// verified. So every assertion costs the verification of one, whether the client exists,
// and whichever key and algorithm it has: its time tells nothing (rulings R4 and R31).
// Two things still show to an attacker that measures: a client that has many keys, or longer
// ones, and keys that have to be fetched.
type assertionDecoys struct {
	verifier *assertion.Verifier
	observe  func(algorithm string) // tests count with it
}

// newAssertionDecoys makes a key for each algorithm. Nobody has the private halves:
// they are not kept, and the moduli of the RSA keys are random.
func newAssertionDecoys(issuer string) (*assertionDecoys, error) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 4, then x and y of 32 bytes each
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	modulus := func() string {
		n := make([]byte, 256)
		rand.Read(n)
		n[0], n[255] = n[0]|0x80, n[255]|1
		return encode(n)
	}
	document, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "OKP", "crv": "Ed25519", "alg": jws.EdDSA, "x": encode(public)},
		{"kty": "EC", "crv": "P-256", "alg": jws.ES256, "x": encode(point[1:33]), "y": encode(point[33:])},
		{"kty": "RSA", "alg": jws.RS256, "n": modulus(), "e": "AQAB"},
		{"kty": "RSA", "alg": jws.PS256, "n": modulus(), "e": "AQAB"},
	}})
	if err != nil {
		return nil, err
	}
	keys, err := jws.ParseJWKS(document)
	if err != nil {
		return nil, err
	}
	verifier, err := assertion.New(assertion.Config{Issuer: issuer, Keys: keys, Audience: []string{issuer}})
	return &assertionDecoys{verifier: verifier}, err
}

// pay verifies the signature of an assertion by the key of its algorithm. Nothing
// follows from the result. The rest of its header is left out, so that neither its kid
// nor its typ ends that early.
func (d *assertionDecoys) pay(ctx context.Context, text storage.Secret, at time.Time) {
	encoded, rest, _ := strings.Cut(text.Reveal(), ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	var said struct {
		Algorithm string `json:"alg"`
	}
	if err != nil || json.Unmarshal(header, &said) != nil {
		return
	}
	header, err = json.Marshal(said)
	if err != nil {
		return
	}
	_, err = d.verifier.Verify(ctx, base64.RawURLEncoding.EncodeToString(header)+"."+rest, at)
	if d.observe != nil && errors.Is(err, jws.ErrSignature) {
		d.observe(said.Algorithm)
	}
}
