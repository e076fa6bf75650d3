package memory

import (
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errAPIKey       = errors.New("memory: an API key must have an ID and a digest")
	errZeroExpiry   = errors.New("memory: an API key cannot end at the zero time")
	errZeroRevokeAt = errors.New("memory: an API key cannot be revoked at the zero time")
)

// APIKey implements [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.apiKeys[d]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return k.Clone(), nil
}

// CreateAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) CreateAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.putAPIKey(ctx, k, false)
}

// PutAPIKey adds a key, or replaces the one with its digest. It returns
// [storage.ErrExists] if a key with another digest has its ID, since
// [Store.RevokeAPIKey] could not tell the two apart. A key that replaces a revoked
// one is revoked only if its RevokedAt says so.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.putAPIKey(ctx, k, true)
}

func (s *Store) putAPIKey(ctx context.Context, k *storage.APIKey, replace bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.ID == "" || k.Digest.IsZero() {
		return errAPIKey
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, there := s.apiKeys[k.Digest]
	if d, taken := s.apiKeyIDs[k.ID]; taken && d != k.Digest || there && !replace {
		return storage.ErrExists
	}
	if there {
		delete(s.apiKeyIDs, before.ID)
	}
	set(&s.apiKeys, k.Digest, k.Clone())
	set(&s.apiKeyIDs, k.ID, k.Digest)
	return nil
}

// ListAPIKeysOfSubject implements [storage.ManagedAPIKeys]. It looks at all keys.
func (s *Store) ListAPIKeysOfSubject(ctx context.Context, subject string, p storage.Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, p, func(k *storage.APIKey) bool { return subject != "" && k.Owner() == subject })
}

// ListAPIKeysOfClient implements [storage.ManagedAPIKeys]. It looks at all keys.
func (s *Store) ListAPIKeysOfClient(ctx context.Context, clientID string, p storage.Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, p, func(k *storage.APIKey) bool { return k.ClientID == clientID })
}

func (s *Store) listAPIKeys(ctx context.Context, p storage.Page, wanted func(*storage.APIKey) bool) ([]*storage.APIKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, k := range s.apiKeys {
		if wanted(k) {
			ids = append(ids, k.ID)
		}
	}
	var keys []*storage.APIKey
	for _, id := range page(ids, p) {
		keys = append(keys, s.apiKeys[s.apiKeyIDs[id]].Clone())
	}
	return keys, nil
}

// RevokeAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at.IsZero() {
		return errZeroRevokeAt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.apiKeys[s.apiKeyIDs[id]]
	if k == nil || subject == "" || k.Owner() != subject {
		return storage.ErrNotFound
	}
	revoke(k, at)
	return nil
}

// ExpireAPIKey implements [storage.ManagedAPIKeys].
func (s *Store) ExpireAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at.IsZero() {
		return errZeroExpiry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.apiKeys[s.apiKeyIDs[id]]
	if k == nil || subject == "" || k.Owner() != subject {
		return storage.ErrNotFound
	}
	if k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(at)) {
		k.ExpiresAt = at
	}
	return nil
}

func revoke(k *storage.APIKey, at time.Time) {
	if k.RevokedAt.IsZero() {
		k.RevokedAt = at
	}
}
