package sqlstore

import (
	"context"
	"errors"
	"slices"

	"github.com/contit/oauth/storage"
)

var (
	errRenamed = errors.New("a client's ID cannot be changed")
	// errEnded ends a transaction whose outcome is known already.
	errEnded = errors.New("the change was refused")
)

// UpdateClient implements [storage.ManagedClients]. The function runs in a
// transaction that locks the client: other calls that change it wait. It must
// not use the store's DB, which may wait for it. It is called again, with a new
// copy, if the database undoes the transaction because of concurrency.
func (s *Store) UpdateClient(ctx context.Context, id string, change func(c *storage.Client) error) error {
	if !isIdentifier(id) {
		return notFound(ctx)
	}
	var verdict error
	err := s.transact(ctx, func(to bind) error {
		verdict = nil
		c, err := s.heldClient(ctx, to, id)
		if err != nil {
			return err
		}
		if c == nil {
			verdict = storage.ErrNotFound
			return errEnded
		}
		before := slices.Clone(c.Secrets)
		if verdict = change(c); verdict != nil {
			return errEnded
		}
		if c.ID != id {
			return errRenamed
		}
		if err := c.Check(); err != nil {
			return err
		}
		a := new(args)
		clientColumns[1:].add(a, c)
		a.identifier(id)
		if _, err := execOn(ctx, to, s.updateClient, a); err != nil {
			return err
		}
		return s.updateSecrets(ctx, to, before, c)
	})
	if verdict != nil {
		return verdict
	}
	return wrap("update client", err)
}

// heldClient locks a client and its secrets by writing them as they are, which
// every dialect can, and reads it, or returns nil. SQLite has to begin with a
// write: a transaction that begins as a reader is refused if another wrote.
func (s *Store) heldClient(ctx context.Context, to bind, id string) (*storage.Client, error) {
	key := new(args)
	key.identifier(id)
	for range 2 { // PostgreSQL finds no row after waiting for a PutClient, which made a new one
		n, err := execOn(ctx, to, s.holdClient, key)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			break
		}
	}
	if _, err := execOn(ctx, to, s.holdSecrets, key); err != nil {
		return nil, err
	}
	rows, err := queryOn(ctx, to, s.client, key, scanClientAndSecret)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return joined(rows), nil
}
