package jws

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The verdicts on a token. Every other error is an outage: the process could not tell
// whether the token is good.
var (
	// ErrInvalid says that the verification keys do not fit a token, or that it has
	// the wrong type. [ErrMalformed] and the errors after it say more.
	ErrInvalid = errors.New("jws: the token is invalid")
	// ErrUnknownKey says that there is no verification key with this id. If [Verify]
	// returns it, the error is an ErrInvalid too.
	ErrUnknownKey = errors.New("jws: there is no such key")
)

// Keys are verification keys. [KeySet] and [Remote] implement it. All methods are
// safe for concurrent use.
type Keys interface {
	// PublicKey returns the verification key with this id, if tokens signed with it
	// are good at an instant, or [ErrUnknownKey]. The pointer stays the same as long
	// as the key does.
	PublicKey(ctx context.Context, id string, at time.Time) (*PublicKey, error)
}

// PublicKey is a verification key: it verifies the signatures of one signing key. It
// does not change.
type PublicKey struct {
	jwk  jose.JSONWebKey
	opts crypto.SignerOpts // a hash of 0 for Ed25519, which signs the message itself
}

// ID returns the kid.
func (k *PublicKey) ID() string { return k.jwk.KeyID }

// Algorithm returns the only alg of the verification key.
func (k *PublicKey) Algorithm() string { return k.jwk.Algorithm }

// newPublicKey expects a jwk without faults.
func newPublicKey(jwk jose.JSONWebKey) *PublicKey {
	k := &PublicKey{jwk: jwk, opts: crypto.SHA256}
	switch jwk.Algorithm {
	case EdDSA:
		k.opts = crypto.Hash(0)
	case PS256: // RFC 7518 §3.5: the salt is as long as the hash
		k.opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	return k
}

// Is reports whether a public key, such as that of a certificate, is this one. The
// algorithm does not matter.
func (k *PublicKey) Is(key crypto.PublicKey) bool {
	own, ok := k.jwk.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(key)
}

// equal reports whether two keys are the same, though their pointers may differ.
func (k *PublicKey) equal(other *PublicKey) bool {
	key, ok := k.jwk.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID() == other.ID() && k.Algorithm() == other.Algorithm() && key.Equal(other.jwk.Key)
}

var errSignature = errors.New("the signature does not verify")

// verify checks a signature in the form of RFC 7518 §3.
func (k *PublicKey) verify(message, signature []byte) error {
	if key, ok := k.jwk.Key.(ed25519.PublicKey); ok {
		if !ed25519.Verify(key, message, signature) {
			return errSignature
		}
		return nil
	}
	digest := sha256.Sum256(message)
	switch key := k.jwk.Key.(type) {
	case *rsa.PublicKey:
		if pss, ok := k.opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, pss)
		}
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return errSignature
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		if ecdsa.Verify(key, digest[:], r, s) {
			return nil
		}
	}
	return errSignature
}

// Verify returns the payload of a token, in the compact serialization, whose header
// has this typ (RFC 8725 §3.11), and the verification key that fits it. It returns
// [ErrInvalid] if no verification key fits the token, for any reason, and with it
// [ErrMalformed], [ErrType], [ErrUnknownKey], [ErrAlgorithm] or [ErrSignature].
//
// The verification key decides the algorithm, and the token does not (RFC 8725 §3.1).
// A key in the token's own header is ignored, and a crit or b64 header is refused
// (RFC 7515 §4.1.11, RFC 7797). Only the shortest spelling of a signature is valid.
// ECDSA has a second signature for each, so identify a token by its jti and not by
// its text. The caller checks the times in the payload.
func Verify(ctx context.Context, keys Keys, token, typ string, at time.Time) (payload []byte, key *PublicKey, err error) {
	t, err := parse(token)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !t.hasType:
		return nil, nil, fmt.Errorf("%w: its header has no typ", ErrType)
	case !isType(t.typ, typ):
		return nil, nil, fmt.Errorf("%w: its typ is %s, and %q is wanted: does TokenType say the same to the endpoint and here?", ErrType, shown(t.typ), typ)
	case !t.hasID:
		return nil, nil, fmt.Errorf("%w: its header has no kid", ErrMalformed)
	}
	return t.verifyByID(ctx, keys, at)
}

// verifyByID verifies the signature by the key that the token names.
func (t *signed) verifyByID(ctx context.Context, keys Keys, at time.Time) (payload []byte, key *PublicKey, err error) {
	key, err = keys.PublicKey(ctx, t.id, at)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, nil, unknownKey{t.id}
	case err != nil:
		return nil, nil, err
	case t.algorithm != key.Algorithm():
		return nil, nil, fmt.Errorf("%w: it is %s, and the key %s serves %s alone", ErrAlgorithm, shown(t.algorithm), shown(t.id), key.Algorithm())
	case key.verify(t.message, t.signature) != nil:
		if want := key.signatureSize(); len(t.signature) != want {
			return nil, nil, fmt.Errorf("%w: its signature has %d bytes, and one by %s has %d: was the token cut?",
				ErrMalformed, len(t.signature), key.Algorithm(), want)
		}
		return nil, nil, fmt.Errorf("%w: the key %s has not signed this: was the token changed, or has another server a key of the same id?",
			ErrSignature, shown(t.id))
	}
	return t.payload, key, nil
}

// signatureSize returns the length of the key's signatures, in bytes.
func (k *PublicKey) signatureSize() int {
	if key, ok := k.jwk.Key.(*rsa.PublicKey); ok {
		return key.Size()
	}
	return 64 // Ed25519 and P-256
}

// signed is a token taken apart.
type signed struct {
	algorithm, id, typ string
	hasID, hasType     bool   // the header has a kid, a typ
	message            []byte // the bytes that are signed
	payload, signature []byte
}

// maxToken bounds a token, so that a long one costs nothing.
const maxToken = 64 << 10

// errTooLong is made once: refusing a long token costs nothing.
var errTooLong = fmt.Errorf("%w: it is over %d bytes long", ErrMalformed, maxToken)

func parse(token string) (*signed, error) {
	if len(token) > maxToken {
		return nil, errTooLong
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, fmt.Errorf("%w: it has not three parts: was it cut?", ErrMalformed)
	}
	whole := []byte(token)
	room := make([]byte, 0, encoding.DecodedLen(len(whole))) // for all three parts
	t := &signed{message: whole[:len(header)+1+len(payload)]}
	text, room, err := decode(room, whole[:len(header)])
	if err != nil {
		return nil, notBase64("header")
	}
	// These values are believed only if the signature covers them.
	if err := t.readHeader(text); err != nil {
		return nil, err
	}
	if t.payload, room, err = decode(room, t.message[len(header)+1:]); err != nil {
		return nil, notBase64("payload")
	}
	if t.signature, _, err = decode(room, whole[len(whole)-len(signature):]); err != nil {
		return nil, notBase64("signature")
	}
	return t, nil
}

func notBase64(part string) error {
	return fmt.Errorf("%w: its %s is not base64url: was it cut, or changed on the way?", ErrMalformed, part)
}

// readHeader reads the members that it needs. It knows no extension, so it refuses a
// header with critical ones (RFC 7515 §4.1.11), and b64 even if crit does not name
// it: a verifier that obeys b64 reads another payload (RFC 7797 §6).
func (t *signed) readHeader(text []byte) error {
	// A struct would take names in any case of letters. If a name is there twice, the
	// last one counts, as it may (RFC 7515 §4).
	var few [4]member // on the stack
	m, err := decodeObject(text, few[:0])
	if err != nil {
		return fmt.Errorf("%w: its header is no JSON object", ErrMalformed)
	}
	var ok bool
	if t.algorithm, _, ok = m.text("alg"); !ok {
		return fmt.Errorf("%w: its header has no alg", ErrAlgorithm)
	}
	if t.id, t.hasID, ok = m.text("kid"); !ok && t.hasID {
		return fmt.Errorf("%w: the kid of its header is no string", ErrMalformed)
	}
	if t.typ, t.hasType, ok = m.text("typ"); !ok && t.hasType {
		return fmt.Errorf("%w: the typ of its header is no string", ErrType)
	}
	_, critical := m.find("crit")
	_, b64 := m.find("b64")
	if critical || b64 {
		return fmt.Errorf("%w: its header has crit or b64, which are not supported", ErrMalformed)
	}
	return nil
}

var encoding = base64.RawURLEncoding.Strict()

// decode decodes a part at the beginning of room, and returns the room that is left. It
// accepts only the one canonical spelling: encoding/base64 skips line breaks even when it
// is strict.
func decode(room, part []byte) (decoded, rest []byte, err error) {
	if bytes.IndexByte(part, '\r') >= 0 || bytes.IndexByte(part, '\n') >= 0 {
		return nil, room, ErrMalformed
	}
	n, err := encoding.Decode(room[:encoding.DecodedLen(len(part))], part)
	return room[:n:n], room[n:n], err
}

// isType compares media types (RFC 7515 §4.1.9): "application/" may be left out, and
// case does not count.
func isType(got, want string) bool {
	if len(got) > len("application/") && strings.EqualFold(got[:len("application/")], "application/") {
		got = got[len("application/"):]
	}
	return got != "" && strings.EqualFold(got, want)
}
