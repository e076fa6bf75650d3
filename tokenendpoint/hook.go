package tokenendpoint

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// askHook gives the hook the last word, on a copy: what the grant gave may be
// shared by many requests, and what the hook may not change stands here.
func (h *Handler) askHook(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Decision)
	if err := x.keepClaims(); err != nil || x.authorization.Hook == nil {
		return err
	}
	a := x.authorization
	a.Scope, a.Audience, a.Claims = slices.Clone(a.Scope), slices.Clone(a.Audience), maps.Clone(a.Claims)
	if err := a.Hook(ctx, &x.request, &a); err != nil {
		return err
	}
	if _, _, late := x.request.Presented(); late && x.presented == nil {
		return grants.ServerError.Because(errPresentedLate)
	}
	granted := &x.authorization
	if a.Subject != granted.Subject || len(a.Audience) == 0 ||
		!subset(a.Scope, granted.Scope) || !subset(a.Audience, granted.Audience) {
		return grants.ServerError.Because(errWidened)
	}
	if a.ExpiresAt.IsZero() || !granted.ExpiresAt.IsZero() && granted.ExpiresAt.Before(a.ExpiresAt) {
		a.ExpiresAt = granted.ExpiresAt // a hook shortens
	}
	x.authorization = a
	return nil
}

// keepClaims encodes the claims of the grant for the refresh tokens to come. A
// hook is asked at each refresh, and adds its own anew.
func (x *exchange) keepClaims() error {
	a, p := &x.authorization, x.presented
	switch {
	case len(a.Claims) == 0, !a.Refresh && a.Hook == nil:
		return nil
	case p != nil && p.Kind == storage.KindRefreshToken: // they are kept already
		return nil
	}
	b, err := json.Marshal(a.Claims)
	if err != nil {
		return grants.ServerError.Because(err)
	}
	x.claims = b
	return nil
}
