package sqlstore

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

var errSigningKey = errors.New("a signing key must have a turn from 1 on, an ID and what is sealed")

const signingKeyColumns = `turn, id, announced_at, sealed, sealed_with`

// SigningKeys implements [storage.SigningKeys].
func (s *Store) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	keys, err := query(ctx, s, s.signingKeys, new(args), func(row scan) (*storage.SigningKey, error) {
		var k storage.SigningKey
		return &k, row(&k.Turn, &k.ID, (*instant)(&k.AnnouncedAt), &k.Sealed, &k.SealedWith)
	})
	return keys, wrap("list signing keys", err)
}

// CreateSigningKey implements [storage.SigningKeys]. It refuses a key without a
// turn, an ID or a sealed private key.
//
// A call whose answer was lost on the way from the database may find its own key
// and return [storage.ErrExists]. There is no harm in that: the caller reads the
// keys that there are, and uses the key of this turn, its own or another's.
func (s *Store) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	const what = "create signing key"
	if k.Turn < 1 || k.ID == "" || len(k.Sealed) == 0 {
		return wrap(what, errSigningKey)
	}
	a, key := new(args), new(args)
	a.number(k.Turn)
	a.identifier(k.ID)
	a.instant(k.AnnouncedAt)
	a.bytes(k.Sealed)
	a.number(int64(k.SealedWith))
	if a.err != nil {
		return wrap(what, a.err)
	}
	n, err := s.exec(ctx, s.createSigningKey, a)
	if err == nil && n > 0 {
		return nil
	}
	key.number(k.Turn)
	key.identifier(k.ID)
	there, readErr := s.exists(ctx, s.signingKeyExists, key)
	switch {
	case readErr != nil:
		err = errors.Join(err, readErr)
	case there:
		return storage.ErrExists
	case err == nil: // the key that was there has gone meanwhile
		err = errUnsettled
	}
	return wrap(what, err)
}

// DeleteSigningKey implements [storage.SigningKeys].
func (s *Store) DeleteSigningKey(ctx context.Context, turn int64) error {
	a := new(args)
	a.number(turn)
	_, err := s.exec(ctx, s.deleteSigningKey, a)
	return wrap("delete signing key", err)
}
