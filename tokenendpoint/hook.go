package tokenendpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var (
	errPresentedLate = errors.New("tokenendpoint: a hook presented a credential, which would not be used up")
)

// hook gives the hook of the grant and then the one of the configuration the last
// word. The claims of the grant are kept before either adds its own.
func (h *Handler) hook(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Hook)
	if err := x.keepClaims(); err != nil {
		return err
	}
	for _, hook := range [...]grants.Hook{x.authorization.Hook, h.lastHook} {
		if hook == nil {
			continue
		}
		if err := h.askHook(ctx, x, hook); err != nil {
			return err
		}
	}
	return nil
}

// keepClaims encodes the claims of the grant for the refresh tokens to come. A
// hook is asked at each refresh, and adds its own anew.
func (x *exchange) keepClaims() error {
	a, p := &x.authorization, x.presented
	switch {
	case len(a.Claims) == 0, !a.Refresh:
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

// askHook asks one hook, on copies: many requests may share the grant's answer,
// and the values that the hook may not change stand here.
func (h *Handler) askHook(ctx context.Context, x *exchange, hook grants.Hook) error {
	a, granted := x.authorization, &x.authorization
	a.Scope, a.Audience, a.Claims = slices.Clone(a.Scope), slices.Clone(a.Audience), cloneClaims(a.Claims)
	err := x.lend(func(r *grants.Request) error { return hook(ctx, r, &a) })
	if err == nil {
		err = ctx.Err() // else a slow hook would be blamed on the signer
	}
	if err != nil {
		return asOutage("hook", err)
	}
	if x.presented == nil {
		if _, _, late := x.request.Presented(); late {
			return grants.ServerError.Because(errPresentedLate)
		}
	}
	// The hook may have kept them.
	a.Scope, a.Audience, a.Claims = slices.Clone(a.Scope), slices.Clone(a.Audience), cloneClaims(a.Claims)
	if err := widened(&a, granted); err != nil {
		return grants.ServerError.Because(err)
	}
	// A hook may shorten the token's life and drop the refresh token. It cannot
	// lengthen the life or add a refresh token.
	if a.Lifetime == 0 || a.Lifetime > h.lifetime(x) {
		a.Lifetime = granted.Lifetime
	}
	if a.ExpiresAt.IsZero() || !granted.ExpiresAt.IsZero() && granted.ExpiresAt.Before(a.ExpiresAt) {
		a.ExpiresAt = granted.ExpiresAt
	}
	a.Refresh = a.Refresh && granted.Refresh
	x.authorization = a
	return nil
}

// widened names the change of a hook that it may not make, or is nil.
func widened(a, granted *grants.Authorization) error {
	switch {
	case a.Subject != granted.Subject:
		return errors.New("tokenendpoint: a hook changed the Subject")
	case len(a.Audience) == 0:
		return errors.New("tokenendpoint: a hook left no Audience")
	case !grants.Subset(a.Scope, granted.Scope):
		return fmt.Errorf("tokenendpoint: a hook widened the Scope by %q, which was not granted", beyond(a.Scope, granted.Scope))
	case !grants.Subset(a.Audience, granted.Audience):
		return fmt.Errorf("tokenendpoint: a hook widened the Audience by %q, which was not granted", beyond(a.Audience, granted.Audience))
	}
	return nil
}

// beyond returns the first member of list that is not in bound.
func beyond(list, bound []string) string {
	return list[slices.IndexFunc(list, func(s string) bool { return !slices.Contains(bound, s) })]
}
