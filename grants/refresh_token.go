package grants

import (
	"context"

	"github.com/contit/oauth/storage"
)

// RefreshTokenPrefix begins every refresh token.
const RefreshTokenPrefix = "rt_"

// RefreshToken is the grant that exchanges a refresh token for an access token (RFC
// 6749 §6). The endpoint rotates refresh tokens, grants the grace window for a lost
// answer and ends a family at a replay; they are configured there.
type RefreshToken struct {
	// Hook, if not nil, has the last word. Here a host refuses a user whom it has
	// locked or deleted since.
	Hook Hook
}

var _ Checker = RefreshToken{}

// Check refuses a request without a refresh_token.
func (RefreshToken) Check(r *Request) error {
	if r.Form["refresh_token"] == "" {
		return InvalidRequest.Describe("refresh_token is missing")
	}
	return nil
}

// Authorize grants the scope and the audience that the refresh token carries.
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

// setIdleAside removes the idle end from the record of a refresh token whose client
// is registered as not rotating now. The record may be older than that registration.
// No refresh moves the idle end any more, so it would end the login although the
// client uses the token every day. The end of the family stays.
func setIdleAside(c *storage.Credential, client *storage.Client) {
	if c.Kind == storage.KindRefreshToken && client.KeepsRefreshTokens() {
		c.ExpiresAt = c.FamilyExpiresAt
	}
}

// carried returns the authorization that the record of a credential carries.
func carried(c *storage.Credential, hook Hook) (*Authorization, error) {
	claims, err := c.DecodeClaims()
	if err != nil {
		return nil, ServerError.Because(err)
	}
	if c.Kind == storage.KindRefreshToken { // which the endpoint may have bound to a certificate, and judges by it
		delete(claims, "cnf")
	}
	a := authorization(c.Scope, c.Audience)
	a.Subject, a.Claims, a.Refresh, a.Hook = c.Subject, claims, true, hook
	return a, nil
}
