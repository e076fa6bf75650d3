package sqlstore

import (
	"context"
	"fmt"

	"github.com/contit/oauth/storage"
)

// Client implements [storage.Clients].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	if !isIdentifier(id) {
		return nil, notFound(ctx)
	}
	return lookUp(ctx, s.clients, "find client", id)
}

// oneClient finds a client, or nil.
func (s *Store) oneClient(ctx context.Context, id string) (*storage.Client, error) {
	a := new(args)
	a.identifier(id)
	rows, err := query(ctx, s, s.client, a, scanClientAndSecret)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return joined(rows), nil
}

// allClients finds clients with one statement.
func (s *Store) allClients(ctx context.Context, ids []string) (map[string]*storage.Client, error) {
	st, a := s.clientAll.of(ids, (*args).identifier)
	rows, err := queryOn(ctx, toPool, st, a, scanClientAndSecret)
	rowsOf := make(map[string][]clientAndSecret)
	for _, r := range rows {
		rowsOf[r.client.ID] = append(rowsOf[r.client.ID], r)
	}
	all := make(map[string]*storage.Client, len(rowsOf))
	for id, rows := range rowsOf {
		all[id] = joined(rows)
	}
	return all, err
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

// notFound returns the verdict about an ID that the database cannot hold. As
// everywhere, there is no verdict for a context that has ended.
func notFound(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.ErrNotFound
}

// ListClients implements [storage.ManagedClients].
func (s *Store) ListClients(ctx context.Context, p storage.Page) ([]*storage.Client, error) {
	a := new(args)
	a.identifier(p.After)
	a.number(int64(p.Size()))
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

func scanClient(row scan) (*storage.Client, error) {
	c := new(storage.Client)
	return c, row(clientColumns.dest(c)...)
}

// clientAndSecret is a client with one of its secrets.
type clientAndSecret struct {
	client *storage.Client
	secret keptSecret
}

func scanClientAndSecret(row scan) (r clientAndSecret, err error) {
	r.client = new(storage.Client)
	return r, row(append(clientColumns.dest(r.client), r.secret.dest()...)...)
}

// CreateClient implements [storage.ManagedClients].
func (s *Store) CreateClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, "create client", false)
}

// PutClient implements [storage.ManagedClients].
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, "put client", true)
}

func (s *Store) putClient(ctx context.Context, c *storage.Client, what string, replace bool) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	id, row := new(args), new(args)
	id.identifier(c.ID)
	clientColumns.add(row, c)
	err := s.transact(ctx, func(to bind) error {
		if replace {
			for _, st := range []*statement{s.deleteClient, s.deleteSecrets} {
				if _, err := execOn(ctx, to, st, id); err != nil {
					return err
				}
			}
		}
		n, err := execOn(ctx, to, s.createClient, row)
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
