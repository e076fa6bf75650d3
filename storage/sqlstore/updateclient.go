package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/contit/oauth/storage"
)

var (
	errRenamed = errors.New("a client's ID cannot be changed")
	// errEnded ends a transaction whose outcome is known already.
	errEnded = errors.New("the change was refused")
)

// UpdateClient changes a client as one step: its scope, its lifetimes, its
// secrets. It returns [storage.ErrNotFound] if there is no such client.
//
// The function gets a copy and changes it. It runs in a transaction that holds
// the client: others who change it wait, so it must be quick, and must not use
// the store or its DB, which may wait for it. It is called again, with a new
// copy, if the database undoes the transaction for the sake of concurrency. Its
// error ends UpdateClient, changes nothing, and is returned as it is. The ID must
// not be changed. What [Store.CreateClient] refuses is refused here too.
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
		a := new(args)
		a.client(c)
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

// updateSecrets makes the secrets of a client those of c. It touches no secret
// but those that it was shown, and replaces no row: on PostgreSQL an ExpireSecret
// that waits for a row would miss the new one.
func (s *Store) updateSecrets(ctx context.Context, to bind, before []storage.ClientSecret, c *storage.Client) error {
	if slices.Equal(before, c.Secrets) {
		return nil
	}
	old, seen := make(map[string]bool), make(map[string]bool)
	for _, secret := range before {
		old[secret.ID] = true
	}
	for i, secret := range c.Secrets {
		if seen[secret.ID] {
			return errTwinSecrets
		}
		seen[secret.ID] = true
		if err := s.putSecret(ctx, to, c.ID, i+1, secret, old[secret.ID]); err != nil {
			return err
		}
	}
	for _, secret := range before {
		if seen[secret.ID] {
			continue
		}
		key := new(args)
		key.identifier(c.ID)
		key.identifier(secret.ID)
		if _, err := execOn(ctx, to, s.deleteSecret, key); err != nil {
			return err
		}
	}
	return nil
}

// putSecret writes a secret in its place among those of a client.
func (s *Store) putSecret(ctx context.Context, to bind, clientID string, position int, secret storage.ClientSecret, replace bool) error {
	var st *sql.Stmt
	a := new(args)
	if replace {
		st = s.updateSecret
		a.number(int64(position))
		a.secret(secret)
		a.identifier(clientID)
		a.identifier(secret.ID)
	} else {
		st = s.createSecret
		a.identifier(clientID)
		a.identifier(secret.ID)
		a.number(int64(position))
		a.secret(secret)
	}
	_, err := execOn(ctx, to, st, a)
	return err
}
