package jws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// KeySet is the signing keys of a server: one of them signs at a time, and all of
// them are published. It is safe for concurrent use. Only [NewKeySet] and
// [OpenKeySet] make a working one. It prints without its keys.
type KeySet struct {
	schedule *live[*schedule]
	rotation Rotation // with its defaults
}

var _ Keys = (*KeySet)(nil)

// NewKeySet returns a KeySet that does not change: it signs with signing, and also
// publishes others, which are verification keys: each has Public and no Signer. It
// refuses, with all faults in one error: RSA keys below 2048 or over 8192 bits, curves
// other than P-256 and Ed25519, algorithms that do not fit the key, ids that are not
// printable ASCII, and two keys with one id. A private key in memory must be able to sign for
// its public key; a KMS or HSM is not asked to sign before the first token.
func NewKeySet(signing Key, others ...Key) (*KeySet, error) {
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
		if other.Signer != nil {
			errs = []error{errSecondSigner}
		}
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
	// Nothing is ever loaded, so the set is never too old.
	return &KeySet{schedule: still(s), rotation: Rotation{}.withDefaults()}, nil
}

// ids maps an id to the name of its key.
type ids map[string]string

// add returns the faults of a key. One fault is an id that another key has.
func (taken *ids) add(name string, jwk jose.JSONWebKey, faults []error) error {
	if *taken == nil {
		*taken = make(ids)
	}
	if first := (*taken)[jwk.KeyID]; first != "" && jwk.KeyID != "" {
		faults = append(faults, fmt.Errorf("the id %q also belongs to the %s", jwk.KeyID, first))
	}
	(*taken)[jwk.KeyID] = name
	named := make([]error, len(faults))
	for i, err := range faults {
		named[i] = fmt.Errorf("jws: %s: %w", name, err)
	}
	return errors.Join(named...)
}

// addKey prepares a key, or finds it among the prepared ones of before.
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

// Sign returns the payload signed, in the compact serialization (RFC 7515 §7.1), with
// the signing key whose turn it is at an instant. The header has alg, typ and kid.
// typ must not be empty: a token without a type passes for a token of another purpose
// (RFC 8725 §3.11). The payload is not kept.
//
// The instant is the present one: keys are loaded, and made, by it too.
//
// Sign returns ctx.Err(), wrapped, if ctx is done before the signature is there. A
// signature by a key in memory is not interrupted. Every error is an outage.
func (s *KeySet) Sign(ctx context.Context, typ string, payload []byte, at time.Time) (string, error) {
	token, err := s.AppendSigned(ctx, nil, typ, payload, at)
	if err != nil {
		return "", err
	}
	return string(token), nil
}

// PublicKey returns a verification key of the set, as [Keys] says.
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
	if slices.Contains(v.value.unopened, id) { // other replicas may sign with it
		return nil, errUnopened
	}
	return nil, ErrUnknownKey
}

var errUnopened = errors.New("jws: the key of the token is there and does not open here")

// Rotation returns the durations by which the signing keys take turns, with their
// defaults. The durations of a set that does not change have no effect.
func (s *KeySet) Rotation() Rotation { return s.rotation }

// Rotates reports whether signing keys take turns.
func (s *KeySet) Rotates() bool { return s.schedule.load != nil }

// SigningKey returns the public half of the key that signs at an instant, by the keys
// that were last loaded.
func (s *KeySet) SigningKey(at time.Time) *PublicKey { return s.schedule.last().signer(at).PublicKey }

// Format prints a placeholder, for every verb.
func (s KeySet) Format(f fmt.State, _ rune) { io.WriteString(f, "jws.KeySet{REDACTED}") }

// MarshalText returns the text of [KeySet.Format].
func (s KeySet) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }
