package main

import (
	"net/http"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// audience is the "aud" of the shop's access tokens.
const audience = "shop-api"

// mountOAuth is all that the shop adds to its routes for a token endpoint, the
// endpoints around it, and an API that takes its tokens.
func (s *shop) mountOAuth(mux *http.ServeMux, keys *jws.KeySet, c config) error {
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      s.issuer,
		Audience:    []string{audience},
		Keys:        keys,
		Storage:     s.store,
		Revocations: s.store,
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: s.checkUser},
			grants.TypeRefreshToken:      grants.RefreshToken{Hook: s.checkUser},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true, ClientIDOptional: true, Hook: s.checkUser},
			grants.TypeClientCredentials: grants.ClientCredentials{},
			typePairingCode:              grants.Func(s.pair),
		},
		Metadata: map[string]any{
			"authorization_endpoint":                         s.issuer + "/authorize",
			"authorization_response_iss_parameter_supported": true, // RFC 9207
		},
		AccessTokenLifetime: accessTokenLifetime,
		CodeReuseWindow:     c.codeReuseWindow,
		Observe:             s.lastUse.observe,
		Logger:              s.log,
	})
	if err != nil {
		return err
	}
	for _, r := range endpoint.Routes() {
		mux.Handle(r.Path, r.Handler)
	}
	mux.Handle("GET /api/orders", endpoint.RequireToken(scopeOrders)(http.HandlerFunc(s.serveOrders)))
	return nil
}
