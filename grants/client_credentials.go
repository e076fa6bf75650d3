package grants

import (
	"context"

	"github.com/contit/oauth/storage"
)

// ClientCredentials is the grant of a client that acts for itself (RFC 6749
// §4.4). The subject of the token is the client.
type ClientCredentials struct {
	// Refresh issues a refresh token too. RFC 6749 §4.4.3 advises against it,
	// since the client can ask again at any time.
	Refresh bool
	// Hook, if not nil, has the last word.
	Hook Hook
}

var _ Checker = ClientCredentials{}

// Check wants client authentication: it is all that this grant has.
func (ClientCredentials) Check(r *Request) error {
	if r.AuthMethod == storage.AuthNone {
		return InvalidRequest.Describe("client_secret is missing")
	}
	return nil
}

// Authorize grants what the client is registered for.
func (g ClientCredentials) Authorize(_ context.Context, r *Request) (*Authorization, error) {
	if r.Client.Public() { // RFC 6749 §4.4
		return nil, UnauthorizedClient
	}
	granted := r.Client.Scope
	if r.Scope == nil && r.Client.DefaultScope != nil {
		granted = r.Client.DefaultScope
	}
	scope, err := r.Narrow(granted)
	if err != nil {
		return nil, err
	}
	return &Authorization{Subject: r.Client.ID, Scope: scope, Refresh: g.Refresh, Hook: g.Hook}, nil
}
