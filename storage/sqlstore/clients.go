package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/contit/oauth/storage"
)

var errClientID = errors.New("a client's ID must be UTF-8 without control characters and not empty")

// clientColumns are those of a client c.
const clientColumns = `c.id, c.auth_method, c.disabled, c.grant_types, c.scope, c.default_scope, c.audience, c.redirect_uris,
	c.pkce_not_required, c.refresh_not_rotated, c.access_token_lifetime, c.refresh_token_lifetime, c.refresh_token_idle`

const createClientSQL = `INSERT INTO {}clients (id, auth_method, disabled, grant_types, scope, default_scope, audience, redirect_uris,
	pkce_not_required, refresh_not_rotated, access_token_lifetime, refresh_token_lifetime, refresh_token_idle)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {or ignore}`

// Client is that of [storage.Clients].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	if !isIdentifier(id) {
		return nil, notFound(ctx)
	}
	a := new(args)
	a.identifier(id)
	rows, err := query(ctx, s, s.client, a, scanClientAndSecret)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sqlstore: find client: %w", err)
	case len(rows) == 0:
		return nil, storage.ErrNotFound
	}
	return joined(rows), nil
}

// joined makes one client of its rows, of which there is one at least.
func joined(rows []clientAndSecret) *storage.Client {
	secrets := make([]keptSecret, len(rows))
	for i, r := range rows {
		secrets[i] = r.secret
	}
	rows[0].client.Secrets = inOrder(secrets)
	return rows[0].client
}

// notFound is the verdict about what cannot be in the database. As everywhere,
// there is no verdict for a context that has ended.
func notFound(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.ErrNotFound
}

// Page tells which part of a list is wanted. A page shorter than its limit is
// the last.
type Page struct {
	// After is the last identifier of the page before, or empty.
	After string
	// Limit is the most that is returned. If zero or negative, 100.
	Limit int
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return 100
	}
	return p.Limit
}

// ListClients returns clients, disabled ones too, by ascending ID.
func (s *Store) ListClients(ctx context.Context, p Page) ([]*storage.Client, error) {
	a := new(args)
	a.identifier(p.After)
	a.number(int64(p.limit()))
	clients, err := query(ctx, s, s.listClients, a, scanClient)
	if err != nil || len(clients) == 0 {
		return nil, wrap("list clients", err)
	}
	span := new(args)
	span.identifier(clients[0].ID)
	span.identifier(clients[len(clients)-1].ID)
	secrets, err := query(ctx, s, s.listSecrets, span, scanSecret)
	if err != nil {
		return nil, wrap("list clients", err)
	}
	byClient := make(map[string][]keptSecret)
	for _, secret := range secrets {
		byClient[secret.clientID.String] = append(byClient[secret.clientID.String], secret)
	}
	for _, c := range clients {
		c.Secrets = inOrder(byClient[c.ID])
	}
	return clients, nil
}

func clientDest(c *storage.Client) []any {
	return []any{&c.ID, &c.AuthMethod, &c.Disabled, (*list)(&c.GrantTypes), (*list)(&c.Scope), (*list)(&c.DefaultScope),
		(*list)(&c.Audience), (*list)(&c.RedirectURIs), &c.PKCENotRequired, &c.RefreshNotRotated,
		(*duration)(&c.AccessTokenLifetime), (*duration)(&c.RefreshTokenLifetime), (*duration)(&c.RefreshTokenIdle)}
}

func scanClient(row scan) (*storage.Client, error) {
	c := new(storage.Client)
	return c, row(clientDest(c)...)
}

// clientAndSecret is a client with one of its secrets.
type clientAndSecret struct {
	client *storage.Client
	secret keptSecret
}

func scanClientAndSecret(row scan) (r clientAndSecret, err error) {
	r.client = new(storage.Client)
	return r, row(append(clientDest(r.client), r.secret.dest()...)...)
}

// CreateClient adds a client, or returns [storage.ErrExists]. It refuses an ID
// that is empty, not UTF-8, or has control characters, and secrets that share
// an ID, since [Store.ExpireSecret] could not tell them apart.
func (s *Store) CreateClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, "create client", false)
}

// PutClient adds a client, or replaces the one with its ID and all its secrets.
// It refuses what [Store.CreateClient] refuses. It undoes what others changed
// since the caller read the client: to change one, call [Store.UpdateClient].
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, "put client", true)
}

func (s *Store) putClient(ctx context.Context, c *storage.Client, what string, replace bool) error {
	if c.ID == "" || !isIdentifier(c.ID) || strings.ContainsFunc(c.ID, unicode.IsControl) {
		return fmt.Errorf("sqlstore: %s: %w", what, errClientID)
	}
	id := new(args)
	id.identifier(c.ID)
	err := s.transact(ctx, func(to bind) error {
		if replace {
			for _, st := range []*sql.Stmt{s.deleteClient, s.deleteSecrets} {
				if _, err := execOn(ctx, to, st, id); err != nil {
					return err
				}
			}
		}
		n, err := execOn(ctx, to, s.createClient, clientArgs(c))
		if err == nil && n == 0 {
			err = errTaken
		}
		if err != nil {
			return err
		}
		return s.createSecrets(ctx, to, c)
	})
	if err == nil {
		return nil
	}
	if !replace {
		if there, readErr := s.exists(ctx, s.clientExists, id); readErr == nil && there && !isRefusal(err) {
			return storage.ErrExists
		}
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

func clientArgs(c *storage.Client) *args {
	a := new(args)
	a.identifier(c.ID)
	a.client(c)
	return a
}

// client adds the columns of a client but its ID.
func (a *args) client(c *storage.Client) {
	a.identifier(c.AuthMethod)
	a.flag(c.Disabled)
	a.list(c.GrantTypes)
	a.list(c.Scope)
	a.list(c.DefaultScope)
	a.list(c.Audience)
	a.list(c.RedirectURIs)
	a.flag(c.PKCENotRequired)
	a.flag(c.RefreshNotRotated)
	a.duration(c.AccessTokenLifetime)
	a.duration(c.RefreshTokenLifetime)
	a.duration(c.RefreshTokenIdle)
}

// DisableClient makes every request of a client fail, or returns
// [storage.ErrNotFound]. Its secrets, refresh tokens and API keys are kept, and
// work again after [Store.EnableClient].
func (s *Store) DisableClient(ctx context.Context, id string) error {
	return s.setDisabled(ctx, id, true)
}

// EnableClient undoes DisableClient.
func (s *Store) EnableClient(ctx context.Context, id string) error {
	return s.setDisabled(ctx, id, false)
}

func (s *Store) setDisabled(ctx context.Context, id string, disabled bool) error {
	if !isIdentifier(id) {
		return notFound(ctx)
	}
	a, key := new(args), new(args)
	a.flag(disabled)
	a.identifier(id)
	key.identifier(id)
	return s.update(ctx, "disable or enable client", s.disableClient, a, s.clientExists, key)
}
