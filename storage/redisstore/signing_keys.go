package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/contit/oauth/storage"
)

var errSigningKey = errors.New("redisstore: a signing key must have a turn from 1 on, an ID and what is sealed")

// SigningKeys is that of [storage.SigningKeys].
func (s *Store) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	reply, err := s.run(ctx, "signingkeys", []string{s.signingKeysKey()})
	if err != nil {
		return nil, err
	}
	if reply[0] != "FOUND" {
		return nil, errForm
	}
	var keys []*storage.SigningKey
	for _, text := range reply[1:] {
		k, err := decodeSigningKey(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b *storage.SigningKey) int { return cmp.Compare(a.Turn, b.Turn) })
	return keys, nil
}

// CreateSigningKey is that of [storage.SigningKeys]. It refuses a key without a
// turn, an ID or what is sealed, and an ID that is not UTF-8.
//
// If Redis hears of it twice, because an answer was lost, it returns
// [storage.ErrExists] for what it created. There is no harm in that: whoever gets
// it reads the keys that there are, and uses that of this turn, whoever made it.
func (s *Store) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	if k.Turn < 1 || k.ID == "" || len(k.Sealed) == 0 {
		return errSigningKey
	}
	text, err := encodeSigningKey(k)
	if err != nil {
		return err
	}
	return s.decide(ctx, "createsigningkey", []string{s.signingKeysKey()}, strconv.FormatInt(k.Turn, 10), k.ID, text)
}

// DeleteSigningKey is that of [storage.SigningKeys].
func (s *Store) DeleteSigningKey(ctx context.Context, turn int64) error {
	return s.decide(ctx, "deletesigningkey", []string{s.signingKeysKey()}, strconv.FormatInt(turn, 10))
}
