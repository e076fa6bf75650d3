package jws

import (
	"crypto"
	"fmt"
	"time"
)

// The algorithms (RFC 7518 §3.1, RFC 8037 §3.1). There is no "none" and no HMAC:
// every verifier of an HMAC can also sign (RFC 8725 §3.2).
//
// One signature by RS256 or PS256 costs as much as tens of signatures by ES256 or
// EdDSA, and is cheaper to verify (BenchmarkSign, and BenchmarkVerify of package
// bearer). Take ES256 unless a client knows RS256 alone.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	ES256 = "ES256" // ECDSA on P-256 with SHA-256
	EdDSA = "EdDSA" // Ed25519
)

// Algorithms returns the algorithms that this package signs and verifies with.
func Algorithms() []string { return []string{RS256, PS256, ES256, EdDSA} }

// The types of a JWT, for the header's typ.
const (
	TypeAccessToken = "at+jwt" // RFC 9068 §2.1
	TypeJWT         = "JWT"    // RFC 7519 §5.1
)

// Key is a signing key. It prints without its private part. A key in memory must not
// be changed while a [KeySet] signs with it.
type Key struct {
	// Signer is the private key in memory, such as x509.ParsePKCS8PrivateKey returns,
	// or one in a KMS or HSM: only Public and Sign are used. It must be safe for
	// concurrent use. An ECDSA signature must be in ASN.1, as crypto/ecdsa makes it.
	// Public is called when a key set takes the key.
	//
	// If the signer is not a key of the standard library, [KeySet.Sign] waits for it
	// only as long as the context allows, and asks it for at most 64 signatures at
	// once.
	Signer crypto.Signer
	// Public is set instead of Signer if the key is published and does not sign: a
	// former signing key whose private part is gone, or a future one. It is an
	// *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public crypto.PublicKey
	// Algorithm is one of the constants. If empty, RS256 for RSA, ES256 for P-256,
	// EdDSA for Ed25519.
	Algorithm string
	// ID is the kid, in printable ASCII. If empty, the SHA-256 thumbprint of
	// the public key (RFC 7638).
	ID string
	// AnnouncedAt is when the key was first published, and is the same on all
	// replicas. The times of the key follow from it. When they are over, the key is
	// no longer published, even if the source still has it.
	//
	// If zero, it is when a KeySet first sees the key, also at the start: if there
	// are several keys, a process begins with the first. Then the key is published as
	// long as the source has it. Only [OpenKeySet] looks at it.
	AnnouncedAt time.Time
}

// Format prints the algorithm and the id as configured, for every verb.
func (k Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "jws.Key{Algorithm: %q, ID: %q}", k.Algorithm, k.ID)
}

// MarshalText returns the text of [Key.Format], so that a configuration logged as
// JSON does not spell out an RSA key.
func (k Key) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%v", k), nil
}
