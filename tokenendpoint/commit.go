package tokenendpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var errUnsettled = errors.New("tokenendpoint: the store will not spend what it shows as unspent")

// attempts bounds how often a request that lost a race looks again.
const attempts = 4

// lasting is a context for the one state change of a request. It outlives a
// client that hangs up, since half a state change would be worse than one that
// nobody hears of.
func (h *Handler) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
}

// commit makes the one state change of a token request, and returns the refresh
// token to answer with.
func (h *Handler) commit(ctx context.Context, x *exchange, u use, a *answer) (storage.Secret, error) {
	defer x.lap(&x.event.Write)
	if err := ctx.Err(); err != nil {
		return storage.Secret{}, err
	}
	if x.presented == nil && !x.refreshes { // nothing to write
		return storage.Secret{}, nil
	}
	ctx = x.writing.begin(context.WithoutCancel(ctx), time.Now().Add(h.timeout))
	defer x.writing.end()
	for range attempts {
		refresh, err := h.write(ctx, x, u, a)
		switch {
		case err == nil:
			return refresh, nil
		case x.presented == nil: // nothing was presented, so no error is about it
			return storage.Secret{}, err
		case errors.Is(err, storage.ErrNotFound): // deleted since it was read
			return storage.Secret{}, grants.InvalidGrant.Because(err)
		case !errors.Is(err, storage.ErrSpent):
			return storage.Secret{}, err
		}
		// Somebody else was first. Look again, and judge this request by that.
		if err := x.request.PresentAgain(ctx); err != nil {
			return storage.Secret{}, err
		}
		x.takePresented()
		if u, err = h.judge(ctx, x); err != nil {
			return storage.Secret{}, err
		}
		// What was signed for a first use may be too long for a repeated one, which
		// makes no store remember the family for longer.
		if end := h.remembered(x, u); !end.IsZero() && a.expiresAt.After(end) {
			return storage.Secret{}, errUnsettled
		}
	}
	return storage.Secret{}, errUnsettled
}

// write makes the one call of the store.
func (h *Handler) write(ctx context.Context, x *exchange, u use, a *answer) (storage.Secret, error) {
	p, refresh, at := x.presented, x.refreshes, now()
	switch {
	case p == nil:
		secret := storage.NewSecret(grants.RefreshTokenPrefix)
		return secret, h.storage.CreateCredential(ctx, h.newRefreshToken(x, secret))
	case !u.successor.Empty():
		err := h.storage.Spend(ctx, p, nil, at)
		if err == nil {
			x.event.Outcome = Repeated
		}
		if !refresh { // the hook has dropped it
			return storage.Secret{}, err
		}
		return u.successor, err
	case h.keeps(x):
		return x.secret, nil
	}
	var secret storage.Secret
	var next *storage.Credential
	kept := a.expiresAt
	if refresh {
		secret = x.nextSecret()
		next = h.newRefreshToken(x, secret) // before the end of its parent is moved
		kept = later(kept, next.FamilyExpiresAt)
	}
	// The spent record is kept for as long as there is something to protect.
	p.FamilyExpiresAt = later(p.FamilyExpiresAt, kept)
	return secret, h.storage.Spend(ctx, p, next, at)
}

// nextSecret is the refresh token to come. One that follows another is derived
// from it, so that its holder can be given the same one again.
func (x *exchange) nextSecret() storage.Secret {
	p := x.presented
	if p.Kind != storage.KindRefreshToken {
		return storage.NewSecret(grants.RefreshTokenPrefix)
	}
	p.Salt = x.salt[:]
	rand.Read(p.Salt) // it cannot fail: the process ends instead
	return x.secret.Derive(grants.RefreshTokenPrefix, p.Salt)
}
