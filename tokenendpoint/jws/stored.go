package jws

import (
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

// StoredKeysConfig is the configuration of [StoredKeys]. [NewStoredKeys] copies it.
type StoredKeysConfig struct {
	// Store keeps the signing keys. It is required.
	Store storage.SigningKeys
	// KeyEncryptionKeys open the signing keys in the store, and the first one seals
	// new ones. At least one is required. [ParseKeyEncryptionKey] makes them.
	KeyEncryptionKeys []KeyEncryptionKey
	// Algorithm is the algorithm of new signing keys: one of the constants. If empty,
	// ES256. A change takes effect with the next key, which is made up to a Period
	// later, and signs once it has been published for long enough. An RSA key, of 2048
	// bits, takes a second or more to make, and one request waits for it.
	Algorithm string
	// Period is the time from one signing key to the announcement of the next. If
	// zero, 30 days; at least a second. It may be shorter than [Rotation.Lead]; but
	// all signing keys of Lead and [Rotation.Keep] are published, and a [Remote]
	// takes at most a hundred. It must be the same on all replicas: a replica that
	// starts decides by its own Period whether another replica can have made a row
	// that does not open.
	Period time.Duration
}

// StoredKeys is a [KeySource] of signing keys that the server makes by itself, one
// every Period, and that all its replicas share in a store. Only [NewStoredKeys] makes
// a working one. Give it to one [OpenKeySet].
//
// Replicas that make a signing key at the same time agree on one, since a store takes
// one key for a turn. A key is deleted when its last token has expired. The clock of
// the replica that made a key decides its turn. A replica whose clock is wrong by
// more than [Rotation] allows signs too early, or too late, and may delete a key that
// other replicas still need.
//
// # Key-encryption keys
//
// The store holds private keys encrypted (AES-256-GCM), together with the time and
// the turn at which they sign. An attacker that can write to the store, but has no
// key-encryption key, can delete keys and put deleted ones back, but can neither read
// a key, nor add one, nor move one to another time. Only decrypted keys are
// published.
//
// To change the key-encryption key, give all replicas the new one as the second one.
// When all have it, make it the first one. Drop the old one when the last key that it
// has sealed has been deleted: Period and [Rotation.Lead] and [Rotation.Keep] later.
//
// # Signing keys that do not open
//
// A replica cannot open a row if it lacks the row's key-encryption key, or has
// another one under its version. No replica can open a row that was damaged, or that
// an attacker has written.
//
// Such a replica does not start, and writes nothing, if no row opens, or if other
// replicas may sign with the row that does not: no later key that opens signs yet, and
// a replica can have made the row. No replica makes a key earlier than Period after
// the last one that it opens, or dates it ahead of all clocks. If another row with the
// same version opens, the row does not stop the start: nobody has sealed it with that
// key-encryption key. So an attacker with the right to insert rows, and no other
// right, can keep replicas from starting only from when a key is due until the next
// key signs. The error names the turn to delete.
//
// A running replica that cannot open the newest key makes another one at the same
// time. A replica that opens the newest key alone takes the other one for a row that no
// replica made, and starts. Keep to the order above when you change the key-encryption
// key, and there is no such row.
//
// A running replica goes on with the rows that open. It makes and deletes keys as if
// the others were not there, and logs an error that names their turns. It cannot tell
// whether a token of a key that does not open is good: that is an outage and not
// [ErrUnknownKey].
//
// No replica ever deletes a row that does not open. To recover, give the replicas the
// key-encryption key that the error names. If it is lost, delete the row with
// [storage.SigningKeys.DeleteSigningKey] and its turn: only tokens that were signed
// with this very key, if there are any, are lost with it. If no row opens any more
// and all key-encryption keys are lost, delete all rows, and the next start makes a
// new key; every token issued before is void then.
type StoredKeys struct {
	store     storage.SigningKeys
	algorithm string
	period    time.Duration

	ring *keyRing // nil if NewStoredKeys has not made the StoredKeys
	// opened finds a key by its id. It is a function, since fmt cannot print the
	// private keys behind one.
	opened  func(id string) (openedKey, bool)
	started bool      // the keys have been loaded once
	closed  []string  // the ids of rows that do not open
	retry   time.Time // make no key before this time
	refused bool      // a key could not be deleted
	said    complaint
}

var _ KeySource = (*StoredKeys)(nil)

// storeTime bounds the making of a key in the store. A key is announced that much
// later than the attempt begins: by then it is there, or it never will be.
const storeTime = 5 * time.Second

var (
	errNoStore         = errors.New("jws: StoredKeysConfig.Store is nil")
	errPeriod          = errors.New("jws: StoredKeysConfig.Period is below 1s")
	errStoredAlgorithm = errors.New("jws: StoredKeysConfig.Algorithm is none of RS256, PS256, ES256, EdDSA")
	errNotMade         = errors.New("jws: the StoredKeys was not made by NewStoredKeys")
	errTaken           = errors.New("jws: stored keys: the store refuses a turn as taken, and yet shows no new key")
)

// NewStoredKeys returns the signing keys in a store. It does not ask the store yet.
// Its error names every fault of the configuration.
func NewStoredKeys(c StoredKeysConfig) (*StoredKeys, error) {
	if c.Algorithm == "" {
		c.Algorithm = ES256
	}
	if c.Period == 0 {
		c.Period = 30 * 24 * time.Hour
	}
	ring, faults := newKeyRing(c.KeyEncryptionKeys)
	if c.Store == nil {
		faults = append(faults, errNoStore)
	}
	if !slices.Contains(Algorithms(), c.Algorithm) {
		faults = append(faults, errStoredAlgorithm)
	}
	if c.Period < time.Second {
		faults = append(faults, errPeriod)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &StoredKeys{
		store:     c.Store,
		algorithm: c.Algorithm,
		period:    c.Period,
		ring:      ring,
		opened:    func(string) (openedKey, bool) { return openedKey{}, false },
	}, nil
}

// Keys returns the signing keys in the store that open, and makes one if it is time.
// At the start, a key that other replicas may sign with and that does not open is an
// error that names its turn and its key-encryption key; later it is logged. If a key
// cannot be made while others are there, that is logged, and the others serve on.
func (s *StoredKeys) Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error) {
	// time.Now only measures a duration here; at is the clock.
	began := time.Now()
	r = r.withDefaults()
	if s.ring == nil {
		return nil, errNotMade
	}
	// Nothing is written before all rows have been read and checked.
	v, err := s.read(ctx, r, at)
	if err != nil {
		return nil, err
	}
	if s.due(v, at) {
		more, err := s.add(ctx, v, r, at, began)
		switch {
		case err == nil:
			v = more
		case len(v.keys) == 0 || !s.started && errors.Is(err, errNeeded):
			return nil, err
		default:
			r.Logger.ErrorContext(ctx, "no new signing key can be stored", "cause", err.Error())
			s.retry = at.Add(min(s.period, time.Minute))
		}
	}
	s.sweep(ctx, v, r, at)
	s.said.say(ctx, r.Logger, "signing keys in the store do not open, the others serve: see jws.StoredKeys", v.faults()...)
	s.started = true
	return s.keep(v), nil
}

// due reports whether it is time for another key.
func (s *StoredKeys) due(v *vault, at time.Time) bool {
	if len(v.keys) == 0 {
		return true
	}
	made := v.keys[len(v.keys)-1].row.AnnouncedAt.Add(-storeTime)
	return !at.Before(made.Add(s.period)) && !at.Before(s.retry)
}

// maxAttempts bounds the attempts to store one key.
const maxAttempts = 3

// add makes the key for the next turn, or finds the key of another replica.
func (s *StoredKeys) add(ctx context.Context, v *vault, r Rotation, at, began time.Time) (*vault, error) {
	signer, err := generate(s.algorithm)
	if err != nil {
		return nil, fmt.Errorf("jws: stored keys: make a key: %w", err)
	}
	key := Key{Signer: signer, Algorithm: s.algorithm}
	if key.ID, err = thumbprint(key); err != nil {
		return nil, fmt.Errorf("jws: stored keys: make a key: %w", err)
	}
	// Making the key may have taken all the time that ctx allows for loading. The key
	// is for all replicas and not only for the request that makes it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	// A store keeps microseconds, and the sealed date must equal the stored one.
	announced := at.Add(time.Since(began)).Add(storeTime).UTC().Truncate(time.Microsecond)
	for range maxAttempts {
		row := &storage.SigningKey{Turn: v.freeTurn(), ID: key.ID, AnnouncedAt: announced}
		if err := s.ring.seal(row, key); err != nil {
			return nil, fmt.Errorf("jws: stored keys: seal: %w", err)
		}
		err := s.store.CreateSigningKey(ctx, row)
		if err == nil {
			key.AnnouncedAt = row.AnnouncedAt
			v.keys = append(v.keys, openedKey{row, key})
			return v, nil
		}
		if !errors.Is(err, storage.ErrExists) {
			return nil, fmt.Errorf("jws: stored keys: create: %w", err)
		}
		if v, err = s.read(ctx, r, at); err != nil {
			return nil, err
		}
		if !s.due(v, at) {
			return v, nil
		}
	}
	return nil, errTaken
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
