package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

// Store is the shop's [storage.Storage], over its own tables: credentials here,
// clients in clients.go, API keys in api_keys.go.
type Store struct {
	db *database
}

var _ storage.Storage = (*Store)(nil)

const credentialColumns = `digest, kind, family, issuer, client_id, subject, scope, audience, claims, api_key,
	redirect_uri, pkce, challenge, issued_at, expires_at, family_expires_at, max_uses, uses, spent_at, salt`

// CreateCredential implements [storage.Credentials].
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return s.db.update(ctx, func(tx *sql.Tx) error { return addCredential(ctx, tx, c) })
}

// addCredential adds a credential in a transaction of the caller. Whether its
// family is revoked is not kept here: it is looked up at every reading.
func addCredential(ctx context.Context, tx *sql.Tx, c *storage.Credential) error {
	done, err := tx.ExecContext(ctx, `INSERT INTO credentials (`+credentialColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
		digest(c.Digest), c.Kind, c.Family, c.Issuer, c.ClientID, c.Subject, list(c.Scope), list(c.Audience), c.Claims, digest(c.APIKey),
		c.RedirectURI, c.PKCE, c.Challenge, instant(c.IssuedAt), instant(c.ExpiresAt), instant(c.FamilyExpiresAt),
		c.MaxUses, c.Uses, instant(c.SpentAt), c.Salt)
	if err != nil {
		return fmt.Errorf("hostapp: add credential: %w", err)
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return storage.ErrExists
	}
	return err
}

// Credential implements [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	var c storage.Credential
	err := s.db.read.QueryRowContext(ctx, `SELECT `+credentialColumns+`,
			EXISTS (SELECT 1 FROM revoked_families r WHERE r.family = c.family)
		FROM credentials c WHERE digest = ?`, d[:]).Scan(
		(*digest)(&c.Digest), &c.Kind, &c.Family, &c.Issuer, &c.ClientID, &c.Subject, (*list)(&c.Scope), (*list)(&c.Audience), &c.Claims, (*digest)(&c.APIKey),
		&c.RedirectURI, &c.PKCE, &c.Challenge, (*instant)(&c.IssuedAt), (*instant)(&c.ExpiresAt), (*instant)(&c.FamilyExpiresAt),
		&c.MaxUses, &c.Uses, (*instant)(&c.SpentAt), &c.Salt, &c.Revoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("hostapp: find credential: %w", err)
	}
	return &c, nil
}

// Spend implements [storage.Credentials]. The transaction has the write lock
// from its first statement on, so that nothing changes between the question and
// the answer: not by another Spend, and not by a Revoke.
func (s *Store) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return s.db.update(ctx, func(tx *sql.Tx) error {
		var uses, maxUses int
		var revoked bool
		err := tx.QueryRowContext(ctx, `SELECT uses, max_uses,
				EXISTS (SELECT 1 FROM revoked_families r WHERE r.family = c.family)
			FROM credentials c WHERE digest = ?`, old.Digest[:]).Scan(&uses, &maxUses, &revoked)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return storage.ErrNotFound
		case err != nil:
			return fmt.Errorf("hostapp: spend: %w", err)
		case revoked:
			return storage.ErrSpent
		case old.Uses == 0 && uses == 0:
			return spendFirst(ctx, tx, old, next, at)
		case old.Uses != 0 && uses != 0 && uses < maxUses && next == nil:
			_, err := tx.ExecContext(ctx, `UPDATE credentials SET uses = uses + 1 WHERE digest = ?`, old.Digest[:])
			return err
		}
		return storage.ErrSpent
	})
}

func spendFirst(ctx context.Context, tx *sql.Tx, old, next *storage.Credential, at time.Time) error {
	if next != nil {
		if err := addCredential(ctx, tx, next); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE credentials SET uses = 1, spent_at = ?, salt = ?, family_expires_at = ?
		WHERE digest = ?`, instant(at), old.Salt, instant(old.FamilyExpiresAt), old.Digest[:])
	return err
}

// Revoke implements [storage.Credentials]. It sets a tombstone instead of
// changing the credentials row by row: a successor that a concurrent Spend adds
// is revoked too, whichever of the two is first.
func (s *Store) Revoke(ctx context.Context, family string) error {
	return s.db.update(ctx, func(tx *sql.Tx) error { return revokeFamily(ctx, tx, family, time.Now()) })
}

func revokeFamily(ctx context.Context, tx *sql.Tx, family string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO revoked_families (family, revoked_at) VALUES (?, ?)
		ON CONFLICT (family) DO NOTHING`, family, instant(at))
	return err
}

// DeleteExpired deletes up to limit (all, if limit is not positive) of the
// credentials that were over before an instant, and returns how many. The
// tombstone of a family stays for as long as any of it is there, and a day
// longer than it was revoked, for a code that was being stored meanwhile.
func (s *Store) DeleteExpired(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	if limit <= 0 {
		limit = -1 // SQLite's "no limit"
	}
	err = s.db.update(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM credentials WHERE digest IN
			(SELECT digest FROM credentials WHERE max(expires_at, family_expires_at) < ? LIMIT ?)`, instant(before), limit)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		deleted = int(n)
		if _, err = tx.ExecContext(ctx, `DELETE FROM revoked_tokens WHERE expires_at < ?`, instant(before)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM revoked_families WHERE revoked_at < ?
			AND NOT EXISTS (SELECT 1 FROM credentials c WHERE c.family = revoked_families.family)`,
			instant(before.AddDate(0, 0, -1)))
		return err
	})
	return deleted, err
}
