package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/contit/oauth/storage"
)

var _ storage.Revocations = (*Store)(nil)

// RevokeToken implements [storage.Revocations].
func (s *Store) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return s.db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO revoked_tokens (id, expires_at) VALUES (?, ?)
			ON CONFLICT (id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)`, id, instant(expiresAt))
		return err
	})
}

// Revoked implements [storage.Revocations].
func (s *Store) Revoked(ctx context.Context, id, family string) (revoked bool, err error) {
	err = s.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE id = ?)
		OR ? <> '' AND EXISTS (SELECT 1 FROM revoked_families WHERE family = ?)`, id, family, family).Scan(&revoked)
	return revoked, err
}
