// Package rotate changes the secrets of clients, the API keys of users, and the keys
// of the server, while everybody goes on.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

var errNoSecret = errors.New("rotate: the client has no secret with this ID")

// addSecret gives a client one more secret. The caller shows it to the owner of the
// client, once.
func addSecret(ctx context.Context, store storage.ManagedClients, clientID, secretID string) (storage.Secret, error) {
	secret, hash := clientauth.NewSecret()
	err := store.UpdateClient(ctx, clientID, func(c *storage.Client) error {
		for _, s := range c.Secrets {
			if s.ID == secretID {
				return fmt.Errorf("rotate: the client has a secret %q already", secretID)
			}
		}
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: secretID, Hash: hash})
		return nil
	})
	return secret, err
}

// endSecret ends a secret at an instant.
func endSecret(ctx context.Context, store storage.ManagedClients, clientID, secretID string, at time.Time) error {
	return store.UpdateClient(ctx, clientID, func(c *storage.Client) error {
		for i, s := range c.Secrets {
			if s.ID == secretID {
				c.Secrets[i].ExpiresAt = at
				return nil
			}
		}
		return errNoSecret
	})
}

// rollAPIKey makes the successor of a user's API key. The former works for 30 days more,
// unless it ends sooner.
func rollAPIKey(ctx context.Context, store storage.ManagedAPIKeys, prefix string, former *storage.APIKey, now time.Time) (storage.Secret, error) {
	key, record, err := grants.NewAPIKey(prefix, storage.APIKey{
		Name: former.Name, ClientID: former.ClientID, Subject: former.Owner(),
		Scope: former.Scope, Audience: former.Audience, ExpiresAt: now.Add(365 * 24 * time.Hour),
	}, now)
	if err != nil {
		return storage.Secret{}, err
	}
	if err := store.CreateAPIKey(ctx, record); err != nil {
		return storage.Secret{}, err
	}
	return key, store.ExpireAPIKey(ctx, former.Owner(), former.ID, now.Add(30*24*time.Hour))
}
