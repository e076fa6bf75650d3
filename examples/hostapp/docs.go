package main

import (
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/reference"
)

const (
	// docsPath is the page for people who write apps and scripts for the shop.
	docsPath = "/docs"
	// docsClient is the client_id of that page, whose playground logs in as an app does.
	docsClient = "shop-docs"
)

// newDocs makes the reference page. The scopes have the sentences of the consent page.
func newDocs(endpoint *tokenendpoint.Handler) (*reference.Reference, error) {
	var scopes []reference.Scope
	for _, scope := range []string{scopeOrders, scopeProfile, scopeStock} {
		scopes = append(scopes, reference.Scope{Name: scope, Description: sentence(scope) + "."})
	}
	logo, err := pageFiles.ReadFile("pages/icon.svg")
	if err != nil {
		return nil, err
	}
	return reference.New(reference.Config{
		Description: endpoint.Describe(),
		Path:        docsPath,
		Title:       "The tea shop",
		Intro:       "How an app, a till or a script of yours gets an access token for the tea shop.",
		Scopes:      scopes,
		Logo:        logo,
		Accent:      "#1f6b4a", // as in pages/style.css
		AccentDark:  "#7fd1a8",
		Playground:  reference.Playground{ClientID: docsClient, Scope: scopeOrders},
	})
}
