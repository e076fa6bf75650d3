package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

var errAPIKey = errors.New("an API key must have an ID and a digest")

// APIKey implements [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	a := new(args)
	a.bytes(d[:])
	return find(ctx, s, "find API key", s.apiKey, a, scanAPIKey)
}

func scanAPIKey(row scan) (*storage.APIKey, error) {
	k := new(storage.APIKey)
	return k, row(apiKeyColumns.dest(k)...)
}

// CreateAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.putAPIKey(ctx, k, "create API key", false)
}

// PutAPIKey adds a key, or replaces the one with its digest. It returns
// [storage.ErrExists] if a key with another digest has its ID, since
// [Store.RevokeAPIKey] could not tell the two apart.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.putAPIKey(ctx, k, "put API key", true)
}

func (s *Store) putAPIKey(ctx context.Context, k *storage.APIKey, what string, replace bool) error {
	if k.ID == "" || k.Digest.IsZero() {
		return fmt.Errorf("sqlstore: %s: %w", what, errAPIKey)
	}
	key, row := new(args), new(args)
	key.digest(k.Digest)
	apiKeyColumns.add(row, k)
	err := s.transact(ctx, func(to bind) error {
		if replace {
			if _, err := execOn(ctx, to, s.deleteAPIKey, key); err != nil {
				return err
			}
		}
		n, err := execOn(ctx, to, s.createAPIKey, row)
		if err == nil && n == 0 {
			err = errTaken
		}
		return err
	})
	if err == nil {
		return nil
	}
	if !isRefusal(err) && s.apiKeyTaken(ctx, k, replace) {
		return storage.ErrExists
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// apiKeyTaken reports whether a key cannot be added because of another.
func (s *Store) apiKeyTaken(ctx context.Context, k *storage.APIKey, replace bool) bool {
	byDigest, byID := new(args), new(args)
	byDigest.digest(k.Digest)
	byID.identifier(k.ID)
	found, err := query(ctx, s, s.apiKey, byDigest, scanAPIKey)
	if err != nil {
		return false
	}
	if len(found) > 0 && (!replace || found[0].ID == k.ID) {
		return !replace
	}
	there, err := s.exists(ctx, s.apiKeyIDExists, byID)
	return err == nil && there
}

// RevokeAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("sqlstore: revoke API key: %w", errZeroTime)
	}
	if subject == "" || !isIdentifier(subject) || !isIdentifier(id) {
		return notFound(ctx)
	}
	a, key := new(args), new(args)
	a.instant(at)
	for _, to := range []*args{a, key} {
		to.identifier(id)
		to.identifier(subject)
		to.identifier(keptSubject(subject, id))
	}
	return s.update(ctx, "revoke API key", s.revokeAPIKey, a, s.apiKeyExists, key)
}

// ExpireAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("sqlstore: expire API key: %w", errZeroTime)
	}
	if subject == "" || !isIdentifier(subject) || !isIdentifier(id) {
		return notFound(ctx)
	}
	a, key := new(args), new(args)
	a.instant(at)
	for _, to := range []*args{a, key} {
		to.identifier(id)
		to.identifier(subject)
		to.identifier(keptSubject(subject, id))
	}
	a.instant(at)
	return s.update(ctx, "expire API key", s.expireAPIKey, a, s.apiKeyExists, key)
}

// ownsItself begins the Owner of a key that has no Subject.
const ownsItself = "api_key:"

// keptSubject returns the value for the column subject of the key with this ID.
// If the subject is only the default that Owner derives from the ID, the column
// stays empty.
func keptSubject(subject, id string) string {
	if subject == ownsItself+id {
		return ""
	}
	return subject
}

// ListAPIKeysOfClient implements [storage.ManagedAPIKeys].
func (s *Store) ListAPIKeysOfClient(ctx context.Context, clientID string, p storage.Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, s.apiKeysOfClient, clientID, p)
}

// ListAPIKeysOfSubject implements [storage.ManagedAPIKeys].
func (s *Store) ListAPIKeysOfSubject(ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
	if subject == "" {
		return nil, ctx.Err()
	}
	keys, err := s.listAPIKeys(ctx, s.apiKeysOfSubject, subject, p)
	id, ok := strings.CutPrefix(subject, ownsItself)
	if err != nil || !ok || id <= p.After {
		return keys, err
	}
	a := new(args)
	a.identifier(id)
	own, err := query(ctx, s, s.apiKeyWithoutSubject, a, scanAPIKey)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: list API keys: %w", err)
	}
	keys = append(keys, own...)
	slices.SortFunc(keys, func(a, b *storage.APIKey) int { return cmp.Compare(a.ID, b.ID) })
	return keys[:min(len(keys), p.Size())], nil
}

func (s *Store) listAPIKeys(ctx context.Context, st *statement, owner string, p storage.Page) ([]*storage.APIKey, error) {
	a := new(args)
	a.identifier(owner)
	a.identifier(p.After)
	a.number(int64(p.Size()))
	keys, err := query(ctx, s, st, a, scanAPIKey)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: list API keys: %w", err)
	}
	return keys, nil
}
