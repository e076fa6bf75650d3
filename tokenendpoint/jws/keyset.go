package jws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// KeySet is the keys of a server: one that signs at a time, and those that are
// published beside it. It is safe for concurrent use. Only [NewKeySet] and
// [OpenKeySet] make one that works. It prints without its keys.
type KeySet struct {
	schedule *live[*schedule]
	rotation Rotation // with its defaults
}

var _ Keys = (*KeySet)(nil)

// NewKeySet returns a KeySet that does not change: it signs with signing and
// publishes its public key and others. It refuses, all faults in one error: RSA
// keys below 2048 bits, curves other than P-256 and Ed25519, algorithms that do
// not fit the key, ids that are not printable ASCII, and two keys with one id. A
// private key in memory must be able to sign for its public key; a KMS or HSM is
// not asked to sign before the first token.
func NewKeySet(signing Key, others ...VerificationKey) (*KeySet, error) {
	var taken ids
	var faults []error
	signer, err := taken.addKey("signing key", signing, nil)
	switch {
	case err != nil:
		faults = append(faults, err)
	case signer.private == nil:
		faults = append(faults, fmt.Errorf("jws: signing key: %w", errNoSigner))
	}
	s := &schedule{turns: []turn{signer}, standIn: signer.private}
	for i, other := range others {
		jwk, errs := newJWK(other.Public, other.Algorithm, other.ID)
		if err := taken.add(fmt.Sprintf("verification key %d", i), jwk, errs); err != nil {
			faults = append(faults, err)
		}
		s.turns = append(s.turns, turn{PublicKey: newPublicKey(jwk)})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if err := s.publish(); err != nil {
		return nil, err
	}
	// Nothing is ever loaded: what a set holds is as good as new.
	return &KeySet{schedule: still(s), rotation: Rotation{}.withDefaults()}, nil
}

// ids says who has an id, by the id.
type ids map[string]string

// add returns the faults of a key, of which one is that its id is taken.
func (taken *ids) add(name string, jwk jose.JSONWebKey, faults []error) error {
	if *taken == nil {
		*taken = make(ids)
	}
	if first := (*taken)[jwk.KeyID]; first != "" && jwk.KeyID != "" {
		faults = append(faults, fmt.Errorf("the id %q is also that of the %s", jwk.KeyID, first))
	}
	(*taken)[jwk.KeyID] = name
	named := make([]error, len(faults))
	for i, err := range faults {
		named[i] = fmt.Errorf("jws: %s: %w", name, err)
	}
	return errors.Join(named...)
}

// addKey prepares a key, or finds it as it was prepared before.
func (taken *ids) addKey(name string, key Key, before *schedule) (turn, error) {
	public, err := key.publicKey()
	if err != nil {
		return turn{}, fmt.Errorf("jws: %s: %w", name, err)
	}
	jwk, faults := newJWK(public, key.Algorithm, key.ID)
	if err := taken.add(name, jwk, faults); err != nil {
		return turn{}, err
	}
	t := turn{PublicKey: newPublicKey(jwk)}
	if before != nil {
		if old := before.find(t.PublicKey); old != nil {
			t.PublicKey, t.private = old.PublicKey, old.private
		}
	}
	switch {
	case key.Signer == nil:
		t.private = nil
	case t.private == nil:
		if t.private, err = newPrivateKey(key.Signer, t.PublicKey); err == nil && t.private.inMemory {
			err = t.private.prove()
		}
	}
	if err != nil {
		return turn{}, fmt.Errorf("jws: %s: the private key does not sign for its public key: %w", name, err)
	}
	return t, nil
}

// Sign returns the payload signed, in the compact serialization (RFC 7515
// §7.1), with the key whose turn it is at an instant. The header has alg, typ
// and kid. typ is not empty: a token without a type passes for one of another
// purpose (RFC 8725 §3.11). The payload is not kept.
//
// The instant is the present one: by it keys are also loaded, and made.
//
// Sign returns ctx.Err(), wrapped, if ctx is done before the signature is there.
// One by a key in memory is not interrupted. Every error is an outage.
func (s *KeySet) Sign(ctx context.Context, typ string, payload []byte, at time.Time) (string, error) {
	token, err := s.AppendSigned(ctx, nil, typ, payload, at)
	if err != nil {
		return "", err
	}
	return string(token), nil
}

// AppendSigned appends to b what [KeySet.Sign] returns. With an error it returns
// b as it was.
func (s *KeySet) AppendSigned(ctx context.Context, b []byte, typ string, payload []byte, at time.Time) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return b, err
	}
	v, err := s.schedule.get(ctx, at)
	if err != nil {
		return b, err
	}
	return v.value.signer(at).appendCompact(ctx, b, typ, payload)
}

// PublicKey returns a key of the set, as [Keys] says.
func (s *KeySet) PublicKey(ctx context.Context, id string, at time.Time) (*PublicKey, error) {
	v, err := s.schedule.get(ctx, at)
	if err != nil {
		return nil, err
	}
	for i := range v.value.turns {
		if t := &v.value.turns[i]; t.ID() == id && t.published(at) {
			return t.PublicKey, nil
		}
	}
	return nil, ErrUnknownKey
}

// Rotation returns the durations by which the keys take turns, with their
// defaults. That of a set that does not change bounds nothing.
func (s *KeySet) Rotation() Rotation { return s.rotation }

// Rotates reports whether keys take turns.
func (s *KeySet) Rotates() bool { return s.schedule.load != nil }

// SigningKey returns the public half of the key that signs at an instant, by
// what was loaded last.
func (s *KeySet) SigningKey(at time.Time) *PublicKey { return s.schedule.last().signer(at).PublicKey }

// Format prints no more than what it is, whatever the verb.
func (s KeySet) Format(f fmt.State, _ rune) { io.WriteString(f, "jws.KeySet{REDACTED}") }

// MarshalText returns what [KeySet.Format] prints.
func (s KeySet) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }
