package tokenendpoint

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var errUnsettled = errors.New("tokenendpoint: the store will not spend what it shows as unspent")

// attempts bounds how often a request that lost a race looks again.
const attempts = 4

// commit makes the one state change of a token request. After it, the refresh
// token for the answer exists.
func (h *Handler) commit(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Commit)
	if err := ctx.Err(); err != nil {
		return err
	}
	if x.presented == nil && !x.refreshes && x.once == nil { // nothing to write
		return nil
	}
	began := time.Now()
	ctx = x.committing.Begin(context.WithoutCancel(ctx), began.Add(h.timeout))
	defer x.committing.End()
	if err := h.useOnce(ctx, x); err != nil || x.presented == nil && !x.refreshes {
		return err
	}
	at := instant(began)
	for range attempts {
		err := h.write(ctx, x, at)
		switch {
		case err == nil:
			return nil
		case x.presented == nil: // nothing was presented, so no error is about it
			return err
		case errors.Is(err, storage.ErrNotFound): // deleted since it was read
			return grants.InvalidGrant.Because(err)
		case !errors.Is(err, storage.ErrSpent):
			return err
		}
		if err := h.judgeAgain(ctx, x); err != nil {
			return err
		}
		at = now()
	}
	return errUnsettled
}

// useOnce adds the record of a credential of another party that is good once. If what
// follows fails, the client needs another one: nothing can be used twice.
func (h *Handler) useOnce(ctx context.Context, x *exchange) error {
	if x.once == nil {
		return nil
	}
	err := h.storage.CreateCredential(ctx, x.once)
	if errors.Is(err, storage.ErrExists) {
		return grants.InvalidGrant.Because(errReplayed)
	}
	return err
}

// judgeAgain looks again at a credential that another request was first to use,
// and judges this request by it.
func (h *Handler) judgeAgain(ctx context.Context, x *exchange) error {
	if err := x.request.PresentAgain(ctx); err != nil {
		return err
	}
	x.takePresented()
	x.lap(&x.event.Commit)
	if err := h.judge(ctx, x); err != nil {
		return err
	}
	// A token that was signed for a first use may live too long for a repeated
	// use, since a repeated use makes no store remember the family for longer.
	if end := h.remembered(x); !end.IsZero() && x.token.ExpiresAt.After(end) {
		return errUnsettled
	}
	return nil
}

// write makes the one call of the store.
func (h *Handler) write(ctx context.Context, x *exchange, at time.Time) error {
	switch {
	case x.presented == nil:
		return h.begin(ctx, x)
	case !x.successor.Empty():
		return h.repeat(ctx, x, at)
	case h.keeps(x):
		x.refreshToken = x.secret
		return nil
	}
	return h.rotate(ctx, x, at)
}

// begin creates the first refresh token of a family.
func (h *Handler) begin(ctx context.Context, x *exchange) error {
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	if err := h.storage.CreateCredential(ctx, h.newRefreshToken(x, secret)); err != nil {
		return err
	}
	x.refreshToken, x.grown = secret, true
	return nil
}

// repeat counts one more use of a refresh token whose answer was lost, and answers
// with the same successor again.
func (h *Handler) repeat(ctx context.Context, x *exchange, at time.Time) error {
	if err := h.storage.Spend(ctx, x.presented, nil, at); err != nil {
		return err
	}
	x.event.Outcome = Repeated
	if x.refreshes { // else the hook has dropped it
		x.refreshToken = x.successor
	}
	return nil
}

// rotate spends the presented credential, and creates the refresh token that
// follows it.
func (h *Handler) rotate(ctx context.Context, x *exchange, at time.Time) error {
	var secret storage.Secret
	var next *storage.Credential
	kept, p := x.token.ExpiresAt, x.presented
	if x.refreshes {
		secret = x.nextSecret()
		next = h.newRefreshToken(x, secret) // before the end of its parent is moved
		kept = later(kept, next.FamilyExpiresAt)
	}
	// The store keeps the spent record for as long as the family needs
	// protection.
	p.FamilyExpiresAt = later(p.FamilyExpiresAt, kept)
	if err := h.storage.Spend(ctx, p, next, at); err != nil {
		return err
	}
	x.refreshToken, x.grown = secret, next != nil
	return nil
}

// nextSecret returns the next refresh token. A successor is derived from its
// predecessor, so that the endpoint can give its holder the same successor
// again.
func (x *exchange) nextSecret() storage.Secret {
	p := x.presented
	if p.Kind != storage.KindRefreshToken {
		return storage.NewSecret(grants.RefreshTokenPrefix)
	}
	p.Salt = x.newSalt()
	return x.secret.Derive(grants.RefreshTokenPrefix, p.Salt)
}

// newRefreshToken makes the record of a refresh token. A family keeps its grant,
// even if an access token was narrowed (RFC 6749 §6), and its end does not move.
func (h *Handler) newRefreshToken(x *exchange, secret storage.Secret) *storage.Credential {
	at, a, client := x.request.Time, &x.authorization, x.request.Client
	next := &storage.Credential{
		Digest:   secret.Digest(storage.KindRefreshToken),
		Kind:     storage.KindRefreshToken,
		Family:   x.family,
		Issuer:   h.issuer,
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
	x.bindRefreshToken(next)
	next.ExpiresAt = next.FamilyExpiresAt
	if !client.KeepsRefreshTokens() {
		next.ExpiresAt = bounded(at.Add(cmp.Or(client.RefreshTokenIdle, h.refreshTokenIdle)), next.FamilyExpiresAt)
	}
	return next
}
