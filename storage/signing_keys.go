package storage

import (
	"bytes"
	"context"
	"time"
)

// SigningKeys keeps the signing keys that all replicas of a server share. It is
// handed sealed keys only, and cannot open them.
type SigningKeys interface {
	// SigningKeys returns all keys in the order of their turns.
	SigningKeys(ctx context.Context) ([]*SigningKey, error)

	// CreateSigningKey adds a key. It returns [ErrExists], and changes nothing,
	// if there is one with its Turn or its ID: of the replicas that make a key
	// for one turn, one succeeds. The others read the keys again, and use the one
	// that they find; if an answer was lost on the way, it may be their own.
	CreateSigningKey(ctx context.Context, k *SigningKey) error

	// DeleteSigningKey deletes the key with this turn. If there is none, that
	// is no error.
	DeleteSigningKey(ctx context.Context, turn int64) error
}

// SigningKey is the record of a signing key.
type SigningKey struct {
	// Turn numbers the keys in the order in which they sign, from 1.
	Turn int64
	// ID is the kid.
	ID string
	// AnnouncedAt is when the key was added, and so when it was published
	// first. When it signs and how long it is published follow from it.
	AnnouncedAt time.Time
	// Sealed is the private key, encrypted and authenticated together with the
	// other fields. The host's key-encryption key opens it.
	Sealed []byte
	// SealedWith is the version of that key-encryption key.
	SealedWith int
}

// Clone returns a copy that shares nothing with k.
func (k *SigningKey) Clone() *SigningKey {
	l := *k
	l.Sealed = bytes.Clone(k.Sealed)
	return &l
}
