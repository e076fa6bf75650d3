package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

const (
	appClient     = "shop-app"     // public: an app on the user's own device
	partnerClient = "shop-partner" // confidential: a server

	demoEmail    = "alice@example.com"
	demoPassword = "correct horse"
)

// demo has the secrets of the clients that seed made.
type demo struct {
	partnerSecret, tillSecret storage.Secret
}

// seed fills a fresh database. It returns nil if there is something already:
// secrets are shown once.
func (s *shop) seed(ctx context.Context) (*demo, error) {
	var n int
	if err := s.db.read.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&n); err != nil || n > 0 {
		return nil, err
	}
	alice := &user{Email: demoEmail, Name: "Alice", Tier: "gold"}
	if err := s.users.add(ctx, alice, demoPassword); err != nil {
		return nil, err
	}
	_, err := s.db.write.ExecContext(ctx, `INSERT INTO orders (user_id, item, cents) VALUES (?1, 'Teapot', 3450), (?1, 'Two cups', 1800)`, alice.ID)
	if err != nil {
		return nil, err
	}
	return s.seedClients(ctx)
}

func (s *shop) seedClients(ctx context.Context) (*demo, error) {
	partnerSecret, partnerHash := clientauth.NewSecret()
	tillSecret, tillHash := clientauth.NewSecret()
	clients := []struct {
		name   string
		client storage.Client
	}{
		{"The shop's app", storage.Client{
			ID:           appClient,
			AuthMethod:   storage.AuthNone,
			GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
			Scope:        []string{scopeOrders, scopeProfile},
			RedirectURIs: []string{"http://127.0.0.1/callback"}, // any port (RFC 8252 §7.3)
		}},
		{"A partner", storage.Client{
			ID:           partnerClient,
			Secrets:      []storage.ClientSecret{{ID: "first", Hash: partnerHash}},
			GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeClientCredentials},
			Scope:        []string{scopeOrders, scopeProfile, scopeStock},
			DefaultScope: []string{scopeStock},
			RedirectURIs: []string{"http://127.0.0.1:8082/callback?from=shop"},
		}},
		{"The tills", storage.Client{
			ID:         tillClient,
			Secrets:    []storage.ClientSecret{{ID: "first", Hash: tillHash}},
			GrantTypes: []string{typePairingCode, grants.TypeRefreshToken},
			Scope:      []string{scopeOrders, scopeProfile},
		}},
		{"The reference page", storage.Client{
			ID:           docsClient,
			AuthMethod:   storage.AuthNone,
			GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
			Scope:        []string{scopeOrders, scopeProfile},
			RedirectURIs: []string{s.issuer + docsPath + "/callback"},
		}},
		{"Your own scripts", storage.Client{
			ID:         scriptsClient,
			AuthMethod: storage.AuthNone, // they show the API key instead
			GrantTypes: []string{grants.TypeAPIKey, grants.TypeRefreshToken},
			Scope:      []string{scopeOrders, scopeProfile},
		}},
	}
	for _, c := range clients {
		if err := s.store.AddClient(ctx, c.name, &c.client); err != nil {
			return nil, err
		}
	}
	return &demo{partnerSecret, tillSecret}, nil
}

// print tells how to try the shop.
func (d *demo) print(w io.Writer, issuer string) {
	link := issuer + "/authorize?" + url.Values{
		"response_type":         {"code"},
		"client_id":             {appClient},
		"redirect_uri":          {"http://127.0.0.1:8082/callback"},
		"scope":                 {scopeOrders},
		"state":                 {"demo"},
		"code_challenge":        {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, // RFC 7636 appendix B
		"code_challenge_method": {"S256"},
	}.Encode()
	fmt.Fprintf(w, `reference        %s
user             %s / %s
public client    %s
partner          %s / %s
till             %s / %s
app's login      %s
`, issuer+docsPath, demoEmail, demoPassword, appClient,
		partnerClient, d.partnerSecret.Reveal(), tillClient, d.tillSecret.Reveal(), link)
}
