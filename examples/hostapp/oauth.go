package main

import (
	"net/http"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// audience is the "aud" of the shop's access tokens.
const audience = "shop-api"

// mountOAuth is all that the shop adds to its routes for a token endpoint.
func (s *shop) mountOAuth(mux *http.ServeMux, keys *jws.KeySet, c config) error {
	tokens, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   s.issuer,
		Audience: []string{audience},
		Keys:     keys,
		Storage:  s.store,
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: s.checkUser},
			grants.TypeRefreshToken:      grants.RefreshToken{Hook: s.checkUser},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true, ClientIDOptional: true, Hook: s.checkUser},
			grants.TypeClientCredentials: grants.ClientCredentials{},
			typePairingCode:              grants.Func(s.pair),
		},
		AccessTokenLifetime: accessTokenLifetime,
		CodeReuseWindow:     c.codeReuseWindow,
		Observe:             s.lastUse.observe,
		Logger:              s.log,
	})
	if err != nil {
		return err
	}
	mux.Handle("/connect/token", tokens) // it answers GET itself, as OAuth clients expect
	mux.Handle("/.well-known/jwks.json", keys)
	return nil
}
