// Package jws signs the tokens of a token endpoint and publishes the keys that
// verify them.
//
// A [KeySet] holds one signing key and any number of keys that are only
// published. It signs (RFC 7515), and it is the http.Handler of its own JSON
// Web Key Set (RFC 7517). [AccessToken] writes the claims of an access token
// (RFC 9068).
//
// # Rotation
//
// A KeySet does not change; to rotate, build the next one, and with it a new
// token endpoint, and exchange the two handlers. Publish the new key
// as a [VerificationKey] first, and sign with it when every verifier has seen
// it: verifiers may cache the key set for five minutes. Keep the old key
// published until the last token that it signed has expired.
package jws

import (
	"crypto"
	"fmt"
)

// The algorithms (RFC 7518 §3.1, RFC 8037 §3.1). There is no "none" and no
// HMAC: whoever can verify an HMAC can also sign (RFC 8725 §3.2).
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
	// gives, or one in a KMS or HSM: only Public and Sign are used. It must be safe for concurrent use. ECDSA signatures
	// are expected in ASN.1, as crypto/ecdsa makes them. Public is called once.
	Signer crypto.Signer
	// Algorithm is one of the constants. If empty, RS256 for RSA, ES256 for
	// P-256, EdDSA for Ed25519.
	Algorithm string
	// ID is the kid, in printable ASCII. If empty, the SHA-256 thumbprint of
	// the public key (RFC 7638).
	ID string
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
