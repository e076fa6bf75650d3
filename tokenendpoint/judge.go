package tokenendpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var (
	errReplayed = errors.New("tokenendpoint: used before")
	errRace     = errors.New("tokenendpoint: lost a race for a code, or its answer was lost")
	errLate     = errors.New("tokenendpoint: expired, and used before")
	errNoLeaf   = errors.New("tokenendpoint: used before, and without a successor")
	errMisdated = fmt.Errorf("%w, in the future by the clock of this process: do the clocks differ?", errReplayed)
	errRepeats  = errors.New("tokenendpoint: repeated more often than RefreshRetries allows, and its successor is unused")
)

// clockTolerance is by how much a store may say that a credential was used in
// the future. The clocks of two replicas may differ by that.
const clockTolerance = time.Minute

// judge decides why the presented credential was used before: a race, an answer
// that was lost, or a replay. Everything else about it is right: a client that
// presents it wrongly ends no session. A replay ends the family before it is
// refused (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
func (h *Handler) judge(ctx context.Context, x *exchange) error {
	defer x.lap(&x.event.Judge)
	err := h.judgeUse(ctx, x)
	if !errors.Is(err, errReplayed) {
		return err
	}
	if outage := h.endFamily(ctx, x.presented.Family); outage != nil {
		return outage
	}
	x.event.Outcome = Replayed
	return err
}

func (h *Handler) judgeUse(ctx context.Context, x *exchange) error {
	x.successor = storage.Secret{}
	p, at := x.presented, x.request.Time
	grace := h.graceOf(x.request.Client)
	switch {
	case p == nil || !p.Spent():
		return nil
	case p.Kind != storage.KindRefreshToken:
		if h.codeReuseWindow > 0 && sinceSpent(p, at) < h.codeReuseWindow {
			return usedBefore(errRace, p, at, "")
		}
		return replayed(p, at) // RFC 6749 §4.1.2
	case grace == 0 || sinceSpent(p, at) >= grace: // without grace not even in the same instant
		return replayed(p, at) // RFC 9700 §4.14.2
	case !at.Before(p.ExpiresAt):
		return usedBefore(errLate, p, at, "")
	}
	return h.findSuccessor(ctx, x)
}

// graceOf returns the grace of a client: its own, or else the endpoint's.
func (h *Handler) graceOf(c *storage.Client) time.Duration {
	return cmp.Or(c.RefreshGrace, h.refreshGrace)
}

// misdated reports whether a credential was used in the future, by more than the
// clocks may differ: a clock was set back, or is far ahead elsewhere.
//
// It asks the clock anew. Another request may have used the credential after
// this one came, which is no fault of a clock.
func misdated(p *storage.Credential) bool { return p.SpentAt.Sub(now()) > clockTolerance }

// sinceSpent is how long ago a credential was used. A use in the future counts
// as one of long ago: otherwise the grace window would stay open until the clock
// has caught up.
func sinceSpent(p *storage.Credential, at time.Time) time.Duration {
	if misdated(p) {
		return math.MaxInt64
	}
	return at.Sub(p.SpentAt)
}

// usedBefore refuses a credential, and tells the log how long before the request it
// was used: a few milliseconds are two tabs of one user, and days are a copy of an old
// token.
func usedBefore(cause error, p *storage.Credential, at time.Time, more string) error {
	when := "at the same moment"
	if since := at.Sub(p.SpentAt); since > 0 {
		when = since.Round(time.Millisecond).String() + " before"
	}
	return grants.InvalidGrant.Because(fmt.Errorf("%w: the %s was used %s%s", cause, noun(p), when, more))
}

// replayed is the verdict that ends a family.
func replayed(p *storage.Credential, at time.Time) error {
	if misdated(p) {
		return grants.InvalidGrant.Because(errMisdated)
	}
	return usedBefore(errReplayed, p, at, ", beyond the window for repeats (RefreshGrace, CodeReuseWindow)")
}

// noun names the kind of a credential.
func noun(p *storage.Credential) string {
	switch p.Kind {
	case storage.KindRefreshToken:
		return "refresh token"
	case storage.KindAuthorizationCode:
		return "code"
	}
	return "credential"
}

// findSuccessor finds the successor of a refresh token that was used a moment ago.
// While the successor is unused, the answer was lost or many requests met, and the
// holder gets the same successor again: MaxUses times. A holder that asks more often
// is refused and ends nothing, since nobody uses the successor against it.
func (h *Handler) findSuccessor(ctx context.Context, x *exchange) error {
	successor := x.secret.Derive(grants.RefreshTokenPrefix, x.presented.Salt)
	next, err := h.storage.Credential(ctx, successor.Digest(storage.KindRefreshToken))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return grants.InvalidGrant.Because(errNoLeaf)
	case err != nil:
		return err
	case !next.GoodAt(h.issuer): // another issuer has used an old record, which was good at both
		return grants.InvalidGrant.Because(errNoLeaf)
	case next.Spent():
		return usedBefore(errReplayed, x.presented, x.request.Time, ", and its successor has been used since")
	case x.presented.Uses >= max(x.presented.MaxUses, 1):
		return grants.InvalidGrant.Because(errRepeats)
	}
	x.successor = successor
	return nil
}

// endFamily revokes a family, even if the client has hung up.
func (h *Handler) endFamily(ctx context.Context, family string) error {
	ctx, cancel := h.lasting(ctx)
	defer cancel()
	defer h.ForgetRevocations() // with an error too: it may have come after the fact
	return h.storage.Revoke(ctx, family)
}

// lasting is a context for the one state change of a request. It outlives a
// client that hangs up, since half a state change would be worse than a whole
// one whose answer is lost.
func (h *Handler) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
}
