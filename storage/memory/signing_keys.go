package memory

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/contit/oauth/storage"
)

var errSigningKey = errors.New("memory: a signing key must have a turn from 1 on, an ID and what is sealed")

// SigningKeys implements [storage.SigningKeys].
func (s *Store) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []*storage.SigningKey
	for _, k := range s.signingKeys {
		keys = append(keys, k.Clone())
	}
	return keys, nil
}

// CreateSigningKey implements [storage.SigningKeys]. It refuses a key without a
// turn, an ID or a sealed private key.
func (s *Store) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.Turn < 1 || k.ID == "" || len(k.Sealed) == 0 {
		return errSigningKey
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.signingKeys, func(l *storage.SigningKey) bool { return l.ID == k.ID }) {
		return storage.ErrExists
	}
	i, taken := s.turn(k.Turn)
	if taken {
		return storage.ErrExists
	}
	s.signingKeys = slices.Insert(s.signingKeys, i, k.Clone())
	return nil
}

// DeleteSigningKey implements [storage.SigningKeys].
func (s *Store) DeleteSigningKey(ctx context.Context, turn int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.turn(turn); ok {
		s.signingKeys = slices.Delete(s.signingKeys, i, i+1)
	}
	return nil
}

// turn returns where the key with this turn is, or belongs.
func (s *Store) turn(turn int64) (int, bool) {
	return slices.BinarySearchFunc(s.signingKeys, turn, func(k *storage.SigningKey, turn int64) int {
		return cmp.Compare(k.Turn, turn)
	})
}
