package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least size of an RSA modulus (RFC 7518 §3.3).
const (
	minRSABits = 2048
	// maxRSABits bounds the work of one verification, since a client that registers
	// itself brings its own key: one of 96,000 bits takes most of a second. TLS of Go has
	// this bound too.
	maxRSABits = 8192
)

var (
	errNoSigner     = errors.New("the signer is nil")
	errSecondSigner = errors.New("it has a Signer, and only the first key signs: give Public instead")
	errTwoHalves    = errors.New("both Signer and Public are set")
	errMalformed    = errors.New("the private key is malformed")
	errNoPublicKey  = errors.New("the public key is nil or incomplete")
	errNotP256      = errors.New("the curve is not P-256")
	errOffCurve     = errors.New("the public key is not a point of the curve")
	errExponent     = errors.New("the RSA public exponent is even or below 3")
	errKeyID        = errors.New("the id is not printable ASCII")
)

// publicKey asks the signer for its public key. The keys of the standard library
// panic if they are nil or lack a part.
func (k Key) publicKey() (crypto.PublicKey, error) {
	switch {
	case k.Signer != nil && k.Public != nil:
		return nil, errTwoHalves
	case k.Signer == nil && k.Public != nil:
		return k.Public, nil
	case k.Signer == nil:
		return nil, errNoSigner
	}
	if v := reflect.ValueOf(k.Signer); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, errNoSigner
	}
	switch key := k.Signer.(type) {
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return nil, errMalformed
		}
	case *ecdsa.PrivateKey:
		//lint:ignore SA1019 every method panics on a key without D
		if key.D == nil {
			return nil, errMalformed
		}
	}
	return k.Signer.Public(), nil
}

// newJWK returns the public key as it is published, and all of its faults.
func newJWK(public crypto.PublicKey, algorithm, id string) (jwk jose.JSONWebKey, faults []error) {
	jwk = jose.JSONWebKey{Key: public, KeyID: id, Algorithm: algorithm, Use: "sig"}
	if !printable(id) {
		faults = append(faults, errKeyID)
	}
	known := algorithm == "" || slices.Contains(Algorithms(), algorithm)
	if !known {
		faults = append(faults, fmt.Errorf("the algorithm %q is none of RS256, PS256, ES256, EdDSA", algorithm))
	}
	fitting, err := algorithms(public)
	if err != nil {
		faults = append(faults, err)
	}
	if len(fitting) > 0 && algorithm == "" {
		jwk.Algorithm = fitting[0]
	}
	if len(fitting) > 0 && known && !slices.Contains(fitting, jwk.Algorithm) {
		faults = append(faults, fmt.Errorf("the algorithm %s does not fit a key of type %T", algorithm, public))
	}
	if err != nil || id != "" {
		return jwk, faults
	}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jwk, append(faults, err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return jwk, faults
}

// algorithms returns the algorithms for a key of this type, the default first, and
// the fault of the key. Errors name its type, never the key: a private key given by
// mistake must not show up in a log.
func algorithms(public crypto.PublicKey) ([]string, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return []string{RS256, PS256}, checkRSA(key)
	case *ecdsa.PublicKey:
		return []string{ES256}, checkECDSA(key)
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return []string{EdDSA}, errNoPublicKey
		}
		return []string{EdDSA}, nil
	case nil:
		return nil, errNoPublicKey
	default:
		return nil, fmt.Errorf("a key of type %T is not a public key of RSA, P-256 or Ed25519", public)
	}
}

func checkRSA(key *rsa.PublicKey) error {
	switch {
	case key == nil || key.N == nil:
		return errNoPublicKey
	case key.N.BitLen() < minRSABits:
		return fmt.Errorf("the RSA key has %d bits, fewer than %d", key.N.BitLen(), minRSABits)
	case key.N.BitLen() > maxRSABits:
		return fmt.Errorf("the RSA key has %d bits, more than %d", key.N.BitLen(), maxRSABits)
	case key.E < 3 || key.E%2 == 0:
		return errExponent
	}
	return nil
}

func checkECDSA(key *ecdsa.PublicKey) error {
	switch {
	//lint:ignore SA1019 every method panics on a key without X and Y
	case key == nil || key.Curve == nil || key.X == nil || key.Y == nil:
		return errNoPublicKey
	case key.Curve != elliptic.P256():
		return errNotP256
	}
	if _, err := key.ECDH(); err != nil { // it checks the point
		return errOffCurve
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
