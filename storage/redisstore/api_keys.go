package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errAPIKey       = errors.New("redisstore: an API key must have an ID and a digest")
	errZeroExpiry   = errors.New("redisstore: an API key cannot end at the zero time")
	errZeroRevokeAt = errors.New("redisstore: an API key cannot be revoked at the zero time")
)

// APIKey implements [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	reply, err := s.run(ctx, "api_key", []string{s.apiKeysKey()}, d.String())
	if err != nil {
		return nil, err
	}
	if reply, err = found(reply, 2); err != nil {
		return nil, err
	}
	return decodeAPIKey(d, reply[0], reply[1])
}

// CreateAPIKey implements [storage.ManagedAPIKeys]. If the client library sends
// the command twice, because an answer was lost, CreateAPIKey returns
// [storage.ErrExists] although it created the key.
func (s *Store) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.addAPIKey(ctx, "create_api_key", k)
}

// PutAPIKey adds a key, or replaces the one with its digest. It returns
// [storage.ErrExists] if a key with another digest has its ID, since
// [Store.RevokeAPIKey] could not tell the two apart. A key that replaces a revoked
// one is revoked only if its RevokedAt says so.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.addAPIKey(ctx, "put_api_key", k)
}

func (s *Store) addAPIKey(ctx context.Context, name string, k *storage.APIKey) error {
	if k.ID == "" || k.Digest.IsZero() {
		return errAPIKey
	}
	text, err := encodeAPIKey(k)
	if err != nil {
		return err
	}
	keys := []string{s.apiKeysKey(), s.apiKeysOfClient(k.ClientID), s.apiKeysOfSubject(k.Owner())}
	return s.decide(ctx, name, keys, k.Digest.String(), k.ID, text)
}

// RevokeAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if at.IsZero() {
		return errZeroRevokeAt
	}
	if subject == "" {
		return cmp.Or(ctx.Err(), storage.ErrNotFound)
	}
	text, err := encode(at.UTC())
	if err != nil {
		return err
	}
	return s.decide(ctx, "revoke_api_key", []string{s.apiKeysKey()}, id, subject, text)
}

// ExpireAPIKey implements [storage.ManagedAPIKeys]. It reads the key, and writes it if
// nobody else has changed it since, up to twenty times.
func (s *Store) ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if at.IsZero() {
		return errZeroExpiry
	}
	if subject == "" || id == "" {
		return cmp.Or(ctx.Err(), storage.ErrNotFound)
	}
	for range attempts {
		reply, err := s.run(ctx, "list_api_keys", []string{s.apiKeysKey(), s.apiKeysOfSubject(subject)}, "["+id, "1")
		if err != nil {
			return err
		}
		if err := verdict(reply, "FOUND"); err != nil {
			return err
		}
		if len(reply) != 1 && len(reply) != 5 {
			return errForm
		}
		if len(reply) == 1 || reply[1] != id {
			return storage.ErrNotFound
		}
		k, err := listedAPIKey(reply[1:])
		switch {
		case err != nil:
			return err
		case k == nil || k.Owner() != subject:
			return storage.ErrNotFound
		case !k.RevokedAt.IsZero() || !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(at):
			return nil
		}
		k.ExpiresAt = at
		after, err := encodeAPIKey(k)
		if err != nil {
			return err
		}
		reply, err = s.run(ctx, "change_api_key", []string{s.apiKeysKey()}, k.Digest.String(), reply[3], after)
		if err != nil || reply[0] != "CHANGED" {
			return cmp.Or(err, done(reply))
		}
	}
	return errRivals
}

// ListAPIKeysOfClient implements [storage.ManagedAPIKeys].
func (s *Store) ListAPIKeysOfClient(ctx context.Context, clientID string, p storage.Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, s.apiKeysOfClient(clientID), p, func(k *storage.APIKey) bool { return k.ClientID == clientID })
}

// ListAPIKeysOfSubject implements [storage.ManagedAPIKeys].
func (s *Store) ListAPIKeysOfSubject(ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	return s.listAPIKeys(ctx, s.apiKeysOfSubject(subject), p, func(k *storage.APIKey) bool { return k.Owner() == subject })
}

// listAPIKeys reads a list until the page is full. It passes over keys that were
// put again for another client or subject.
func (s *Store) listAPIKeys(ctx context.Context, list string, p storage.Page, wanted func(*storage.APIKey) bool) ([]*storage.APIKey, error) {
	var keys []*storage.APIKey
	for after := p.After; len(keys) < p.Size(); {
		n := p.Size() - len(keys)
		begin := "-"
		if after != "" {
			begin = "(" + after
		}
		reply, err := s.run(ctx, "list_api_keys", []string{s.apiKeysKey(), list}, begin, strconv.Itoa(n))
		if err != nil {
			return nil, err
		}
		if err := verdict(reply, "FOUND"); err != nil {
			return nil, err
		}
		if len(reply)%4 != 1 || len(reply) > 1+4*n {
			return nil, errForm
		}
		for one := range slices.Chunk(reply[1:], 4) {
			if one[0] <= after { // or this would not end
				return nil, errForm
			}
			after = one[0]
			k, err := listedAPIKey(one)
			if err != nil {
				return nil, err
			}
			if k != nil && wanted(k) {
				keys = append(keys, k)
			}
		}
		if len(reply) < 1+4*n {
			break
		}
	}
	return keys, nil
}

// listedAPIKey decodes one key of a list, and returns nil if its ID names no
// key any more.
func listedAPIKey(one []string) (*storage.APIKey, error) {
	if one[2] == "" {
		return nil, nil
	}
	d, err := parseDigest(one[1])
	if err != nil {
		return nil, err
	}
	return decodeAPIKey(d, one[2], one[3])
}
