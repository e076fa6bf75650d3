//go:build cgo && openssl

package openssl

import "crypto/rsa"

// Flatten returns the numbers that NewSigner passes to OpenSSL.
func Flatten(key *rsa.PrivateKey) []byte { return flatten(key) }

// NewUnchecked returns a signer of these numbers, right or wrong.
func NewUnchecked(public *rsa.PublicKey, numbers []byte) (*Signer, error) {
	key, err := importKey(numbers, public.Size())
	return &Signer{public: public, key: key, turns: make(chan struct{}, 1)}, err
}

// SignUnchecked goes past the checks of Sign.
func (s *Signer) SignUnchecked(digest []byte, salt int, signature []byte) error {
	return s.key.sign(digest, salt, signature)
}

// Prove is the last step of NewSigner.
func (s *Signer) Prove() error { return s.prove() }
