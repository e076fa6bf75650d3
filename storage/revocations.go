package storage

import (
	"context"
	"time"
)

// Revocations remembers the access tokens that were revoked before they
// expired. A resource server verifies an access token without a store; it asks here
// if it wants to know more than the signature tells.
//
// The promises of the package hold here too: a nil error and false is a verdict,
// so a store that could not find out returns an error.
type Revocations interface {
	// RevokeToken remembers until expiresAt, at least, that the access token
	// with this identifier, its "jti", is revoked. To revoke it again is no
	// error; the later expiresAt holds.
	RevokeToken(ctx context.Context, id string, expiresAt time.Time) error

	// Revoked reports whether an access token is revoked: itself, by
	// RevokeToken, or with its family, by [Credentials.Revoke]. Once either has
	// returned nil, Revoked answers true to every caller. Pass an empty family
	// for a token that has none.
	Revoked(ctx context.Context, id, family string) (bool, error)
}
