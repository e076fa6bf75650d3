package storage

import (
	"context"
	"time"
)

// Revocations remembers the access tokens that were revoked before they
// expired. An access token is verified without a store; whoever wants to know
// more than its signature tells asks here.
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
	// returned nil it is, for every caller. An empty family is that of a token
	// without one.
	Revoked(ctx context.Context, id, family string) (bool, error)
}
