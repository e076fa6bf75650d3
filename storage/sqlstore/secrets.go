package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

// secretColumns are the columns of a secret s. The database does not order
// them: with columns of any length, MySQL would write the rows to a temporary
// file first.
const secretColumns = `s.client_id, s.position, s.id, s.hash, s.not_before, s.expires_at`

// keptSecret is a secret as it is kept, or nothing but NULLs.
type keptSecret struct {
	clientID, id, hash   sql.NullString
	position             sql.NullInt64
	notBefore, expiresAt instant
}

func (k *keptSecret) dest() []any {
	return []any{&k.clientID, &k.position, &k.id, &k.hash, &k.notBefore, &k.expiresAt}
}

func scanSecret(row scan) (k keptSecret, err error) { return k, row(k.dest()...) }

// inOrder returns secrets in the order in which they were added.
func inOrder(kept []keptSecret) []storage.ClientSecret {
	slices.SortFunc(kept, func(a, b keptSecret) int {
		return cmp.Or(cmp.Compare(a.position.Int64, b.position.Int64), cmp.Compare(a.id.String, b.id.String))
	})
	var secrets []storage.ClientSecret
	for _, k := range kept {
		if k.id.Valid {
			secrets = append(secrets, storage.ClientSecret{
				ID: k.id.String, Hash: k.hash.String, NotBefore: time.Time(k.notBefore), ExpiresAt: time.Time(k.expiresAt),
			})
		}
	}
	return secrets
}

// createSecrets adds the secrets of a new client in their order.
func (s *Store) createSecrets(ctx context.Context, to bind, c *storage.Client) error {
	for i, secret := range c.Secrets {
		if err := s.putSecret(ctx, to, c.ID, i+1, secret, false); err != nil {
			return err
		}
	}
	return nil
}

func (a *args) secret(s storage.ClientSecret) {
	a.text(s.Hash)
	a.instant(s.NotBefore)
	a.instant(s.ExpiresAt)
}

// updateSecrets makes the secrets of a client those of c. It touches no secret
// but those that its function was shown, and updates a row in place.
func (s *Store) updateSecrets(ctx context.Context, to bind, before []storage.ClientSecret, c *storage.Client) error {
	if slices.Equal(before, c.Secrets) {
		return nil
	}
	old, kept := make(map[string]bool), make(map[string]bool)
	for _, secret := range before {
		old[secret.ID] = true
	}
	for i, secret := range c.Secrets {
		kept[secret.ID] = true
		if err := s.putSecret(ctx, to, c.ID, i+1, secret, old[secret.ID]); err != nil {
			return err
		}
	}
	for _, secret := range before {
		if kept[secret.ID] {
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
	var st *statement
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
