package storagetest_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// directory is a store whose clients or API keys are broken: the functions that
// are set stand in for the methods of the good one.
type directory struct {
	*memory.Store
	client    func(s *memory.Store, ctx context.Context, id string) (*storage.Client, error)
	putClient func(s *memory.Store, ctx context.Context, c *storage.Client) error
	apiKey    func(s *memory.Store, ctx context.Context, d storage.Digest) (*storage.APIKey, error)
	putAPIKey func(s *memory.Store, ctx context.Context, k *storage.APIKey) error
}

// Client implements storage.Clients.
func (d directory) Client(ctx context.Context, id string) (*storage.Client, error) {
	if d.client != nil {
		return d.client(d.Store, ctx, id)
	}
	return d.Store.Client(ctx, id)
}

// PutClient implements storagetest.Clients.
func (d directory) PutClient(ctx context.Context, c *storage.Client) error {
	if d.putClient != nil {
		return d.putClient(d.Store, ctx, c)
	}
	return d.Store.PutClient(ctx, c)
}

// APIKey implements storage.APIKeys.
func (d directory) APIKey(ctx context.Context, digest storage.Digest) (*storage.APIKey, error) {
	if d.apiKey != nil {
		return d.apiKey(d.Store, ctx, digest)
	}
	return d.Store.APIKey(ctx, digest)
}

// PutAPIKey implements storagetest.APIKeys.
func (d directory) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	if d.putAPIKey != nil {
		return d.putAPIKey(d.Store, ctx, k)
	}
	return d.Store.PutAPIKey(ctx, k)
}

// clientsAs returns a directory that changes each client on its way out.
func clientsAs(change func(c *storage.Client)) directory {
	return directory{client: func(s *memory.Store, ctx context.Context, id string) (*storage.Client, error) {
		c, err := s.Client(ctx, id)
		if err == nil {
			change(c)
		}
		return c, err
	}}
}

// idsAs returns a directory that changes each client ID that it is asked for.
func idsAs(change func(id string) string) directory {
	return directory{client: func(s *memory.Store, ctx context.Context, id string) (*storage.Client, error) {
		return s.Client(ctx, change(id))
	}}
}

// apiKeysAs returns a directory that changes each API key, or the error, on the
// way out.
func apiKeysAs(change func(k *storage.APIKey, err error) error) directory {
	return directory{apiKey: func(s *memory.Store, ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
		k, err := s.APIKey(ctx, d)
		return k, change(k, err)
	}}
}

var brokenDirectories = []struct {
	name, rule string
	store      directory
}{
	{"drops a flag", ruleClient, clientsAs(func(c *storage.Client) { c.Disabled = false })},
	{"swaps two flags", "a client with nothing but an ID is found with zero values", clientsAs(func(c *storage.Client) {
		c.PKCENotRequired, c.RefreshNotRotated = c.RefreshNotRotated, c.PKCENotRequired
	})},
	{"defaults the method", "a client with nothing but an ID is found with zero values", clientsAs(func(c *storage.Client) {
		if c.AuthMethod == "" {
			c.AuthMethod = storage.ClientSecretBasic
		}
	})},
	{"turns empty into nil", "a client's nil list stays nil and its empty list stays empty", clientsAs(func(c *storage.Client) {
		c.DefaultScope = append([]string(nil), c.DefaultScope...)
	})},
	{"cuts lists", "a client with a hundred scopes and redirect URIs is found whole", clientsAs(func(c *storage.Client) {
		c.RedirectURIs = c.RedirectURIs[:min(99, len(c.RedirectURIs))]
	})},
	{"nil for nothing", "an unknown client is ErrNotFound", directory{
		client: func(s *memory.Store, ctx context.Context, id string) (*storage.Client, error) {
			c, _ := s.Client(ctx, id)
			return c, nil
		},
	}},
	{"trims", "client identifiers are compared byte for byte", idsAs(strings.TrimSpace)},
	{"cuts at NUL", "an identifier with NUL or broken UTF-8 finds no client", idsAs(func(id string) string {
		id, _, _ = strings.Cut(id, "\x00")
		return id
	})},
	{"drops bad bytes", "an identifier with NUL or broken UTF-8 finds no client", idsAs(func(id string) string {
		return strings.ToValidUTF8(id, "")
	})},
	{"shares clients", "clients are copied on the way in and out", sharedClients()},
	{"hides the context", "an ended context never looks like a verdict about a client", directory{
		client: func(s *memory.Store, ctx context.Context, id string) (*storage.Client, error) {
			return s.Client(context.WithoutCancel(ctx), id)
		},
	}},

	{"drops a list", ruleAPIKey, apiKeysAs(func(k *storage.APIKey, err error) error {
		if err == nil {
			k.Scope = nil
		}
		return err
	})},
	{"defaults the subject", "an API key with few fields is found with zero values", apiKeysAs(func(k *storage.APIKey, err error) error {
		if err == nil && k.Subject == "" {
			k.Subject = "api_key:" + k.ID
		}
		return err
	})},
	{"turns nil into empty", "an API key's nil audience stays nil and an empty one stays empty", apiKeysAs(func(k *storage.APIKey, err error) error {
		if err == nil {
			k.Audience = append([]string{}, k.Audience...)
		}
		return err
	})},
	{"cuts scopes", "an API key with a hundred scopes is found whole", apiKeysAs(func(k *storage.APIKey, err error) error {
		if err == nil {
			k.Scope = k.Scope[:min(64, len(k.Scope))]
		}
		return err
	})},
	{"driver's error", "an unknown API key is ErrNotFound", apiKeysAs(func(_ *storage.APIKey, err error) error {
		if err == storage.ErrNotFound {
			return sql.ErrNoRows
		}
		return err
	})},
	{"hides dead keys", "a revoked or expired API key is found", apiKeysAs(func(k *storage.APIKey, err error) error {
		if err == nil && k.ExpiresAt.Before(time.Now()) {
			return storage.ErrNotFound
		}
		return err
	})},
	{"shares keys", "API keys are copied on the way in and out", sharedAPIKeys()},
	{"any error is not found", "an ended context never looks like a verdict about an API key", apiKeysAs(func(_ *storage.APIKey, err error) error {
		if err != nil {
			return storage.ErrNotFound
		}
		return nil
	})},
	{"one table for all", "an API key is not found as a credential, nor a credential as an API key", directory{
		apiKey: func(s *memory.Store, ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
			if c, err := s.Credential(ctx, d); err == nil {
				return &storage.APIKey{Digest: d, ClientID: c.ClientID, Scope: c.Scope}, nil
			}
			return s.APIKey(ctx, d)
		},
	}},
}

func sharedClients() directory {
	clients := make(map[string]*storage.Client)
	return directory{
		client: func(_ *memory.Store, _ context.Context, id string) (*storage.Client, error) {
			if c, ok := clients[id]; ok {
				return c, nil
			}
			return nil, storage.ErrNotFound
		},
		putClient: func(_ *memory.Store, _ context.Context, c *storage.Client) error {
			clients[c.ID] = c
			return nil
		},
	}
}

func sharedAPIKeys() directory {
	keys := make(map[storage.Digest]*storage.APIKey)
	return directory{
		apiKey: func(_ *memory.Store, _ context.Context, d storage.Digest) (*storage.APIKey, error) {
			if k, ok := keys[d]; ok {
				return k, nil
			}
			return nil, storage.ErrNotFound
		},
		putAPIKey: func(_ *memory.Store, _ context.Context, k *storage.APIKey) error {
			keys[k.Digest] = k
			return nil
		},
	}
}

func TestRejectsBrokenDirectories(t *testing.T) {
	for _, b := range brokenDirectories {
		t.Run(b.name, func(t *testing.T) {
			b.store.Store = new(memory.Store)
			wantRejected(t, b.rule, b.store)
		})
	}
}
