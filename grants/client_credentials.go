package grants

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

// ClientCredentials is the grant of a client that acts for itself (RFC 6749
// §4.4). The subject of the token is the client.
type ClientCredentials struct {
	// Refresh issues a refresh token too. RFC 6749 §4.4.3 advises against it, since
	// the client can ask again at any time. A hook on the refresh_token grant then
	// meets subjects that are clients: it must not look for a user of that name.
	Refresh bool
	// Hook, if not nil, has the last word.
	Hook Hook
}

var _ Checker = ClientCredentials{}

var errPublic = errors.New("grants: a public client may not use client_credentials")

// Check demands client authentication: this grant has no other proof.
func (ClientCredentials) Check(r *Request) error {
	if r.AuthMethod == storage.AuthNone {
		return InvalidRequest.Describe("client_secret is missing")
	}
	return nil
}

// Authorize grants the scope that the client is registered for.
func (g ClientCredentials) Authorize(_ context.Context, r *Request) (*Authorization, error) {
	if r.Client.Public() { // RFC 6749 §4.4
		return nil, UnauthorizedClient.Because(errPublic)
	}
	scope := r.Client.Scope
	if r.Scope == nil {
		scope = defaultScope(r.Client)
	}
	a := authorization(scope, nil)
	a.Subject, a.Refresh, a.Hook = r.Client.ID, g.Refresh, g.Hook
	return a, nil
}
