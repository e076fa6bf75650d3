package moving

import (
	"context"
	"log/slog"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// The clients of the README, as they are registered here.
var (
	shopFromIdentityServer = &storage.Client{
		ID:           "shop",
		Secrets:      []storage.ClientSecret{{ID: "former-1", Hash: "{sha256-base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", ExpiresAt: time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)}},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://app.example.com/callback"},
	}
	shopFromOpenIddict = &storage.Client{
		ID:           "shop",
		Secrets:      []storage.ClientSecret{{ID: "former", Hash: "{aspnet-identity}AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg84iY7IYpC8DxYwg3xbC5yVRkUPKSkJj9HFY4sFM57x+A=="}},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://app.example.com/callback"},
	}
	shopFromFosite = &storage.Client{
		ID:           "shop",
		Secrets:      []storage.ClientSecret{{ID: "former", Hash: "$2a$12$mSOG2v03malFKfCAWj4XBOpp0uGp5eVS3bl.Be2uE4LnFn7WKJFua"}},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://app.example.com/callback"},
	}
	shopFromGoOAuth2 = &storage.Client{
		ID:           "shop",
		Secrets:      []storage.ClientSecret{{ID: "former", Hash: "of clientauth.Hash"}},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},                           // go-oauth2 keeps none
		RedirectURIs: []string{"https://app.example.com/callback"}, // go-oauth2 keeps a domain
	}
)

// clients are the clients of a store.
type clients interface {
	storage.Clients
	storage.ManagedClients
}

// newValidator is a Config.ClientValidator that replaces the hash of the former server
// when a client has shown its secret.
func newValidator(store clients, log *slog.Logger) *clientauth.Secrets {
	return &clientauth.Secrets{
		Clients: store,
		Upgrade: func(ctx context.Context, r clientauth.Rehash) {
			err := store.UpdateClient(ctx, r.ClientID, func(c *storage.Client) error {
				for i, s := range c.Secrets {
					if s.ID == r.SecretID && s.Hash == r.Old { // it may have been changed meanwhile
						c.Secrets[i].Hash = r.New
					}
				}
				return nil
			})
			if err != nil {
				log.ErrorContext(ctx, "a better hash was not stored", "client_id", r.ClientID, "err", err)
			}
		},
	}
}
