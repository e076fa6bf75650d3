package tokenendpoint

import (
	"cmp"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/brake"
)

// renewal is the fate of the refresh tokens: of the presented one, and of the
// one that goes with the access token.
type renewal struct {
	refreshes    bool              // a refresh token goes with the access token
	family       string            // the family of the tokens, empty if they have none
	claims       []byte            // of the grant, for the refresh tokens to come
	successor    storage.Secret    // of a refresh token that is used again because its answer was lost
	begun        brake.Reservation // of a family that rests on nothing that is used up
	grown        bool              // the store has one record more
	refreshToken storage.Secret    // to answer with
}

// remembered is the time until which stores remember that the family was
// revoked, if the write does not extend it; zero is no bound. If an access token
// outlived that time, a revoked token would verify again.
func (h *Handler) remembered(x *exchange) time.Time {
	switch p := x.presented; {
	case p == nil && x.refreshes:
		return h.familyEnd(x)
	case p != nil && (!x.successor.Empty() || h.keeps(x)):
		return p.FamilyExpiresAt
	}
	return time.Time{}
}

// keeps reports whether the client gets the refresh token back that it presented.
func (h *Handler) keeps(x *exchange) bool {
	return x.presented.Kind == storage.KindRefreshToken && x.refreshes && x.request.Client.KeepsRefreshTokens()
}

// familyEnd is the end of the family that the tokens of this request belong to.
func (h *Handler) familyEnd(x *exchange) time.Time {
	end := x.request.Time.Add(cmp.Or(x.request.Client.RefreshTokenLifetime, h.refreshTokenLifetime))
	if p := x.presented; p != nil && p.Kind == storage.KindRefreshToken {
		end = p.FamilyExpiresAt
	}
	return bounded(bounded(end, x.expires), x.authorization.ExpiresAt)
}

// bounded returns t, or end if that comes first. A zero end is no bound.
func bounded(t, end time.Time) time.Time {
	if !end.IsZero() && end.Before(t) {
		return end
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
