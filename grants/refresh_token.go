package grants

import (
	"context"

	"github.com/contit/oauth/storage"
)

// RefreshTokenPrefix begins every refresh token.
const RefreshTokenPrefix = "rt_"

// RefreshToken is the grant that exchanges a refresh token for an access token
// (RFC 6749 §6). Rotation, the grace window for a lost answer and the end of a
// family at a replay are the endpoint's, configured there.
type RefreshToken struct {
	// Hook, if not nil, has the last word. It is the place to refuse a user
	// who was locked or deleted since.
	Hook Hook
}

var _ Checker = RefreshToken{}

// Check wants the refresh_token.
func (RefreshToken) Check(r *Request) error {
	if r.Form["refresh_token"] == "" {
		return InvalidRequest.Describe("refresh_token is missing")
	}
	return nil
}

// Authorize grants what the refresh token carries, narrowed to the requested
// scope and to what the client is still registered for.
func (g RefreshToken) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	secret := storage.PresentedSecret(r.Form["refresh_token"])
	if !secret.WellFormed(RefreshTokenPrefix) {
		return nil, InvalidGrant.Because(errMalformed)
	}
	p, err := r.Present(ctx, storage.KindRefreshToken, secret)
	if err != nil {
		return nil, err
	}
	a := &Authorization{Subject: p.Subject, Audience: p.Audience, Refresh: true, Spends: p, Hook: g.Hook}
	if !p.APIKey.IsZero() { // a refresh token dies with the API key it came from
		if a.APIKey, err = r.findKey(ctx, p.APIKey); err != nil {
			return nil, err
		}
		a.ExpiresAt = a.APIKey.ExpiresAt
	}
	if a.Scope, err = r.Narrow(p.Scope); err != nil {
		return nil, err
	}
	if a.Claims, err = p.DecodeClaims(); err != nil {
		return nil, err
	}
	return a, nil
}
