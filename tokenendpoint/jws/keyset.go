package jws

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

var errType = errors.New("jws: the type is empty or not printable ASCII")

// KeySet is one signing key and the keys that are published beside it. It does
// not change and is safe for concurrent use. Only [NewKeySet] makes one that
// works.
type KeySet struct {
	key         *privateKey
	accessToken jose.Signer // prepared for TypeAccessToken
	jwt         jose.Signer // prepared for TypeJWT
	jwks        []byte
	etag        string
}

// NewKeySet returns a KeySet that signs with signing and publishes its public
// key and others. It refuses, all faults in one error: RSA keys below 2048
// bits, curves other than P-256 and Ed25519, algorithms that do not fit the
// key, ids that are not printable ASCII, and two keys with one id. A private
// key in memory must be able to sign for its public key; a KMS or HSM is not
// asked to sign before the first token.
func NewKeySet(signing Key, others ...VerificationKey) (*KeySet, error) {
	keys, err := publicKeys(signing, others)
	if err != nil {
		return nil, err
	}
	s := &KeySet{key: newPrivateKey(signing.Signer, &keys[0])}
	if s.accessToken, err = s.signer(TypeAccessToken); err != nil {
		return nil, err
	}
	if s.jwt, err = s.signer(TypeJWT); err != nil {
		return nil, err
	}
	if s.key.inMemory {
		if err := s.prove(); err != nil {
			return nil, fmt.Errorf("jws: signing key: the private key does not sign for its public key: %w", err)
		}
	}
	if err := s.publish(keys); err != nil {
		return nil, err
	}
	return s, nil
}

// publicKeys returns the keys to publish, the signing key first.
func publicKeys(signing Key, others []VerificationKey) ([]jose.JSONWebKey, error) {
	var faults []error
	keys := make([]jose.JSONWebKey, 0, 1+len(others))
	holder := make(map[string]string, 1+len(others)) // by id
	add := func(name string, jwk jose.JSONWebKey, errs []error) {
		if first := holder[jwk.KeyID]; first != "" && jwk.KeyID != "" {
			errs = append(errs, fmt.Errorf("the id %q is also that of the %s", jwk.KeyID, first))
		}
		holder[jwk.KeyID] = name
		for _, err := range errs {
			faults = append(faults, fmt.Errorf("jws: %s: %w", name, err))
		}
		keys = append(keys, jwk)
	}

	public, err := signing.publicKey()
	if err != nil {
		faults = append(faults, fmt.Errorf("jws: signing key: %w", err))
	} else {
		jwk, errs := newJWK(public, signing.Algorithm, signing.ID)
		add("signing key", jwk, errs)
	}
	for i, other := range others {
		jwk, errs := newJWK(other.Public, other.Algorithm, other.ID)
		add(fmt.Sprintf("verification key %d", i), jwk, errs)
	}
	return keys, errors.Join(faults...)
}

// Sign returns the payload signed, in the compact serialization (RFC 7515
// §7.1). The header has alg, typ and kid. typ is not empty: a token without a
// type passes for one of another purpose (RFC 8725 §3.11). The payload is not
// kept. Sign returns ctx.Err() if ctx is done before it begins; a signature
// under way is not interrupted, as crypto.Signer takes no context.
func (s *KeySet) Sign(ctx context.Context, typ string, payload []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	signer, err := s.signer(typ)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("jws: sign: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("jws: serialize: %w", err)
	}
	return token, nil
}

// signer returns the prepared signer for typ, or makes one. Making one costs
// about a microsecond; a cache of types would need a lock and a bound.
func (s *KeySet) signer(typ string) (jose.Signer, error) {
	switch {
	case typ == TypeAccessToken && s.accessToken != nil:
		return s.accessToken, nil
	case typ == TypeJWT && s.jwt != nil:
		return s.jwt, nil
	case typ == "" || !printable(typ):
		return nil, errType
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: s.key.algorithm(), Key: s.key},
		new(jose.SignerOptions).WithType(jose.ContentType(typ)),
	)
	if err != nil {
		return nil, fmt.Errorf("jws: prepare signer: %w", err)
	}
	return signer, nil
}

// prove signs once and verifies: a key put together by hand can have halves of
// two keys, and every token would be refused by everyone.
func (s *KeySet) prove() error {
	signed, err := s.jwt.Sign([]byte("{}"))
	if err != nil {
		return err
	}
	_, err = signed.Verify(s.key.jwk.Key)
	return err
}

// Algorithm returns the algorithm of the signing key.
func (s *KeySet) Algorithm() string { return s.key.jwk.Algorithm }

// KeyID returns the kid of the signing key.
func (s *KeySet) KeyID() string { return s.key.jwk.KeyID }
