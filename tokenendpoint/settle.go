package tokenendpoint

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var (
	errReplayed  = errors.New("tokenendpoint: used before")
	errRace      = errors.New("tokenendpoint: lost a race for a code, or its answer was lost")
	errLate      = errors.New("tokenendpoint: expired, and used before")
	errUnsettled = errors.New("tokenendpoint: the store will not spend what it shows as unspent")
	errNoLeaf    = errors.New("tokenendpoint: used before, and without a successor")
)

// use says how a single-use credential is used this time.
type use struct {
	// successor is set if this is the repeated use of a refresh token whose
	// answer was lost: it is what that answer held.
	successor storage.Secret
}

// judge says what it means that the presented credential was used before. All
// else about it is right: whoever presents it wrongly ends nobody's session.
func (h *Handler) judge(ctx context.Context, x *exchange) (use, error) {
	p, at := x.authorization.Spends, x.request.Time
	switch {
	case p == nil || !p.Spent():
		return use{}, nil
	case p.Kind != storage.KindRefreshToken:
		if at.Sub(p.SpentAt) < h.codeReuseWindow {
			return use{}, grants.InvalidGrant.Because(errRace)
		}
		return use{}, grants.InvalidGrant.Because(errReplayed) // RFC 6749 §4.1.2
	case h.refreshGrace == 0 || at.Sub(p.SpentAt) >= h.refreshGrace || p.Uses >= max(p.MaxUses, 1):
		return use{}, grants.InvalidGrant.Because(errReplayed) // RFC 9700 §4.14.2
	case !at.Before(p.ExpiresAt):
		return use{}, grants.InvalidGrant.Because(errLate)
	}
	return h.repeat(ctx, p)
}

// repeat finds the successor of a refresh token that was used a moment ago. As
// long as that has not been used either, the answer was lost or two requests
// met, and the holder gets the same successor again.
func (h *Handler) repeat(ctx context.Context, p *grants.Presented) (use, error) {
	successor := p.Secret().Derive(grants.RefreshTokenPrefix, p.Salt)
	next, err := h.storage.Credential(ctx, successor.Digest(storage.KindRefreshToken))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return use{}, grants.InvalidGrant.Because(errNoLeaf)
	case err != nil:
		return use{}, err
	case next.Spent():
		return use{}, grants.InvalidGrant.Because(errReplayed)
	}
	return use{successor: successor}, nil
}

// attempts bounds how often a request that lost a race looks again.
const attempts = 4

// commit makes the one state change of a request, and returns the refresh token
// to answer with. It outlives a client that hangs up, since half a state change
// would be worse than one that nobody hears of.
func (h *Handler) commit(ctx context.Context, x *exchange, u use, a *answer) (storage.Secret, error) {
	defer x.lap(&x.event.Write)
	if err := ctx.Err(); err != nil {
		return storage.Secret{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	for range attempts {
		refresh, err := h.write(ctx, x, u, a)
		p := x.authorization.Spends
		switch {
		case err == nil:
			return refresh, nil
		case p == nil: // nothing was presented, so no error is about it
			return storage.Secret{}, err
		case errors.Is(err, storage.ErrNotFound): // deleted since it was read
			return storage.Secret{}, grants.InvalidGrant.Because(err)
		case !errors.Is(err, storage.ErrSpent):
			return storage.Secret{}, err
		}
		// Somebody else was first. Look again, and judge this request by that.
		if p, err = x.request.Present(ctx, p.Kind, p.Secret()); err != nil {
			return storage.Secret{}, err
		}
		x.authorization.Spends = p
		if u, err = h.judge(ctx, x); err != nil {
			return storage.Secret{}, err
		}
	}
	return storage.Secret{}, errUnsettled
}

// write makes the one call of the store.
func (h *Handler) write(ctx context.Context, x *exchange, u use, a *answer) (storage.Secret, error) {
	p, client := x.authorization.Spends, x.request.Client
	refresh := x.authorization.Refresh && h.grants[grants.TypeRefreshToken] != nil && client.MayUse(grants.TypeRefreshToken)
	switch {
	case p == nil && !refresh:
		return storage.Secret{}, nil
	case p == nil:
		secret := storage.NewSecret(grants.RefreshTokenPrefix)
		next, err := h.newRefreshToken(x, secret)
		if err != nil {
			return storage.Secret{}, err
		}
		return secret, h.storage.CreateCredential(ctx, next)
	case !u.successor.Empty():
		x.event.Outcome = Repeated
		return u.successor, h.storage.Spend(ctx, p.Credential, nil, x.request.Time)
	case p.Kind == storage.KindRefreshToken && refresh && client.RefreshNotRotated:
		return p.Secret(), nil
	}
	old := p.Clone()
	if !refresh {
		old.FamilyExpiresAt = later(old.FamilyExpiresAt, a.expiresAt)
		return storage.Secret{}, h.storage.Spend(ctx, old, nil, x.request.Time)
	}
	secret := storage.NewSecret(grants.RefreshTokenPrefix)
	if p.Kind == storage.KindRefreshToken {
		old.Salt = make([]byte, 16)
		rand.Read(old.Salt)
		secret = p.Secret().Derive(grants.RefreshTokenPrefix, old.Salt)
	}
	next, err := h.newRefreshToken(x, secret)
	if err != nil {
		return storage.Secret{}, err
	}
	// The spent record is kept for as long as there is something to protect.
	old.FamilyExpiresAt = later(later(old.FamilyExpiresAt, next.FamilyExpiresAt), a.expiresAt)
	return secret, h.storage.Spend(ctx, old, next, x.request.Time)
}

// newRefreshToken makes the record of a refresh token. What a family was
// granted stays what it was, however an access token was narrowed (RFC 6749
// §6), and its end does not move.
func (h *Handler) newRefreshToken(x *exchange, secret storage.Secret) (*storage.Credential, error) {
	at, a, client := x.request.Time, x.authorization, x.request.Client
	next := &storage.Credential{
		Digest:   secret.Digest(storage.KindRefreshToken),
		Kind:     storage.KindRefreshToken,
		ClientID: client.ID,
		Subject:  a.Subject,
		Scope:    a.Scope,
		Audience: a.Audience,
		IssuedAt: at,
		MaxUses:  1 + h.refreshRetries,
	}
	if a.APIKey != nil {
		next.APIKey = a.APIKey.Digest
	}
	parent := a.Spends
	if parent != nil && parent.Kind == storage.KindRefreshToken {
		next.Family, next.FamilyExpiresAt = parent.Family, parent.FamilyExpiresAt
		next.Subject, next.Scope, next.Audience, next.Claims = parent.Subject, parent.Scope, parent.Audience, parent.Claims
	} else {
		claims, err := encodeClaims(x.granted)
		if err != nil {
			return nil, err
		}
		next.Claims = claims
		next.FamilyExpiresAt = at.Add(firstOf(client.RefreshTokenLifetime, h.refreshTokenLifetime))
		if len(x.request.Resource) > 0 && parent == nil {
			next.Audience = x.audience
		}
		next.Family = uuid.NewString()
		if parent != nil {
			next.Family = parent.Family
		}
	}
	next.FamilyExpiresAt = earlier(next.FamilyExpiresAt, a.ExpiresAt)
	next.ExpiresAt = next.FamilyExpiresAt
	if !client.RefreshNotRotated {
		next.ExpiresAt = earlier(at.Add(firstOf(client.RefreshTokenIdle, h.refreshTokenIdle)), next.FamilyExpiresAt)
	}
	x.event.Family = next.Family
	return next, nil
}

func encodeClaims(claims map[string]any) ([]byte, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(claims)
	if err != nil {
		return nil, grants.ServerError.Because(err)
	}
	return b, nil
}

// refuse ends the family if the refusal is a replay that was otherwise right
// (RFC 6749 §4.1.2, RFC 9700 §4.14.2). The verdict is given once that is done.
func (h *Handler) refuse(ctx context.Context, x *exchange, err error) error {
	if !errors.Is(err, errReplayed) {
		return err
	}
	defer x.lap(&x.event.Write)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	if outage := h.storage.Revoke(ctx, x.authorization.Spends.Family); outage != nil {
		return outage
	}
	x.event.Outcome = Replayed
	return err
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
