package jws

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The verdicts on a token. Every other error is an outage: whether the token is
// good could not be found out.
var (
	// ErrInvalid says that a token is not one that the keys have signed, or not
	// of the type that it should be.
	ErrInvalid = errors.New("jws: the token is invalid")
	// ErrUnknownKey says that there is no key with this id. [Verify] turns it
	// into ErrInvalid.
	ErrUnknownKey = errors.New("jws: there is no such key")
)

// Keys are keys to verify with. [KeySet] and [Remote] are. All methods are safe
// for concurrent use.
type Keys interface {
	// PublicKey returns the key with this id, if tokens signed with it are good
	// at an instant, or [ErrUnknownKey]. While a key stays the same, so does the
	// pointer.
	PublicKey(ctx context.Context, id string, at time.Time) (*PublicKey, error)
}

// PublicKey verifies what one signing key has signed. It does not change.
type PublicKey struct {
	jwk  jose.JSONWebKey
	opts crypto.SignerOpts // a hash of 0 for Ed25519, which signs the message itself
}

// ID returns the kid.
func (k *PublicKey) ID() string { return k.jwk.KeyID }

// Algorithm returns the alg, the only one that the key serves.
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

// equal reports whether two keys are one, whatever pointers they are behind.
func (k *PublicKey) equal(other *PublicKey) bool {
	key, ok := k.jwk.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID() == other.ID() && k.Algorithm() == other.Algorithm() && key.Equal(other.jwk.Key)
}

var errSignature = errors.New("the signature does not verify")

// verify checks a signature as RFC 7518 §3 writes it.
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

// Verify returns the payload of a token, in the compact serialization, whose
// header has this typ (RFC 8725 §3.11), and the key that has signed it. It
// returns [ErrInvalid], for whatever reason, if the token is none of theirs.
//
// The algorithm is the key's, whatever the token says (RFC 8725 §3.1). A key in
// the token's own header is not looked at, and a crit or b64 header refused (RFC
// 7515 §4.1.11, RFC 7797). Of the spellings of one signature only the shortest is
// valid; ECDSA has a second signature for each, so that a token is known by its
// jti and not by its text. The times in the payload are the caller's to check.
func Verify(ctx context.Context, keys Keys, token, typ string, at time.Time) (payload []byte, key *PublicKey, err error) {
	t, err := parse(token, typ)
	if err != nil {
		return nil, nil, err
	}
	key, err = keys.PublicKey(ctx, t.id, at)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, nil, ErrInvalid
	case err != nil:
		return nil, nil, err
	case t.algorithm != key.Algorithm(), key.verify(t.message, t.signature) != nil:
		return nil, nil, ErrInvalid
	}
	return t.payload, key, nil
}

// signed is a token taken apart.
type signed struct {
	algorithm, id      string
	message            []byte // what the signature is over
	payload, signature []byte
}

// maxToken bounds a token, so that a long one costs nothing.
const maxToken = 64 << 10

func parse(token, typ string) (*signed, error) {
	if len(token) > maxToken {
		return nil, ErrInvalid
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, ErrInvalid
	}
	t := &signed{message: []byte(token[:len(header)+1+len(payload)])}
	text, err := decode(header)
	if err != nil {
		return nil, ErrInvalid
	}
	// What is read here is believed only if the signature covers it.
	if err := t.readHeader(text, typ); err != nil {
		return nil, ErrInvalid
	}
	if t.payload, err = decode(payload); err != nil {
		return nil, ErrInvalid
	}
	if t.signature, err = decode(signature); err != nil {
		return nil, ErrInvalid
	}
	return t, nil
}

// readHeader takes what it needs. It knows no extension, so that one that is to
// be understood is refused (RFC 7515 §4.1.11), b64 even if crit does not name it:
// whoever obeys it reads another payload (RFC 7797 §6).
func (t *signed) readHeader(text []byte, typ string) error {
	// A struct would take names in any case. Of two that are equal the last one
	// counts, as it may (RFC 7515 §4).
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return ErrInvalid
	}
	var got string
	for _, m := range [...]struct {
		name string
		to   *string
	}{{"alg", &t.algorithm}, {"kid", &t.id}, {"typ", &got}} {
		if err := json.Unmarshal(members[m.name], m.to); err != nil {
			return ErrInvalid
		}
	}
	_, critical := members["crit"]
	_, b64 := members["b64"]
	if critical || b64 || !isType(got, typ) {
		return ErrInvalid
	}
	return nil
}

var encoding = base64.RawURLEncoding.Strict()

// decode takes the one spelling of some bytes: encoding/base64, even if it is
// strict, skips line breaks.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrInvalid
	}
	return encoding.DecodeString(s)
}

// isType compares media types (RFC 7515 §4.1.9): "application/" may be left out
// and case does not count.
func isType(got, want string) bool {
	if len(got) > len("application/") && strings.EqualFold(got[:len("application/")], "application/") {
		got = got[len("application/"):]
	}
	return got != "" && strings.EqualFold(got, want)
}
