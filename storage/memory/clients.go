package memory

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

var (
	errClientID     = errors.New("memory: a client's ID must be UTF-8 without control characters and not empty")
	errAPIKey       = errors.New("memory: an API key must have an ID and a digest")
	errZeroRevokeAt = errors.New("memory: an API key cannot be revoked at the zero time")
)

// Client returns a copy of the client with this identifier, or
// [storage.ErrNotFound].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clients[id]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return c.Clone(), nil
}

// PutClient adds a client, or replaces the one with its ID. It refuses an ID
// that is empty, not UTF-8, or has control characters.
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !isClientID(c.ID) {
		return errClientID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set(&s.clients, c.ID, c.Clone())
	return nil
}

func isClientID(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// APIKey returns a copy of the key with this digest, or [storage.ErrNotFound].
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

// PutAPIKey adds a key, or replaces the one with its digest. It returns
// [storage.ErrExists] if a key with another digest has its ID, since
// [Store.RevokeAPIKey] could not tell the two apart.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.ID == "" || k.Digest.IsZero() {
		return errAPIKey
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, ok := s.apiKeyIDs[k.ID]; ok && d != k.Digest {
		return storage.ErrExists
	}
	if before, ok := s.apiKeys[k.Digest]; ok {
		delete(s.apiKeyIDs, before.ID)
	}
	set(&s.apiKeys, k.Digest, k.Clone())
	set(&s.apiKeyIDs, k.ID, k.Digest)
	return nil
}

// RevokeAPIKey revokes the key with this [storage.APIKey.ID], or returns
// [storage.ErrNotFound]. A key that is revoked already keeps its RevokedAt.
// The zero time is refused, because it would revoke nothing.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at.IsZero() {
		return errZeroRevokeAt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.apiKeyIDs[id]
	if !ok {
		return storage.ErrNotFound
	}
	if k := s.apiKeys[d]; k.RevokedAt.IsZero() {
		k.RevokedAt = at
	}
	return nil
}
