package tokenendpoint

import (
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// place decides, before anything is signed, which family the tokens belong to.
// One begins with the first refresh token, if it does not with a code.
func (h *Handler) place(x *exchange) {
	_, refreshable := h.grants[grants.TypeRefreshToken]
	x.refreshes = x.authorization.Refresh && refreshable && x.request.Client.MayUse(grants.TypeRefreshToken)
	switch {
	case x.presented != nil:
		x.family = x.presented.Family
	case x.refreshes:
		x.family = uuid.NewString()
	}
	x.event.Family = x.family
}

// remembered is until when stores remember that the family was revoked, if the
// write does not make it longer; zero is no bound. An access token that lived on
// would be good again.
func (h *Handler) remembered(x *exchange, u use) time.Time {
	switch p := x.presented; {
	case p == nil && x.refreshes:
		return h.familyEnd(x)
	case p != nil && (!u.successor.Empty() || h.keeps(x)):
		return p.FamilyExpiresAt
	}
	return time.Time{}
}

// keeps reports whether the client gets the refresh token back that it presented.
func (h *Handler) keeps(x *exchange) bool {
	return x.presented.Kind == storage.KindRefreshToken && x.refreshes && x.request.Client.RefreshNotRotated
}

// familyEnd is the end of the family that the tokens of this request belong to.
func (h *Handler) familyEnd(x *exchange) time.Time {
	end := x.request.Time.Add(firstOf(x.request.Client.RefreshTokenLifetime, h.refreshTokenLifetime))
	if p := x.presented; p != nil && p.Kind == storage.KindRefreshToken {
		end = p.FamilyExpiresAt
	}
	return earlier(earlier(end, x.expires), x.authorization.ExpiresAt)
}

// newRefreshToken makes the record of a refresh token. What a family was
// granted stays what it was, however an access token was narrowed (RFC 6749
// §6), and its end does not move.
func (h *Handler) newRefreshToken(x *exchange, secret storage.Secret) *storage.Credential {
	at, a, client := x.request.Time, &x.authorization, x.request.Client
	next := &storage.Credential{
		Digest:   secret.Digest(storage.KindRefreshToken),
		Kind:     storage.KindRefreshToken,
		Family:   x.family,
		ClientID: client.ID,
		Subject:  a.Subject,
		Scope:    a.Scope,
		Audience: x.grantedAudience,
		Claims:   x.claims,
		IssuedAt: at,
		MaxUses:  1 + h.refreshRetries,

		FamilyExpiresAt: h.familyEnd(x),
	}
	if x.apiKey != nil {
		next.APIKey = x.apiKey.Digest
	}
	switch parent := x.presented; {
	case parent == nil:
		next.Audience = a.Audience
	case parent.Kind == storage.KindRefreshToken:
		next.Subject, next.Scope, next.Audience, next.Claims = parent.Subject, parent.Scope, parent.Audience, parent.Claims
	}
	next.ExpiresAt = next.FamilyExpiresAt
	if !client.RefreshNotRotated {
		next.ExpiresAt = earlier(at.Add(firstOf(client.RefreshTokenIdle, h.refreshTokenIdle)), next.FamilyExpiresAt)
	}
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
