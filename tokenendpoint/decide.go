package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// decision is the answer of the grant, and the records that it rests on.
type decision struct {
	authorization   grants.Authorization // narrowed to the client, the key and the request
	grantedAudience []string             // before the request narrowed it
	presented       *storage.Credential  // the credential that is used up, or nil
	secret          storage.Secret       // the code or token that the client presented for it
	once            *storage.Credential  // stands for a credential of another party that is good once, or nil
	apiKey          *storage.APIKey      // that the authorization rests on, or nil
	expires         time.Time            // when that API key does, zero if never
}

var errNoAuthorization = errors.New("tokenendpoint: the grant answered without a subject")

// decide asks the grant, and narrows its answer.
func (h *Handler) decide(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Decide)
	a, err := x.authorize(ctx)
	if err != nil {
		return err
	}
	x.standIn.right = a != nil
	switch {
	case ctx.Err() != nil: // else a slow grant would be blamed on the next step
		return fmt.Errorf("tokenendpoint: grant: %w", ctx.Err())
	case a == nil || a.Subject == "":
		return grants.ServerError.Because(errNoAuthorization)
	}
	if err := x.mayUse(); err != nil {
		return err
	}
	x.authorization = *a
	x.event.Subject = a.Subject
	if key, ok := x.request.APIKey(); ok {
		x.apiKey, x.event.APIKeyID = key, key.ID
	}
	x.once = x.request.UsedOnce()
	if x.takePresented() {
		x.event.Family = x.presented.Family
	}
	if x.hosts && !x.holds() {
		return grants.ServerError.Because(errWrittenInto)
	}
	if err := h.bind(x); err != nil {
		return err
	}
	return h.bound(x)
}

// authorize asks the grant. A grant of the host's may answer many requests with one
// value, and change the value while this request is under way: so it is copied.
func (x *exchange) authorize(ctx context.Context) (*grants.Authorization, error) {
	if !x.hosts {
		return x.grant.Authorize(ctx, x.request)
	}
	var a *grants.Authorization
	err := x.lend(func(r *grants.Request) (err error) {
		a, err = x.grant.Authorize(ctx, r)
		return err
	})
	switch {
	case err != nil:
		return nil, asOutage("grant", err)
	case a == nil:
		return nil, nil
	}
	own := *a
	own.Scope, own.Audience, own.Claims = slices.Clone(a.Scope), slices.Clone(a.Audience), cloneClaims(a.Claims)
	return &own, nil
}

// takePresented takes over the credentials that the request presented, out of
// reach of hooks.
func (x *exchange) takePresented() bool {
	record, secret, ok := x.request.Taken()
	if !ok {
		return false
	}
	x.presented, x.secret = record, secret
	return true
}

// holds reports whether the credential that was found rests on this issuer and
// this client, at this time: a host's own grant may have called Present in the
// name of another.
func (x *exchange) holds() bool {
	r := x.request
	if p := x.presented; p != nil && (!p.GoodAt(r.Issuer) || p.ClientID != r.Client.ID || !r.Time.Before(p.FamilyExpiresAt) || !p.Spent() && !r.Time.Before(p.ExpiresAt)) {
		return false
	}
	k := x.apiKey
	return k == nil || k.ClientID == r.Client.ID && (k.ExpiresAt.IsZero() || r.Time.Before(k.ExpiresAt))
}
