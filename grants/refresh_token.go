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

// Authorize grants what the refresh token carries.
func (g RefreshToken) Authorize(ctx context.Context, r *Request) (*Authorization, error) {
	secret := storage.PresentedSecret(r.Form["refresh_token"])
	if !secret.WellFormed(RefreshTokenPrefix) {
		return nil, InvalidGrant.Because(errMalformed)
	}
	c, err := r.present(ctx, storage.KindRefreshToken, secret)
	if err != nil {
		return nil, err
	}
	return carried(c, g.Hook)
}

// carried is what the record of a credential says was granted.
func carried(c *storage.Credential, hook Hook) (*Authorization, error) {
	claims, err := c.DecodeClaims()
	if err != nil {
		return nil, ServerError.Because(err)
	}
	a := authorization(c.Scope, c.Audience)
	a.Subject, a.Claims, a.Refresh, a.Hook = c.Subject, claims, true, hook
	return a, nil
}
