package tokenendpoint

import (
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/storage"
)

// newRefreshToken makes the record of a refresh token. What a family was
// granted stays what it was, however an access token was narrowed (RFC 6749
// §6), and its end does not move.
func (h *Handler) newRefreshToken(x *exchange, secret storage.Secret) *storage.Credential {
	at, a, client := x.request.Time, &x.authorization, x.request.Client
	next := &storage.Credential{
		Digest:   secret.Digest(storage.KindRefreshToken),
		Kind:     storage.KindRefreshToken,
		Family:   uuid.NewString(),
		ClientID: client.ID,
		Subject:  a.Subject,
		Scope:    a.Scope,
		Audience: x.grantedAudience,
		Claims:   x.claims,
		IssuedAt: at,
		MaxUses:  1 + h.refreshRetries,

		FamilyExpiresAt: at.Add(firstOf(client.RefreshTokenLifetime, h.refreshTokenLifetime)),
	}
	if key, ok := x.request.APIKey(); ok {
		next.APIKey = key.Digest
	}
	switch parent := x.presented; {
	case parent == nil:
		next.Audience = a.Audience
	case parent.Kind == storage.KindRefreshToken:
		next.FamilyExpiresAt = parent.FamilyExpiresAt
		next.Subject, next.Scope, next.Audience, next.Claims = parent.Subject, parent.Scope, parent.Audience, parent.Claims
		fallthrough
	default:
		next.Family = parent.Family
	}
	next.FamilyExpiresAt = earlier(next.FamilyExpiresAt, x.expires)
	next.FamilyExpiresAt = earlier(next.FamilyExpiresAt, a.ExpiresAt)
	next.ExpiresAt = next.FamilyExpiresAt
	if !client.RefreshNotRotated {
		next.ExpiresAt = earlier(at.Add(firstOf(client.RefreshTokenIdle, h.refreshTokenIdle)), next.FamilyExpiresAt)
	}
	x.event.Family = next.Family
	return next
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// earlier is the first of two instants, where a zero bound is none.
func earlier(a, bound time.Time) time.Time {
	if !bound.IsZero() && bound.Before(a) {
		return bound
	}
	return a
}

func firstOf(a, b time.Duration) time.Duration {
	if a != 0 {
		return a
	}
	return b
}
