package main

import (
	"net/http"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// audience is the "aud" of the shop's access tokens: the URL of its API, so that a
// client can ask for it by the parameter resource (RFC 8707).
func (s *shop) audience() string { return s.issuer + "/api" }

// mountOAuth is all that the shop adds to its routes for a token endpoint, the
// endpoints around it, their reference page, and an API that takes its tokens.
func (s *shop) mountOAuth(mux *http.ServeMux, keys *jws.KeySet, c config) error {
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      s.issuer,
		Audience:    []string{s.audience()},
		Keys:        keys,
		Storage:     s.store,
		Revocations: s.store,

		AuthorizationEndpoint: s.issuer + "/authorize",
		ErrorURI:              s.issuer + docsPath,
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: s.checkUser},
			grants.TypeRefreshToken:      grants.RefreshToken{Hook: s.checkUser},
			grants.TypeAPIKey:            grants.APIKey{Refresh: true, ClientIDOptional: true, Hook: s.checkUser},
			grants.TypeClientCredentials: grants.ClientCredentials{},
			typePairingCode:              pairing{s.pair},
		},
		AccessTokenLifetime: accessTokenLifetime,
		CodeReuseWindow:     c.codeReuseWindow,
		Observe:             s.lastUse.observe,
		Logger:              s.log,
	})
	if err != nil {
		return err
	}
	s.authorization = endpoint.AuthorizationEndpoint()
	s.authorization.Show = s.refuse
	for _, r := range endpoint.Routes() {
		mux.Handle(r.Path, r.Handler)
	}
	docs, err := newDocs(endpoint)
	if err != nil {
		return err
	}
	mux.Handle(docsPath, docs)
	mux.Handle(docsPath+"/", docs)
	mux.Handle("GET /api/orders", endpoint.RequireToken(scopeOrders)(http.HandlerFunc(s.serveOrders)))
	return nil
}
