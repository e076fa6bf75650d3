package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

var errTwinSecrets = errors.New("two secrets of a client have one ID")

// secretColumns are those of a secret s. The database does not order them: with
// columns of any length, MySQL would write the rows to a temporary file first.
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

// AddSecret adds a secret to a client, so that it can be rotated with an
// overlap. It returns [storage.ErrNotFound] if there is no such client, and
// [storage.ErrExists] if it has a secret with this ID.
func (s *Store) AddSecret(ctx context.Context, clientID string, secret storage.ClientSecret) error {
	if !isIdentifier(clientID) {
		return notFound(ctx)
	}
	a, key, client := new(args), new(args), new(args)
	a.identifier(secret.ID)
	a.secret(secret)
	a.identifier(clientID)
	n, err := s.exec(ctx, s.addSecret, a)
	if err == nil && n > 0 {
		return nil
	}
	if a.err == nil {
		client.identifier(clientID)
		key.identifier(clientID)
		key.identifier(secret.ID)
		if there, readErr := s.exists(ctx, s.secretExists, key); readErr == nil && there {
			return storage.ErrExists
		}
		if there, readErr := s.exists(ctx, s.clientExists, client); readErr == nil && !there {
			return storage.ErrNotFound
		}
	}
	return fmt.Errorf("sqlstore: add secret: %w", err)
}

const addSecretSQL = `INSERT INTO {}client_secrets (client_id, id, position, hash, not_before, expires_at)
	SELECT c.id, ?, (SELECT COALESCE(MAX(p.position), 0) + 1 FROM {}client_secrets p WHERE p.client_id = c.id), ?, ?, ?
	FROM {}clients c WHERE c.id = ? {or ignore}`

// createSecrets adds the secrets of a new client in their order.
func (s *Store) createSecrets(ctx context.Context, to bind, c *storage.Client) error {
	seen := make(map[string]bool)
	for i, secret := range c.Secrets {
		if seen[secret.ID] {
			return errTwinSecrets
		}
		seen[secret.ID] = true
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

// ExpireSecret lets a secret of a client work until an instant and no longer,
// or returns [storage.ErrNotFound]. One that ends sooner is left as it is. The
// zero time is refused, because it would never come.
func (s *Store) ExpireSecret(ctx context.Context, clientID, secretID string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("sqlstore: expire secret: %w", errZeroTime)
	}
	if !isIdentifier(clientID) || !isIdentifier(secretID) {
		return notFound(ctx)
	}
	a, key := new(args), new(args)
	a.instant(at)
	a.identifier(clientID)
	a.identifier(secretID)
	a.instant(at)
	key.identifier(clientID)
	key.identifier(secretID)
	return s.update(ctx, "expire secret", s.expireSecret, a, s.secretExists, key)
}
