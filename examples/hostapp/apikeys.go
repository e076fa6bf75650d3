package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

const apiKeyColumns = `digest, id, client_id, subject, scope, audience, created_at, expires_at, revoked_at`

func apiKeyFields(k *storage.APIKey) []any {
	return []any{(*digest)(&k.Digest), &k.ID, &k.ClientID, &k.Subject, (*list)(&k.Scope), (*list)(&k.Audience),
		(*instant)(&k.CreatedAt), (*instant)(&k.ExpiresAt), (*instant)(&k.RevokedAt)}
}

// APIKey is that of [storage.APIKeys].
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

// AddAPIKey keeps a key that grants.NewAPIKey made, with the user's label.
func (s *Store) AddAPIKey(ctx context.Context, label string, k *storage.APIKey) error {
	_, err := s.db.write.ExecContext(ctx, `INSERT INTO api_keys (label, `+apiKeyColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, label,
		digest(k.Digest), k.ID, k.ClientID, k.Subject, list(k.Scope), list(k.Audience),
		instant(k.CreatedAt), instant(k.ExpiresAt), instant(k.RevokedAt))
	return err
}

// RevokeAPIKey revokes a key of this owner. What was revoked stays revoked at
// the first time, and another's key is as unknown as one that does not exist.
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
	Label    string
	LastUsed time.Time
}

// Live is for the page.
func (k ownedKey) Live() bool { return k.RevokedAt.IsZero() }

// APIKeysOf lists a user's keys, the newest first.
func (s *Store) APIKeysOf(ctx context.Context, subject string) ([]ownedKey, error) {
	rows, err := s.db.read.QueryContext(ctx, `SELECT label, last_used_at, `+apiKeyColumns+`
		FROM api_keys WHERE subject = ? ORDER BY created_at DESC`, subject)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []ownedKey
	for rows.Next() {
		var k ownedKey
		if err := rows.Scan(append([]any{&k.Label, (*instant)(&k.LastUsed)}, apiKeyFields(&k.APIKey)...)...); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}
