// Package moving carries the clients, the secrets and the sessions of another server
// over to this one.
package moving

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// fromIdentityServer reads a client of IdentityServer4 or Duende IdentityServer, as it
// stands in a configuration file. The members have the names of the tables, too.
func fromIdentityServer(row []byte) (*storage.Client, error) {
	in := struct {
		ClientID            string `json:"ClientId"`
		ClientSecrets       []struct{ Value, Expiration string }
		RequireClientSecret bool
		AllowedGrantTypes   []string
		RedirectURIs        []string `json:"RedirectUris"`
		AllowedScopes       []string
		AllowOfflineAccess  bool
		RequirePkce         bool
		AccessTokenLifetime int
		Enabled             bool
	}{RequireClientSecret: true, RequirePkce: true, Enabled: true} // their defaults
	if err := json.Unmarshal(row, &in); err != nil {
		return nil, fmt.Errorf("moving: a client of IdentityServer: %w", err)
	}
	c := &storage.Client{
		ID:                  in.ClientID,
		Disabled:            !in.Enabled,
		GrantTypes:          in.AllowedGrantTypes,
		Scope:               without(in.AllowedScopes, "openid", "profile", "offline_access"),
		RedirectURIs:        in.RedirectURIs,
		AccessTokenLifetime: time.Duration(in.AccessTokenLifetime) * time.Second,
	}
	if in.AllowOfflineAccess {
		c.GrantTypes = append(c.GrantTypes, grants.TypeRefreshToken)
	}
	if !in.RequireClientSecret {
		c.AuthMethod = storage.AuthNone
		return c, c.Check()
	}
	c.PKCENotRequired = !in.RequirePkce
	for i, secret := range in.ClientSecrets {
		ends, err := fromDateTime(secret.Expiration)
		if err != nil {
			return nil, err
		}
		c.Secrets = append(c.Secrets, storage.ClientSecret{ID: fmt.Sprintf("former-%d", i+1), Hash: "{sha256-base64}" + secret.Value, ExpiresAt: ends})
	}
	return c, c.Check()
}

// fromDateTime reads an instant of IdentityServer, which is in UTC and may not say so.
// Without one, a secret has no end.
func fromDateTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z"))
	if err != nil {
		return time.Time{}, fmt.Errorf("moving: the end of a secret: %w", err)
	}
	return at, nil
}

// fromOpenIddict reads a row of the table OpenIddictApplications.
func fromOpenIddict(row []byte) (*storage.Client, error) {
	var in struct {
		ClientID     string `json:"ClientId"`
		ClientSecret string
		ClientType   string
		Permissions  string // JSON
		Requirements string // JSON
		RedirectURIs string `json:"RedirectUris"` // JSON
	}
	if err := json.Unmarshal(row, &in); err != nil {
		return nil, fmt.Errorf("moving: an application of OpenIddict: %w", err)
	}
	c := &storage.Client{ID: in.ClientID}
	var permissions, requirements []string
	for _, column := range []struct {
		text string
		list *[]string
	}{{in.Permissions, &permissions}, {in.Requirements, &requirements}, {in.RedirectURIs, &c.RedirectURIs}} {
		if column.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(column.text), column.list); err != nil {
			return nil, fmt.Errorf("moving: an application of OpenIddict: %w", err)
		}
	}
	for _, p := range permissions {
		if grant, ok := strings.CutPrefix(p, "gt:"); ok {
			c.GrantTypes = append(c.GrantTypes, grant)
		}
		if scope, ok := strings.CutPrefix(p, "scp:"); ok {
			c.Scope = append(c.Scope, scope)
		}
	}
	if in.ClientType == "public" {
		c.AuthMethod = storage.AuthNone
		return c, c.Check()
	}
	c.PKCENotRequired = !slices.Contains(requirements, "ft:pkce")
	c.Secrets = []storage.ClientSecret{{ID: "former", Hash: "{aspnet-identity}" + in.ClientSecret}}
	return c, c.Check()
}

// fromFosite reads a fosite.DefaultClient as encoding/json writes it.
func fromFosite(row []byte) (*storage.Client, error) {
	var in struct {
		ID           string   `json:"id"`
		Secret       []byte   `json:"client_secret"`
		RedirectURIs []string `json:"redirect_uris"`
		GrantTypes   []string `json:"grant_types"`
		Scopes       []string `json:"scopes"`
		Audience     []string `json:"audience"`
		Public       bool     `json:"public"`
	}
	if err := json.Unmarshal(row, &in); err != nil {
		return nil, fmt.Errorf("moving: a client of fosite: %w", err)
	}
	c := &storage.Client{
		ID:           in.ID,
		GrantTypes:   in.GrantTypes,
		Scope:        without(in.Scopes, "openid", "offline", "offline_access"),
		RedirectURIs: in.RedirectURIs,
	}
	if len(in.Audience) > 0 {
		c.Audience = in.Audience
	}
	if in.Public {
		c.AuthMethod = storage.AuthNone
		return c, c.Check()
	}
	c.Secrets = []storage.ClientSecret{{ID: "former", Hash: string(in.Secret)}} // bcrypt
	return c, c.Check()
}

// fromGoOAuth2 reads a models.Client of go-oauth2, which has neither a scope nor
// redirect URIs: only a domain. Take both from what the client sends.
func fromGoOAuth2(row []byte, scope, redirectURIs []string) (*storage.Client, error) {
	var in struct {
		ID     string
		Secret string
		Public bool
	}
	if err := json.Unmarshal(row, &in); err != nil {
		return nil, fmt.Errorf("moving: a client of go-oauth2: %w", err)
	}
	c := &storage.Client{
		ID:           in.ID,
		GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        scope,
		RedirectURIs: redirectURIs,
	}
	if in.Public {
		c.AuthMethod = storage.AuthNone
		return c, c.Check()
	}
	hash, err := clientauth.Hash(storage.PresentedSecret(in.Secret)) // it stood there in the clear
	if err != nil {
		return nil, err
	}
	c.Secrets = []storage.ClientSecret{{ID: "former", Hash: hash}}
	return c, c.Check()
}

// without leaves out the scopes of OpenID Connect, and those that only ask for a
// refresh token: a client is registered for the grant refresh_token here.
func without(scopes []string, out ...string) (kept []string) {
	for _, s := range scopes {
		if !slices.Contains(out, s) {
			kept = append(kept, s)
		}
	}
	return kept
}
