package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errDER = errors.New("the signer's ECDSA signature is not two 256-bit integers in ASN.1")

// privateKey lets go-jose sign through a crypto.Signer, so that a key in
// memory and one in a KMS take the same path.
type privateKey struct {
	// A function, because it is the one thing that fmt never looks into. With
	// the wrong verb it prints what lies behind pointers and interfaces.
	sign     func(digest []byte) ([]byte, error)
	inMemory bool
	hash     crypto.Hash // 0 for Ed25519, which signs the message itself
	size     int         // of a signature, in bytes
	jwk      *jose.JSONWebKey
}

var _ jose.OpaqueSigner = (*privateKey)(nil)

// newPrivateKey expects a jwk without faults.
func newPrivateKey(signer crypto.Signer, jwk *jose.JSONWebKey) *privateKey {
	k := &privateKey{hash: crypto.SHA256, size: 64, jwk: jwk}
	if jwk.Algorithm == EdDSA {
		k.hash = 0
	}
	if public, ok := jwk.Key.(*rsa.PublicKey); ok {
		k.size = public.Size()
	}
	var opts crypto.SignerOpts = k.hash
	if jwk.Algorithm == PS256 { // RFC 7518 §3.5: the salt is as long as the hash
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	random := rand.Reader
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		// A key put together by hand lacks the values that make it fast. They
		// go into a copy, as the caller's key may be in use elsewhere.
		own := *key
		own.Precompute()
		signer, k.inMemory = &own, true
	case *ecdsa.PrivateKey:
		// Without a source of randomness crypto/ecdsa derives the nonce (RFC
		// 6979): faster, and no weak random number can give the key away.
		random, k.inMemory = nil, true
	case ed25519.PrivateKey:
		signer, k.inMemory = slices.Clone(key), true
	}
	k.sign = func(digest []byte) ([]byte, error) { return signer.Sign(random, digest, opts) }
	return k
}

func (k *privateKey) algorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(k.jwk.Algorithm)
}

// Public implements jose.OpaqueSigner.
func (k *privateKey) Public() *jose.JSONWebKey { return k.jwk }

// Algs implements jose.OpaqueSigner.
func (k *privateKey) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{k.algorithm()}
}

// SignPayload implements jose.OpaqueSigner.
func (k *privateKey) SignPayload(message []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	digest := message
	if k.hash == crypto.SHA256 {
		sum := sha256.Sum256(message)
		digest = sum[:]
	}
	signature, err := k.sign(digest)
	if err != nil {
		return nil, err
	}
	if k.jwk.Algorithm == ES256 {
		return fixedWidth(signature)
	}
	if len(signature) != k.size {
		return nil, fmt.Errorf("the signer's signature has %d bytes, not %d", len(signature), k.size)
	}
	return signature, nil
}

// fixedWidth turns the ASN.1 of crypto.Signer into r and s, each of 32 bytes
// (RFC 7518 §3.4).
func fixedWidth(der []byte) ([]byte, error) {
	var sequence cryptobyte.String
	var r, s []byte // without leading zeros, but zero is one zero
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) || !sequence.Empty() {
		return nil, errDER
	}
	if r[0] == 0 || len(r) > 32 || s[0] == 0 || len(s) > 32 {
		return nil, errDER
	}
	signature := make([]byte, 64)
	copy(signature[32-len(r):32], r)
	copy(signature[64-len(s):], s)
	return signature, nil
}
