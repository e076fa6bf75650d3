package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

var errAPIKey = errors.New("an API key must have an ID and a digest")

const apiKeyColumns = `digest, id, client_id, subject, scope, audience, created_at, expires_at, revoked_at`

// APIKey is that of [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	a := new(args)
	a.bytes(d[:])
	found, err := query(ctx, s, s.apiKey, a, scanAPIKey)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sqlstore: find API key: %w", err)
	case len(found) == 0:
		return nil, storage.ErrNotFound
	}
	return found[0], nil
}

func scanAPIKey(row scan) (*storage.APIKey, error) {
	var k storage.APIKey
	err := row((*digest)(&k.Digest), &k.ID, &k.ClientID, &k.Subject, (*list)(&k.Scope), (*list)(&k.Audience),
		(*instant)(&k.CreatedAt), (*instant)(&k.ExpiresAt), (*instant)(&k.RevokedAt))
	return &k, err
}

// CreateAPIKey adds a key, or returns [storage.ErrExists] if there is one with
// its digest or its ID.
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
	key := new(args)
	key.digest(k.Digest)
	err := s.transact(ctx, func(to bind) error {
		if replace {
			if _, err := execOn(ctx, to, s.deleteAPIKey, key); err != nil {
				return err
			}
		}
		n, err := execOn(ctx, to, s.createAPIKey, apiKeyArgs(k))
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
	there, err := s.exists(ctx, s.apiKeyExists, byID)
	return err == nil && there
}

func apiKeyArgs(k *storage.APIKey) *args {
	a := new(args)
	a.digest(k.Digest)
	a.identifier(k.ID)
	a.identifier(k.ClientID)
	a.identifier(k.Subject)
	a.list(k.Scope)
	a.list(k.Audience)
	a.instant(k.CreatedAt)
	a.instant(k.ExpiresAt)
	a.instant(k.RevokedAt)
	return a
}

// RevokeAPIKey revokes the key with this [storage.APIKey.ID], or returns
// [storage.ErrNotFound]. A key that is revoked already keeps its RevokedAt.
// The zero time is refused, because it would revoke nothing. Refresh tokens
// that rest on the key die with it.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("sqlstore: revoke API key: %w", errZeroTime)
	}
	if !isIdentifier(id) {
		return notFound(ctx)
	}
	a, key := new(args), new(args)
	a.instant(at)
	a.identifier(id)
	key.identifier(id)
	return s.update(ctx, "revoke API key", s.revokeAPIKey, a, s.apiKeyExists, key)
}

// ListAPIKeysOfClient returns the keys of a client, revoked and expired ones
// too, by ascending ID.
func (s *Store) ListAPIKeysOfClient(ctx context.Context, clientID string, p Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, s.apiKeysOfClient, clientID, p)
}

// ListAPIKeysOfSubject returns the keys of a subject, revoked and expired ones
// too, by ascending ID.
func (s *Store) ListAPIKeysOfSubject(ctx context.Context, subject string, p Page) ([]*storage.APIKey, error) {
	return s.listAPIKeys(ctx, s.apiKeysOfSubject, subject, p)
}

func (s *Store) listAPIKeys(ctx context.Context, st *sql.Stmt, owner string, p Page) ([]*storage.APIKey, error) {
	a := new(args)
	a.identifier(owner)
	a.identifier(p.After)
	a.number(int64(p.limit()))
	keys, err := query(ctx, s, st, a, scanAPIKey)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: list API keys: %w", err)
	}
	return keys, nil
}
