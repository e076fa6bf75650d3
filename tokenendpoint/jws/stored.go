package jws

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

// StoredKeys is a [KeySource] of keys that the server makes by itself, one every
// Period, and that all its replicas share in a store. Give its address to one
// [OpenKeySet], which reports all that is wrong with it.
//
// Replicas that make a key at the same time agree on one, since a store takes one
// key for a turn. A key is deleted when its last token has expired. It takes its
// turn by the clock of the replica that made it, so a replica whose clock is off
// by more than [Rotation] allows signs too early, or too late, and may delete a
// key that others still need.
//
// # Key-encryption keys
//
// Private keys are in the store encrypted (AES-256-GCM), together with when and
// in which turn they sign. Who can write to the store and has no key-encryption
// key can delete keys, and put back what was deleted, but can neither read a key,
// nor add one, nor move one to another time. What is published is taken from the
// decrypted key alone.
//
// To change the key-encryption key: give all replicas the new one as the second
// one; when all have it, make it the first one; drop the old one when the last
// key that it has sealed has been deleted, Period and [Rotation.Lead] and
// [Rotation.Keep] later. A replica that lacks the one with which a key was sealed
// goes on with the keys that it has, as [OpenKeySet] says, and does not start.
type StoredKeys struct {
	// Store keeps the keys. It is required.
	Store storage.SigningKeys
	// KeyEncryptionKeys open what is in the store, and the first one seals what
	// is added. At least one is required.
	KeyEncryptionKeys []KeyEncryptionKey
	// Algorithm is that of the keys that are made: one of the constants. If
	// empty, ES256. A change takes effect with the next key, which is up to a
	// Period away, and signs once it has been published for long enough. To make
	// an RSA key, of 2048 bits, takes a second or more, and one request waits for
	// it.
	Algorithm string
	// Period is how long after a key the next one is announced. If zero, 30
	// days; at least a second. It may be shorter than [Rotation.Lead]; but all
	// keys of Lead and [Rotation.Keep] are published, and a [Remote] takes a
	// hundred.
	Period time.Duration

	ring *keyRing // nil until the first use
	// opened finds a key by its id. A function, for fmt does not look into it.
	opened  func(id string) (openedKey, bool)
	retry   time.Time // make no key before
	refused bool      // a key could not be deleted
}

var _ KeySource = (*StoredKeys)(nil)

// openedKey is a key together with what it was in the store.
type openedKey struct {
	row *storage.SigningKey
	key Key
}

// storeTime bounds the making of a key in the store. A key is announced that
// much later than the attempt begins: it is there by then, or it never will be.
const storeTime = 5 * time.Second

var (
	errNoStore         = errors.New("jws: StoredKeys.Store is nil")
	errPeriod          = errors.New("jws: StoredKeys.Period is below 1s")
	errStoredAlgorithm = errors.New("jws: StoredKeys.Algorithm is none of RS256, PS256, ES256, EdDSA")
	errNotThere        = errors.New("jws: stored keys: the store has a first key and does not show it")
)

// Keys returns the keys in the store, and makes one if it is time. A key that
// cannot be opened is an error that names its turn and its key-encryption key. If
// a key cannot be made although others are there, that is logged, and these go on.
func (s *StoredKeys) Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error) {
	// It measures how long this takes and no instant: that one is at.
	began := time.Now()
	r = r.withDefaults()
	if s.ring == nil {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	rows, err := s.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("jws: stored keys: list: %w", err)
	}
	if s.due(rows, at) {
		more, err := s.add(ctx, rows, at, began)
		switch {
		case err == nil:
			rows = more
		case len(rows) == 0:
			return nil, err
		default:
			r.Logger.ErrorContext(ctx, "no new signing key can be stored", "cause", err.Error())
			s.retry = at.Add(min(s.Period, time.Minute))
		}
	}
	return s.open(s.sweep(ctx, rows, r, at))
}

// check reports all faults of the configuration, and fills in what is zero.
func (s *StoredKeys) check() error {
	ring, faults := newKeyRing(s.KeyEncryptionKeys)
	if s.Store == nil {
		faults = append(faults, errNoStore)
	}
	if s.Algorithm == "" {
		s.Algorithm = ES256
	}
	if !slices.Contains([]string{RS256, PS256, ES256, EdDSA}, s.Algorithm) {
		faults = append(faults, errStoredAlgorithm)
	}
	if s.Period == 0 {
		s.Period = 30 * 24 * time.Hour
	}
	if s.Period < time.Second {
		faults = append(faults, errPeriod)
	}
	if len(faults) == 0 {
		s.ring = ring
		s.opened = func(string) (openedKey, bool) { return openedKey{}, false }
	}
	return errors.Join(faults...)
}

// due reports whether it is time for another key.
func (s *StoredKeys) due(rows []*storage.SigningKey, at time.Time) bool {
	if len(rows) == 0 {
		return true
	}
	made := rows[len(rows)-1].AnnouncedAt.Add(-storeTime)
	return !at.Before(made.Add(s.Period)) && !at.Before(s.retry)
}

// add makes the key for the next turn, or finds that another replica has.
func (s *StoredKeys) add(ctx context.Context, rows []*storage.SigningKey, at, began time.Time) ([]*storage.SigningKey, error) {
	signer, err := generate(s.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("jws: stored keys: make a key: %w", err)
	}
	key := Key{Signer: signer, Algorithm: s.Algorithm}
	if key.ID, err = thumbprint(key); err != nil {
		return nil, fmt.Errorf("jws: stored keys: make a key: %w", err)
	}
	// To make the key may have taken what ctx allows for loading. It is for all
	// replicas and not for the request that happens to bring it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	row := &storage.SigningKey{Turn: 1, ID: key.ID}
	if n := len(rows); n > 0 {
		row.Turn = rows[n-1].Turn + 1
	}
	// A store keeps microseconds, and what is sealed must be what is kept.
	row.AnnouncedAt = at.Add(time.Since(began)).Add(storeTime).UTC().Truncate(time.Microsecond)
	if err := s.ring.seal(row, key); err != nil {
		return nil, fmt.Errorf("jws: stored keys: seal: %w", err)
	}
	switch err := s.Store.CreateSigningKey(ctx, row); {
	case errors.Is(err, storage.ErrExists):
		rows, err := s.Store.SigningKeys(ctx)
		if err != nil {
			return nil, fmt.Errorf("jws: stored keys: list: %w", err)
		}
		if len(rows) == 0 {
			return nil, errNotThere
		}
		return rows, nil
	case err != nil:
		return nil, fmt.Errorf("jws: stored keys: create: %w", err)
	}
	return append(slices.Clone(rows), row), nil
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// sweep deletes the keys whose times are over, and leaves them out. A key that
// stays in the store does no harm, so that a failure is none.
func (s *StoredKeys) sweep(ctx context.Context, rows []*storage.SigningKey, r Rotation, at time.Time) []*storage.SigningKey {
	for len(rows) > 1 && !at.Before(rows[1].AnnouncedAt.Add(r.Lead()+r.Keep())) {
		if err := s.Store.DeleteSigningKey(ctx, rows[0].Turn); err != nil && !s.refused {
			s.refused = true // to say so once is enough
			r.Logger.WarnContext(ctx, "a signing key whose time is over cannot be deleted", "turn", rows[0].Turn, "cause", err.Error())
		}
		rows = rows[1:]
	}
	return rows
}

// open returns the keys of rows. What has not changed in the store since last
// time is not opened again.
func (s *StoredKeys) open(rows []*storage.SigningKey) ([]Key, error) {
	var faults []error
	keys := make([]Key, 0, len(rows))
	opened := make(map[string]openedKey, len(rows))
	for _, row := range rows {
		o, ok := s.opened(row.ID)
		if !ok || !sameRow(o.row, row) {
			key, err := s.ring.open(row)
			if err != nil {
				faults = append(faults, fmt.Errorf("jws: stored key of turn %d, sealed with the key-encryption key %d: %w", row.Turn, row.SealedWith, err))
				continue
			}
			o = openedKey{row: row.Clone(), key: key}
		}
		opened[row.ID] = o
		keys = append(keys, o.key)
	}
	s.opened = func(id string) (openedKey, bool) {
		o, ok := opened[id]
		return o, ok
	}
	return keys, errors.Join(faults...)
}

func sameRow(a, b *storage.SigningKey) bool {
	return a.Turn == b.Turn && a.ID == b.ID && a.AnnouncedAt.Equal(b.AnnouncedAt) && a.SealedWith == b.SealedWith && bytes.Equal(a.Sealed, b.Sealed)
}
