package openssl

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
)

var (
	errNoOptions = errors.New("openssl: sign: the options are nil")
	errHash      = errors.New("openssl: sign: the hash is none of SHA-256, SHA-384, SHA-512")
	errSalt      = errors.New("openssl: sign: the salt length is negative or does not fit the key")
)

// scheme is the signature that the options ask for.
type scheme struct {
	hash crypto.Hash
	salt int // in bytes; 0 for PKCS #1 v1.5, which has none
}

// newScheme reads the options as [rsa.PrivateKey.Sign] does, for a key of that many
// bits.
func newScheme(opts crypto.SignerOpts, bits int) (scheme, error) {
	pss, isPSS := opts.(*rsa.PSSOptions)
	if opts == nil || isPSS && pss == nil {
		return scheme{}, errNoOptions
	}
	s := scheme{hash: opts.HashFunc()}
	if !slices.Contains([]crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}, s.hash) {
		return scheme{}, errHash
	}
	if !isPSS {
		return s, nil
	}
	// The rest of the encoded message (RFC 8017 §9.1.1).
	most := (bits-1+7)/8 - s.hash.Size() - 2
	switch s.salt = pss.SaltLength; s.salt {
	case rsa.PSSSaltLengthAuto:
		s.salt = most
	case rsa.PSSSaltLengthEqualsHash:
		s.salt = s.hash.Size()
	}
	if s.salt < 1 || s.salt > most {
		return scheme{}, errSalt
	}
	return s, nil
}

func (s scheme) checkDigest(digest []byte) error {
	if len(digest) != s.hash.Size() {
		return fmt.Errorf("openssl: sign: the digest has %d bytes, not the %d of %v", len(digest), s.hash.Size(), s.hash)
	}
	return nil
}
