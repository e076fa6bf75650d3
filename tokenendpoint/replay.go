package tokenendpoint

import (
	"context"
	"errors"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var (
	errReplayed = errors.New("tokenendpoint: used before")
	errRace     = errors.New("tokenendpoint: lost a race for a code, or its answer was lost")
	errLate     = errors.New("tokenendpoint: expired, and used before")
	errNoLeaf   = errors.New("tokenendpoint: used before, and without a successor")
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
	p, at := x.presented, x.request.Time
	switch {
	case p == nil || !p.Spent():
		return use{}, nil
	case p.Kind != storage.KindRefreshToken:
		if h.codeReuseWindow > 0 && at.Sub(p.SpentAt) < h.codeReuseWindow {
			return use{}, grants.InvalidGrant.Because(errRace)
		}
		return use{}, grants.InvalidGrant.Because(errReplayed) // RFC 6749 §4.1.2
	case h.refreshGrace == 0 || at.Sub(p.SpentAt) >= h.refreshGrace || p.Uses >= max(p.MaxUses, 1):
		return use{}, grants.InvalidGrant.Because(errReplayed) // RFC 9700 §4.14.2
	case !at.Before(p.ExpiresAt):
		return use{}, grants.InvalidGrant.Because(errLate)
	}
	return h.repeat(ctx, x)
}

// repeat finds the successor of a refresh token that was used a moment ago. As
// long as that has not been used either, the answer was lost or two requests
// met, and the holder gets the same successor again.
func (h *Handler) repeat(ctx context.Context, x *exchange) (use, error) {
	successor := x.secret.Derive(grants.RefreshTokenPrefix, x.presented.Salt)
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

// refuse ends the family if the refusal is a replay that was otherwise right
// (RFC 6749 §4.1.2, RFC 9700 §4.14.2). The verdict is given once that is done.
func (h *Handler) refuse(ctx context.Context, x *exchange, err error) error {
	if !errors.Is(err, errReplayed) {
		return err
	}
	defer x.lap(&x.event.Write)
	if outage := h.endFamily(ctx, x.presented.Family); outage != nil {
		return outage
	}
	x.event.Outcome = Replayed
	return err
}
