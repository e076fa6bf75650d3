package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

// Client implements [storage.Clients]. It maps the shop's row to a
// client of the endpoint.
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	var c storage.Client
	var token, refresh, idle, grace int64
	err := s.db.read.QueryRowContext(ctx, `SELECT app_key, login_method, blocked, allowed_grants, allowed_scopes,
			default_scopes, apis, return_urls, without_pkce, keeps_refresh_token, sends_secret_raw,
			token_seconds, refresh_seconds, refresh_idle_seconds, refresh_grace_seconds, public_keys, certificates
		FROM clients WHERE app_key = ?`, id).Scan(
		&c.ID, &c.AuthMethod, &c.Disabled, (*list)(&c.GrantTypes), (*list)(&c.Scope),
		(*list)(&c.DefaultScope), (*list)(&c.Audience), (*list)(&c.RedirectURIs), &c.PKCENotRequired, &c.RefreshNotRotated, &c.BasicNotEncoded,
		&token, &refresh, &idle, &grace, (*assertion)(&c.Assertion), (*certificate)(&c.Certificate))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("hostapp: find client: %w", err)
	}
	c.AccessTokenLifetime = time.Duration(token) * time.Second
	c.RefreshTokenLifetime = time.Duration(refresh) * time.Second
	c.RefreshTokenIdle = time.Duration(idle) * time.Second
	c.RefreshGrace = time.Duration(grace) * time.Second
	c.Secrets, err = s.clientSecrets(ctx, id)
	return &c, err
}

func (s *Store) clientSecrets(ctx context.Context, id string) ([]storage.ClientSecret, error) {
	rows, err := s.db.read.QueryContext(ctx, `SELECT name, secret_hash, valid_from, valid_until
		FROM client_secrets WHERE app_key = ? ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("hostapp: find client secrets: %w", err)
	}
	defer rows.Close()
	var secrets []storage.ClientSecret
	for rows.Next() {
		var s storage.ClientSecret
		if err := rows.Scan(&s.ID, &s.Hash, (*instant)(&s.NotBefore), (*instant)(&s.ExpiresAt)); err != nil {
			return nil, err
		}
		secrets = append(secrets, s)
	}
	return secrets, rows.Err()
}

// AddClient is for the shop's back office. The endpoint never calls it.
func (s *Store) AddClient(ctx context.Context, name string, c *storage.Client) error {
	return s.db.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.ID, name, c.AuthMethod, c.Disabled, list(c.GrantTypes), list(c.Scope),
			list(c.DefaultScope), list(c.Audience), list(c.RedirectURIs), c.PKCENotRequired, c.RefreshNotRotated, c.BasicNotEncoded,
			c.AccessTokenLifetime/time.Second, c.RefreshTokenLifetime/time.Second, c.RefreshTokenIdle/time.Second, c.RefreshGrace/time.Second, assertion(c.Assertion), certificate(c.Certificate))
		if err != nil {
			return err
		}
		for i, secret := range c.Secrets {
			_, err := tx.ExecContext(ctx, `INSERT INTO client_secrets VALUES (?, ?, ?, ?, ?, ?)`,
				c.ID, i, secret.ID, secret.Hash, instant(secret.NotBefore), instant(secret.ExpiresAt))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ClientName returns the name by which users know an app.
func (s *Store) ClientName(ctx context.Context, id string) (name string, err error) {
	err = s.db.read.QueryRowContext(ctx, `SELECT app_name FROM clients WHERE app_key = ?`, id).Scan(&name)
	return name, err
}
