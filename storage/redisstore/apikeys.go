package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errAPIKey       = errors.New("redisstore: an API key must have an ID and a digest")
	errZeroRevokeAt = errors.New("redisstore: an API key cannot be revoked at the zero time")
)

// APIKey is that of [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	reply, err := s.run(ctx, "apikey", []string{s.apiKeysKey()}, d.String())
	if err != nil {
		return nil, err
	}
	if reply, err = found(reply, 2); err != nil {
		return nil, err
	}
	return decodeAPIKey(d, reply[0], reply[1])
}

// CreateAPIKey adds a key, or returns [storage.ErrExists] if there is one with
// its digest or its ID. If Redis hears of it twice, because an answer was lost,
// it returns ErrExists for what it created.
func (s *Store) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.addAPIKey(ctx, "createapikey", k)
}

// PutAPIKey adds a key, or replaces the one with its digest. It returns
// [storage.ErrExists] if a key with another digest has its ID, since
// [Store.RevokeAPIKey] could not tell the two apart. What replaces a revoked key
// is revoked only if its RevokedAt says so.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.addAPIKey(ctx, "putapikey", k)
}

func (s *Store) addAPIKey(ctx context.Context, name string, k *storage.APIKey) error {
	if k.ID == "" || k.Digest.IsZero() {
		return errAPIKey
	}
	text, err := encodeAPIKey(k)
	if err != nil {
		return err
	}
	keys := []string{s.apiKeysKey(), s.apiKeysOf(k.ClientID)}
	return s.decide(ctx, name, keys, k.Digest.String(), k.ID, text)
}

// RevokeAPIKey revokes the key with this [storage.APIKey.ID], or returns
// [storage.ErrNotFound]. A key that is revoked already keeps its RevokedAt.
// The zero time is refused, because it would revoke nothing.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	if at.IsZero() {
		return errZeroRevokeAt
	}
	text, err := encode(at.UTC())
	if err != nil {
		return err
	}
	return s.decide(ctx, "revokeapikey", []string{s.apiKeysKey()}, id, text)
}

// ListAPIKeysOfClient returns all keys of a client, revoked and expired ones
// too, in the order in which they were made.
func (s *Store) ListAPIKeysOfClient(ctx context.Context, clientID string) ([]*storage.APIKey, error) {
	reply, err := s.run(ctx, "listapikeys", []string{s.apiKeysKey(), s.apiKeysOf(clientID)})
	if err != nil {
		return nil, err
	}
	if err := verdict(reply, "FOUND"); err != nil {
		return nil, err
	}
	if len(reply)%3 != 1 {
		return nil, errForm
	}
	var keys []*storage.APIKey
	for one := range slices.Chunk(reply[1:], 3) {
		d, err := parseDigest(one[0])
		if err != nil {
			return nil, err
		}
		k, err := decodeAPIKey(d, one[1], one[2])
		if err != nil {
			return nil, err
		}
		if k.ClientID == clientID { // or it was put again, for another client
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *storage.APIKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return keys, nil
}
