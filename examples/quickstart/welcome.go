package main

import (
	"context"
	_ "embed"
	"strings"
	"text/template"
)

//go:embed welcome.txt
var welcomeText string

// welcome describes the server to a reader who reaches it at base, with a fresh
// API key of each client.
func (d *demo) welcome(ctx context.Context, base string) (string, error) {
	key, err := d.newAPIKey(ctx, clientID)
	if err != nil {
		return "", err
	}
	publicKey, err := d.newAPIKey(ctx, publicID)
	if err != nil {
		return "", err
	}
	t, err := template.New("welcome").Parse(welcomeText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]string{
		"URL":          base,
		"Issuer":       base,
		"Audience":     audience,
		"ClientID":     clientID,
		"ClientSecret": clientSecret,
		"PublicID":     publicID,
		"DocsID":       docsID,
		"RedirectURI":  redirectURI,
		"APIKey":       key.Reveal(),
		"PublicAPIKey": publicKey.Reveal(),
	}); err != nil {
		return "", err
	}
	return b.String(), nil
}
