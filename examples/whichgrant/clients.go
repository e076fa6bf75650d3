// Package whichgrant registers one client of each kind, for the grant that it needs.
package whichgrant

import "github.com/contit/oauth/storage"

var (
	// A service has a secret and no user.
	service = &storage.Client{
		ID:         "billing",
		GrantTypes: []string{"client_credentials"},
		Scope:      []string{"invoices:read"},
	}
	// A web app with a server has a secret and users.
	webApp = &storage.Client{
		ID:           "web",
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://web.example.com/callback"},
	}
	// A single-page app has users, and can keep no secret. Its origin is in
	// Config.AllowedOrigins.
	singlePageApp = &storage.Client{
		ID:           "spa",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://spa.example.com/callback"},
	}
	// An app on a phone or a desktop is the same, with an address of its own: a link
	// that the system gives to the app, or any port of the machine itself.
	nativeApp = &storage.Client{
		ID:           "phone",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Scope:        []string{"orders"},
		RedirectURIs: []string{"https://app.example.com/opened", "http://127.0.0.1/callback"},
	}
	// A script of a user has a key that the user made on a page of yours.
	script = &storage.Client{
		ID:         "cli",
		AuthMethod: storage.AuthNone,
		GrantTypes: []string{"api_key"},
		Scope:      []string{"orders"},
	}
)
