package jws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KeyList are [Keys] that can be gone through, for tokens that name no key. [KeySet],
// [Remote] and [StaticKeys] implement it. All methods are safe for concurrent use.
type KeyList interface {
	Keys
	// PublicKeys returns the verification keys of the tokens that are good at an
	// instant. Every error is an outage. The caller does not change the slice.
	PublicKeys(ctx context.Context, at time.Time) ([]*PublicKey, error)
}

var (
	_ KeyList = (*KeySet)(nil)
	_ KeyList = (*Remote)(nil)
	_ KeyList = (*StaticKeys)(nil)
)

// maxTried bounds how many keys are tried for a token that names none: a signature is
// verified for each, and the sender of the token has not authenticated.
const maxTried = 4

// VerifyForeign returns the payload of a token that another party has signed, as
// [Verify] does, and verifies the tokens that Verify cannot: a token of one of several types, in
// which "" stands for a token without typ, and a token without kid (RFC 7515 §4.1.4),
// which one of the keys with its algorithm must fit; four of them are tried. A kid
// that is there is obeyed. Of the algorithms it takes those that are listed; if
// algorithms is nil, all those of this package.
func VerifyForeign(ctx context.Context, keys KeyList, token string, types, algorithms []string, at time.Time) (payload []byte, key *PublicKey, err error) {
	t, err := parse(token)
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(types, func(typ string) bool { return typ == "" && !t.hasType || isType(t.typ, typ) }) {
		return nil, nil, fmt.Errorf("%w: its typ is %s, which is not among those that are wanted", ErrType, shown(t.typ))
	}
	if algorithms != nil && !slices.Contains(algorithms, t.algorithm) {
		return nil, nil, fmt.Errorf("%w: it is %s, which is not among those that are wanted", ErrAlgorithm, shown(t.algorithm))
	}
	if t.hasID {
		return t.verifyByID(ctx, keys, at)
	}
	all, err := keys.PublicKeys(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	tried := 0
	for _, key := range all {
		if key.Algorithm() != t.algorithm {
			continue
		}
		if tried == maxTried {
			return nil, nil, fmt.Errorf("%w: it names no key, and over %d keys are for %s: set a kid", ErrSignature, maxTried, t.algorithm)
		}
		tried++
		if key.verify(t.message, t.signature) == nil {
			return t.payload, key, nil
		}
	}
	if tried == 0 {
		return nil, nil, fmt.Errorf("%w: it is %s, and no key is for that", ErrAlgorithm, shown(t.algorithm))
	}
	return nil, nil, fmt.Errorf("%w: it names no key, and none of the %d keys for %s has signed it", ErrSignature, tried, t.algorithm)
}

// PublicKeys returns the verification keys that are published at an instant, as
// [KeyList] says.
func (s *KeySet) PublicKeys(ctx context.Context, at time.Time) ([]*PublicKey, error) {
	v, err := s.schedule.get(ctx, at)
	if err != nil {
		return nil, err
	}
	if len(v.value.unopened) > 0 { // one of them may be the key of the token
		return nil, errUnopened
	}
	var keys []*PublicKey
	for i := range v.value.turns {
		if t := &v.value.turns[i]; t.published(at) {
			keys = append(keys, t.PublicKey)
		}
	}
	return keys, nil
}

// StaticKeys are verification keys that do not change, such as those in the
// registration of a client (RFC 7591 §2, jwks). It is safe for concurrent use. Only
// [ParseJWKS] makes a working one.
type StaticKeys struct{ keys []*PublicKey }

// ParseJWKS reads a JWK Set (RFC 7517 §5) of public keys: RSA keys of 2048 to
// 8192 bits, P-256 and Ed25519. A key without alg serves RS256, ES256 or EdDSA, and one
// without kid has its thumbprint (RFC 7638). A key for encryption is left out. Every
// other key that cannot be used is a fault, and the error names all of them.
func ParseJWKS(document []byte) (*StaticKeys, error) {
	raw, err := keysOf(document)
	if err != nil {
		return nil, fmt.Errorf("jws: %w", err)
	}
	s := new(StaticKeys)
	var faults []error
	for i, text := range raw {
		k, err := readJWK(text)
		if err == nil && slices.ContainsFunc(s.keys, func(other *PublicKey) bool { return other.ID() == k.ID() }) {
			err = errAmbiguous
		}
		switch {
		case errors.Is(err, errPurpose):
		case err != nil:
			faults = append(faults, fmt.Errorf("jws: key %d: %w", i, err))
		default:
			s.keys = append(s.keys, k)
		}
	}
	if len(faults) == 0 && len(s.keys) == 0 {
		return nil, errEmptySet
	}
	return s, errors.Join(faults...)
}

var errEmptySet = errors.New("jws: the key set has no key for signatures")

// keysOf takes a JWK Set apart.
func keysOf(document []byte) ([]json.RawMessage, error) {
	if len(document) > maxJWKS {
		return nil, errJWKSSize
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	switch err := json.Unmarshal(document, &set); {
	case err != nil, set.Keys == nil:
		return nil, errNotAKeySet
	case len(set.Keys) > maxKeys:
		return nil, errTooManyKeys
	}
	return set.Keys, nil
}

// PublicKey returns the key with this id, or [ErrUnknownKey].
func (s *StaticKeys) PublicKey(_ context.Context, id string, _ time.Time) (*PublicKey, error) {
	for _, k := range s.keys {
		if k.ID() == id {
			return k, nil
		}
	}
	return nil, ErrUnknownKey
}

// PublicKeys returns all keys.
func (s *StaticKeys) PublicKeys(context.Context, time.Time) ([]*PublicKey, error) {
	return s.keys, nil
}

// String lists the ids and the algorithms of the keys.
func (s *StaticKeys) String() string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.ID() + " (" + k.Algorithm() + ")"
	}
	return strings.Join(names, ", ")
}
