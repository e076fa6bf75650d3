package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// scripts is the client of all personal tokens: the scripts that users write. It has no
// row, and can do nothing without a personal token.
var scripts = storage.Client{
	ID:         "scripts",
	AuthMethod: storage.AuthNone,
	GrantTypes: []string{grants.TypeAPIKey},
	Scope:      []string{"profile", "notes"},
}

// apps are the clients, read from the table oauth_apps as it is.
type apps struct{ pool *pgxpool.Pool }

var _ storage.Clients = apps{}

// Client implements [storage.Clients]. The ID is the one that the database found.
func (a apps) Client(ctx context.Context, id string) (*storage.Client, error) {
	if id == scripts.ID {
		return scripts.Clone(), nil
	}
	var c storage.Client
	var kind, secret string
	err := a.pool.QueryRow(ctx, `SELECT app_key, kind, coalesce(secret_sha256, ''), redirect_uris, scopes, suspended
		FROM oauth_apps WHERE app_key = $1`, id).Scan(&c.ID, &kind, &secret, &c.RedirectURIs, &c.Scope, &c.Disabled)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("fromdatabase: find app: %w", err) // an outage
	case strings.HasPrefix(c.ID, subjectPrefix): // it would get the tokens of that user
		return nil, fmt.Errorf("fromdatabase: the app_key %q is the sub of a user", c.ID)
	}
	// The secrets were drawn by a machine, so the SHA-256 that the table has is enough.
	// The mark says what it is.
	secrets := []storage.ClientSecret{{ID: "app", Hash: "{sha256-hex}" + secret}}
	switch kind {
	case "service": // acts for itself
		c.Secrets, c.GrantTypes = secrets, []string{grants.TypeClientCredentials}
	case "web": // acts for users, on a server
		c.Secrets, c.GrantTypes = secrets, []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken}
	case "native": // acts for users, and keeps no secret
		c.AuthMethod, c.GrantTypes = storage.AuthNone, []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken}
	default:
		return nil, fmt.Errorf("fromdatabase: the app %q has the unknown kind %q", c.ID, kind)
	}
	return &c, nil
}

// names returns the names of apps by their app_key, for the pages.
func (a apps) names(ctx context.Context, keys ...string) (map[string]string, error) {
	rows, err := a.pool.Query(ctx, `SELECT app_key, name FROM oauth_apps WHERE app_key = ANY($1)`, keys)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string)
	var key, name string
	_, err = pgx.ForEachRow(rows, []any{&key, &name}, func() error {
		names[key] = name
		return nil
	})
	return names, err
}
