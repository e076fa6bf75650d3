package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

const apiKeyColumns = `digest, id, label, client_id, subject, scope, audience, created_at, expires_at, revoked_at`

func apiKeyFields(k *storage.APIKey) []any {
	return []any{(*digest)(&k.Digest), &k.ID, &k.Name, &k.ClientID, &k.Subject, (*list)(&k.Scope), (*list)(&k.Audience),
		(*instant)(&k.CreatedAt), (*instant)(&k.ExpiresAt), (*instant)(&k.RevokedAt)}
}

// APIKey implements [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	var k storage.APIKey
	err := s.db.read.QueryRowContext(ctx, `SELECT `+apiKeyColumns+` FROM api_keys WHERE digest = ?`, d[:]).
		Scan(apiKeyFields(&k)...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("hostapp: find API key: %w", err)
	}
	return &k, nil
}

// AddAPIKey keeps a key that grants.NewAPIKey made.
func (s *Store) AddAPIKey(ctx context.Context, k *storage.APIKey) error {
	_, err := s.db.write.ExecContext(ctx, `INSERT INTO api_keys (`+apiKeyColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		digest(k.Digest), k.ID, k.Name, k.ClientID, k.Subject, list(k.Scope), list(k.Audience),
		instant(k.CreatedAt), instant(k.ExpiresAt), instant(k.RevokedAt))
	return err
}

// RevokeAPIKey revokes a key of this owner. A key that was revoked before keeps
// its first time, and a key of another owner is as unknown as one that does not
// exist.
func (s *Store) RevokeAPIKey(ctx context.Context, subject, id string, at time.Time) error {
	done, err := s.db.write.ExecContext(ctx, `UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?)
		WHERE id = ? AND subject = ?`, instant(at), id, subject)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return storage.ErrNotFound
	}
	return err
}

// ownedKey is a key as its owner sees it.
type ownedKey struct {
	storage.APIKey
	LastUsed time.Time
}

// State is for the page: active, revoked or expired.
func (k ownedKey) State(now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	}
	return "active"
}

// APIKeysOf lists a user's keys, the newest first, and those that are revoked last.
func (s *Store) APIKeysOf(ctx context.Context, subject string) ([]ownedKey, error) {
	rows, err := s.db.read.QueryContext(ctx, `SELECT last_used_at, `+apiKeyColumns+`
		FROM api_keys WHERE subject = ? ORDER BY revoked_at IS NOT NULL, created_at DESC`, subject)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []ownedKey
	for rows.Next() {
		var k ownedKey
		if err := rows.Scan(append([]any{(*instant)(&k.LastUsed)}, apiKeyFields(&k.APIKey)...)...); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}
