// Package jws signs the tokens of a token endpoint, publishes the keys that
// verify them, and verifies them.
//
// A [KeySet] signs (RFC 7515), and it is the http.Handler of its own JSON Web
// Key Set (RFC 7517). [AccessToken] writes the claims of an access token (RFC
// 9068). [Verify] holds a token against a KeySet in the same process, or against
// the published keys of another one, which are a [Remote].
//
// # Rotation
//
// [NewKeySet] makes a KeySet that does not change. [OpenKeySet] makes one whose
// keys take turns while the process runs, from a [KeySource]. A key passes
// through three times, and all of them follow from when it was announced and
// from the durations of a [Rotation]:
//
//	announced ─────────► signs ─────────► only verifies ─────────► gone
//	          │                │                          │
//	          │                │                          └ Keep: its tokens, and what replicas are late by
//	          │                └ until its successor signs
//	          └ Lead: what verifiers have cached, and what replicas and clocks are late by
//
// So no verifier meets a token whose key it could not have seen, and none loses
// the key of a token that is still good.
package jws

import (
	"crypto"
	"fmt"
	"time"
)

// The algorithms (RFC 7518 §3.1, RFC 8037 §3.1). There is no "none" and no
// HMAC: whoever can verify an HMAC can also sign (RFC 8725 §3.2).
//
// A signature by RS256 or PS256 costs tens of those by ES256 or EdDSA, and is
// cheaper to verify (BenchmarkSign, and BenchmarkVerify of package bearer). Take
// ES256 unless a client knows RS256 alone.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256 and a salt of 32 bytes
	ES256 = "ES256" // ECDSA on P-256 with SHA-256
	EdDSA = "EdDSA" // Ed25519
)

// The types of a JWT, for the header's typ.
const (
	TypeAccessToken = "at+jwt" // RFC 9068 §2.1
	TypeJWT         = "JWT"    // RFC 7519 §5.1
)

// Key is a signing key. It prints without its private part. A key in memory
// must not be changed while a [KeySet] signs with it.
type Key struct {
	// Signer is the private key in memory, such as x509.ParsePKCS8PrivateKey
	// gives, or one in a KMS or HSM: only Public and Sign are used. It must be
	// safe for concurrent use. ECDSA signatures are expected in ASN.1, as
	// crypto/ecdsa makes them. Public is asked when a key set takes the key.
	//
	// A signer that is not a key of the standard library is waited for no
	// longer than the context of [KeySet.Sign] allows, and asked for 64
	// signatures at once at most.
	Signer crypto.Signer
	// Public is set instead of Signer if the key is published and does not
	// sign: a former key whose private part is gone. It is of the types of
	// [VerificationKey]. Only [OpenKeySet] takes such a key.
	Public crypto.PublicKey
	// Algorithm is one of the constants. If empty, RS256 for RSA, ES256 for
	// P-256, EdDSA for Ed25519.
	Algorithm string
	// ID is the kid, in printable ASCII. If empty, the SHA-256 thumbprint of
	// the public key (RFC 7638).
	ID string
	// AnnouncedAt is when the key was published first, and is the same on all
	// replicas. The times of the key follow from it, and it is no longer
	// published when they are over, even if the source still has it.
	//
	// If zero, it is when a KeySet sees the key first, also at the start: where
	// there are several keys, a process begins with the first. Then the key is
	// published as long as the source has it. Only [OpenKeySet] looks at it.
	AnnouncedAt time.Time
}

// VerificationKey is a public key that is published but does not sign: a
// former or a future signing key.
type VerificationKey struct {
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public crypto.PublicKey
	// Algorithm is as in [Key]; name it where the signing key names it.
	Algorithm string
	// ID is as in [Key].
	ID string
}

// Format prints the algorithm and the id as configured, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "jws.Key{Algorithm: %q, ID: %q}", k.Algorithm, k.ID)
}

// MarshalText returns what [Key.Format] prints, so that a configuration that
// is logged as JSON does not spell out an RSA key.
func (k Key) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%v", k), nil
}
