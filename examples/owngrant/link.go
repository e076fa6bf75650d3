// Package owngrant is a grant of a host's own: an app signs a user in by a link that
// the host has mailed.
package owngrant

import (
	"context"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

const (
	typeMailedLink = "urn:example:params:oauth:grant-type:mailed-link"
	kindMailedLink = "mailed_link"
	linkPrefix     = "link_"
	linkLifetime   = 15 * time.Minute
)

// MailedLink is the grant. Its zero value is ready.
type MailedLink struct{}

var (
	_ grants.Checker   = MailedLink{}
	_ grants.Describer = MailedLink{}
)

// Check implements [grants.Checker]: a missing parameter is the same mistake with and
// without the right client.
func (MailedLink) Check(r *grants.Request) error {
	if r.Form["link"] == "" {
		return grants.InvalidRequest.Describe("link is missing")
	}
	return nil
}

// Authorize implements [grants.Grant].
func (MailedLink) Authorize(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
	c, err := r.Present(ctx, kindMailedLink, storage.PresentedSecret(r.Form["link"]))
	if err != nil {
		return nil, err
	}
	return &grants.Authorization{Subject: c.Subject, Scope: c.Scope, Refresh: true}, nil
}

// Describe implements [grants.Describer], for the metadata and for pages about the
// endpoint.
func (MailedLink) Describe() grants.Description {
	return grants.Description{
		Summary: "An app gets tokens for the link that the user has got by mail.",
		Parameters: []grants.Parameter{
			{Name: "link", Description: "The text behind the # of the link.", Required: true, Secret: true},
		},
		Refresh: true,
	}
}

// newLink makes a link for a user and an app, and stores its record. The caller mails
// the link. The store has its digest alone.
func newLink(ctx context.Context, store storage.Credentials, issuer, subject string, app *storage.Client, now time.Time) (storage.Secret, error) {
	link := storage.NewSecret(linkPrefix)
	record, err := grants.NewCredential(link, storage.Credential{
		Kind: kindMailedLink, Issuer: issuer, ClientID: app.ID, Subject: subject, Scope: app.Scope,
		ExpiresAt: now.Add(linkLifetime),
	}, now)
	if err != nil {
		return storage.Secret{}, err
	}
	return link, store.CreateCredential(ctx, record)
}
