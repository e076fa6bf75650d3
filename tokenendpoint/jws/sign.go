package jws

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var (
	errDER  = errors.New("the signer's ECDSA signature is not two 256-bit integers in ASN.1")
	errType = errors.New("jws: the type is empty or not printable ASCII")
)

// privateKey signs through a crypto.Signer, so that a key in memory and one in a KMS
// take the same path.
type privateKey struct {
	*PublicKey
	// sign is a function, since fmt cannot print the private key behind one. With the
	// wrong verb, fmt prints the values behind pointers and interfaces.
	sign     func(ctx context.Context, digest []byte) ([]byte, error)
	inMemory bool
	size     int // of a signature, in bytes

	accessToken, jwt []byte // the encoded headers of the two usual types
}

// newPrivateKey expects the public key of signer, without faults.
func newPrivateKey(signer crypto.Signer, public *PublicKey) (*privateKey, error) {
	k := &privateKey{PublicKey: public, size: 64}
	if key, ok := public.jwk.Key.(*rsa.PublicKey); ok {
		k.size = key.Size()
	}
	random := rand.Reader
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		// A key put together by hand lacks the values that make it fast. They go into
		// a copy, as the caller may use its key elsewhere.
		own := *key
		own.Precompute()
		signer, k.inMemory = &own, true
	case *ecdsa.PrivateKey:
		random, k.inMemory = nonces, true
	case ed25519.PrivateKey:
		signer, k.inMemory = slices.Clone(key), true
	}
	opts := public.opts
	sign := func(digest []byte) ([]byte, error) { return signer.Sign(random, digest, opts) }
	k.sign = func(_ context.Context, digest []byte) ([]byte, error) { return sign(digest) }
	if _, slow := signer.(*rsa.PrivateKey); slow {
		k.sign = yielding(sign)
	}
	if !k.inMemory {
		k.sign = patient(sign)
	}
	var err error
	if k.accessToken, err = k.newHeader(TypeAccessToken); err != nil {
		return nil, err
	}
	k.jwt, err = k.newHeader(TypeJWT)
	return k, err
}

// yielding lets others run after each signature. An RSA signature takes as long as thirty
// requests of ES256, and requests that sign one after the other would keep the processors
// to themselves. With as many callers of RS256 as of ES256, the latter wait half as long. A
// request that is alone takes a hundredth longer.
func yielding(sign func(digest []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {
	return func(_ context.Context, digest []byte) ([]byte, error) {
		defer runtime.Gosched()
		return sign(digest)
	}
}

// newHeader returns the encoded header: alg, kid and typ, in the order and with the
// escapes of go-jose.
func (k *privateKey) newHeader(typ string) ([]byte, error) {
	if typ == "" || !printable(typ) {
		return nil, errType
	}
	header, err := json.Marshal(map[string]string{"alg": k.Algorithm(), "kid": k.ID(), "typ": typ})
	if err != nil {
		return nil, fmt.Errorf("jws: header: %w", err)
	}
	return base64.RawURLEncoding.AppendEncode(nil, header), nil
}

func (k *privateKey) header(typ string) ([]byte, error) {
	switch typ {
	case TypeAccessToken:
		return k.accessToken, nil
	case TypeJWT:
		return k.jwt, nil
	}
	return k.newHeader(typ)
}

// appendCompact appends the payload signed, in the compact serialization (RFC 7515
// §7.1). It writes the same text as go-jose, but in place: go-jose makes some sixty
// allocations on the way.
func (k *privateKey) appendCompact(ctx context.Context, b []byte, typ string, payload []byte) ([]byte, error) {
	header, err := k.header(typ)
	if err != nil {
		return b, err
	}
	length := len(header) + encoding.EncodedLen(len(payload)) + encoding.EncodedLen(k.size) + 2
	token := append(append(slices.Grow(b, length), header...), '.')
	token = encoding.AppendEncode(token, payload)
	var fixed [64]byte
	// The room of the future signature holds the digest until then.
	signature, err := k.signature(ctx, token[len(b):], token[len(token):], &fixed)
	if err != nil {
		return b, fmt.Errorf("jws: sign: %w", err)
	}
	return encoding.AppendEncode(append(token, '.'), signature), nil
}

// signature signs a message, in the form of RFC 7518 §3 and RFC 8037 §3.1. It uses
// room for the digest and fixed for an ECDSA signature.
func (k *privateKey) signature(ctx context.Context, message, room []byte, fixed *[64]byte) ([]byte, error) {
	digest := message
	if k.opts.HashFunc() == crypto.SHA256 {
		sum := sha256.Sum256(message)
		digest = append(room[:0], sum[:]...)
	}
	signature, err := k.sign(ctx, digest)
	if err != nil {
		return nil, err
	}
	if k.Algorithm() == ES256 {
		return fixedWidth(signature, fixed)
	}
	if len(signature) != k.size {
		return nil, fmt.Errorf("the signer's signature has %d bytes, not %d", len(signature), k.size)
	}
	return signature, nil
}

// prove signs once and verifies. A key put together by hand can have halves of two
// keys; then everyone would refuse its tokens. If a part is missing, BoringCrypto
// panics.
func (k *privateKey) prove() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("signing panics: %v", p)
		}
	}()
	message := []byte("github.com/contit/oauth")
	signature, err := k.signature(context.Background(), message, nil, new([64]byte))
	if err != nil {
		return err
	}
	return k.verify(message, signature)
}

// fixedWidth turns the ASN.1 of crypto.Signer into r and s, each of 32 bytes
// (RFC 7518 §3.4).
func fixedWidth(der []byte, signature *[64]byte) ([]byte, error) {
	var sequence, r, s cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1(&r, asn1.INTEGER) || !sequence.ReadASN1(&s, asn1.INTEGER) || !sequence.Empty() {
		return nil, errDER
	}
	if !pad(signature[:32], r) || !pad(signature[32:], s) {
		return nil, errDER
	}
	return signature[:], nil
}

// pad writes a positive integer of ASN.1 in DER to the end of to, which is zero.
// ReadASN1Integer of cryptobyte would do the same, but allocates.
func pad(to []byte, integer []byte) bool {
	if len(integer) == 0 || integer[0] >= 0x80 { // it is negative
		return false
	}
	if integer[0] == 0 { // a zero byte is allowed for one reason only
		if len(integer) == 1 || integer[1] < 0x80 {
			return false
		}
		integer = integer[1:]
	}
	if len(integer) > len(to) {
		return false
	}
	copy(to[len(to)-len(integer):], integer)
	return true
}
