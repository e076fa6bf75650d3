package main

import (
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/reference"
)

const (
	docsPath = "/docs"
	docsID   = "my-reference-page"
)

// newDocs makes the reference page. Its form begins with the client of the demo, secret
// and all, so that a reader can send a request at once. A host puts no secret there.
func newDocs(endpoint *tokenendpoint.Handler, apiKey storage.Secret) (*reference.Reference, error) {
	return reference.New(reference.Config{
		Description: endpoint.Describe(),
		Path:        docsPath,
		Title:       "Quickstart",
		Scopes: []reference.Scope{
			{Name: "read", Description: "See what there is."},
			{Name: "write", Description: "Change it."},
		},
		Prefill: map[string]string{
			"client_id": clientID, "client_secret": clientSecret, "api_key": apiKey.Reveal(), "redirect_uri": redirectURI,
		},
		Playground: reference.Playground{ClientID: docsID, Scope: "read"},
	})
}

// docsClient is the client of the page's playground.
func docsClient(base string) *storage.Client {
	return &storage.Client{
		ID:           docsID,
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{base + docsPath + "/callback"},
	}
}
