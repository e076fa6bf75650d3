package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/brake"
	"github.com/contit/oauth/tokenendpoint/internal/forwarded"
)

// limits are the causes of a 429, for the log. Each says which limit it is and what
// to set. They are made once: an attacker causes many.
type limits struct{ limiter, client, crowded, network error }

// explain says of a configuration what its operator can do about a limit. The first
// suspicion is a proxy whose address all clients share.
func explain(c Config) limits {
	remedy := "is the remote_addr of this line the client's, or is it a proxy's? Then set Config.RemoteAddr, see TrustedProxies"
	if c.RemoteAddr != nil {
		remedy = "is the remote_addr of this line the client's? If it is a proxy's, Config.RemoteAddr does not know that proxy"
	}
	cause := func(what string, l limit, more string) error {
		return fmt.Errorf("tokenendpoint: %s (%s): %s%s", what, l, more, remedy)
	}
	return limits{
		limiter: errors.New("tokenendpoint: Config.Limiter lets the client wait: " + remedy),
		client:  cause("the client has failed too often from this network", clientLimit, "Config.Limiter sets another limit; "),
		crowded: cause("the network has failed too often with clients of every name", strangerLimit, ""),
		network: cause("the network has failed too often with clients that exist", networkLimit, ""),
	}
}

// guess is the reservation of a call, for the case that its secret is wrong. The
// zero value is nothing.
type guess struct {
	client, stranger, network brake.Reservation
	crowded                   time.Duration         // until its network may fail again; zero if it may now
	checked                   bool                  // the endpoint has looked at the secret of the call
	decided                   bool                  // the host's Limiter has let it go ahead
	refund                    func(context.Context) // of the Limiter, or nil
	slot                      brake.Slot            // of the client in this process, if the Limiter has decided
}

// braked runs check on a call that may show something that can be guessed: a
// client's secret, or the credential that a grant takes. It makes a reservation
// before and settles it after. However many calls are under way, no more of them
// are checked than may fail.
func (h *Handler) braked(ctx context.Context, c *call, check func() error) (err error) {
	if !c.guesses() {
		return check()
	}
	// This comes before the first reservation, so that a panic settles a
	// reservation too.
	defer func() { err = h.settle(ctx, c, err) }()
	if err := h.reserve(ctx, c); err != nil {
		c.lap(&c.event.Authenticate)
		return err
	}
	c.guess.checked = true
	return check()
}

// reserve makes room for one more failure, or refuses the call.
func (h *Handler) reserve(ctx context.Context, c *call) error {
	a := Attempt{ClientID: c.guessed(), Network: network(c.event.RemoteAddr), Time: c.event.Time}
	c.event.Network, c.shown.Network = a.Network, a.Network
	if err := h.reserveClient(ctx, &c.guess, a); err != nil {
		return err
	}
	slot := h.counts.networkSlot(a)
	if err := h.reserveIn(ctx, &c.guess.network, h.counts.networks, slot, h.limits.network); err != nil {
		return err
	}
	c.guess.crowded = c.guess.stranger.Try(h.counts.strangers, slot)
	c.shown.Crowded = c.guess.crowded > 0
	return nil
}

// addressOf returns the address of a request: the host's answer, or else the
// other end of the connection. Any client can write forwarding headers, so that
// the endpoint does not read them.
func (h *Handler) addressOf(r *http.Request) netip.Addr {
	if h.remoteAddr != nil {
		if a := h.remoteAddr(r); a.IsValid() {
			return a
		}
		h.noRemoteAddr.Do(func() {
			h.logger.WarnContext(r.Context(), "Config.RemoteAddr returned no address: the other end of the connection counts in its place, which may be a proxy for all clients")
		})
	}
	return forwarded.Peer(r)
}

// network is the range of addresses that one party has to itself: an IPv4
// address, or a /64.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// reserveClient asks the host's Limiter about the client in its network, or else
// the count of this process.
func (h *Handler) reserveClient(ctx context.Context, g *guess, a Attempt) error {
	slot := h.counts.clientSlot(a)
	if h.limiter != nil {
		a.ClientID = attemptID(a.ClientID)
		wait, refund, err := h.askLimiter(ctx, a)
		switch {
		case err != nil: // the count of this process serves
		case wait > 0:
			return grants.RateLimited(wait).Because(h.limits.limiter)
		default:
			g.decided, g.refund, g.slot = true, refund, slot
			return nil
		}
	}
	return h.reserveIn(ctx, &g.client, h.counts.clients, slot, h.limits.client)
}

// reserveIn takes room in a table, see [brake.Reservation.Take]. If there is none,
// it refuses the request, for the cause. A request waits for three quarters of its
// time at most: one that gets room at its very end would be an outage.
func (h *Handler) reserveIn(ctx context.Context, v *brake.Reservation, t *brake.Table, slot brake.Slot, cause error) error {
	wait, err := v.Take(ctx, t, slot, h.timeout*3/4)
	switch {
	case err != nil:
		return fmt.Errorf("tokenendpoint: so many requests that may be guesses are under way, and none of them has ended in time: is the ClientValidator, the grant or its store slow? %w", err)
	case wait > 0:
		return grants.RateLimited(wait).Because(cause)
	}
	return nil
}

// askLimiter gives the host's Limiter a quarter of the time that the stores have:
// one that hangs must leave time to authenticate the client.
func (h *Handler) askLimiter(ctx context.Context, a Attempt) (wait time.Duration, refund func(context.Context), err error) {
	asked, cancel := context.WithTimeout(ctx, h.timeout/4)
	defer cancel()
	wait, refund, err = h.limiter.Reserve(asked, a)
	h.limiterHealth.tell(ctx, h.logger, err)
	return wait, refund, err
}

// settle ends the reservation by the outcome of the call, and returns the error
// for the client. In a crowded network every failure gets the same answer:
// nobody learns from it which client exists.
func (h *Handler) settle(ctx context.Context, c *call, err error) error {
	g, failed := c.guess, c.failed(err) || c.hungUp(err)
	c.guess = guess{}
	crowded, loud := g.crowded > 0, failed || c.turnedAway(err)
	g.client.Settle(failed)
	g.stranger.Settle(loud)
	// In a crowded network such a failure has cost nothing either. If it counted,
	// requests with made-up clients would keep out those that exist.
	g.network.Settle(failed && !(crowded && (c.free || c.standIn.malformed)))
	switch {
	case g.decided && failed:
		h.counts.clients.Count(g.slot) // it serves when the Limiter fails
	case g.refund != nil:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout/4)
		defer cancel()
		g.refund(ctx)
	}
	if crowded && loud {
		return grants.RateLimited(g.crowded).Because(fmt.Errorf("%w: %w", h.limits.crowded, err))
	}
	return err
}

// failed reports whether the call has made a wrong guess. A wrong credential
// that nobody can guess is no guess, and an outage is none either. An outage
// beside a wrong guess gives nothing back, so the guess may stand anywhere in
// the error.
func (c *call) failed(err error) bool {
	return errors.Is(err, grants.InvalidClient) || c.standIn.guessable && errors.Is(err, grants.InvalidGrant) ||
		errors.Is(err, clientauth.ErrNotAuthenticated) || errors.Is(err, clientauth.ErrUnknownClient)
}

// hungUp reports whether the client ended the request itself, by which it may have
// turned the verdict on a guess into an outage. It can still read the answer: a
// client that shuts down the sending half of a connection ends the request's context.
func (c *call) hungUp(err error) bool {
	outage := true
	if v := grants.Verdict(err); v != nil {
		outage = v.Code == grants.TemporarilyUnavailable || v.Code == grants.ServerError
	}
	return err != nil && outage && c.guess.checked && !c.right() && errors.Is(c.http.Context().Err(), context.Canceled)
}

// right reports whether every secret of the call that can be guessed was right.
func (c *call) right() bool { return c.client != nil && (!c.standIn.guessable || c.standIn.right) }

// turnedAway reports whether the validator was too busy to judge. Requests that
// keep it busy crowd their network as failures do, which keeps no right secret
// out.
func (c *call) turnedAway(err error) bool {
	v := grants.Verdict(err)
	return v != nil && v.Code == grants.TemporarilyUnavailable && !v.Limited && c.client == nil
}

// guessed names the target of the guess: the client or, where the request leaves
// it out, the API key. If such keys had one count together, a stranger's garbage
// would keep out every key of the network.
func (c *call) guessed() string {
	if c.shown.ID == "" && !c.standIn.shown.Empty() {
		return c.standIn.shown.Digest(storage.KindAPIKey).String()
	}
	return c.shown.ID
}

// guesses reports whether the request shows something that can be guessed, or a
// certificate in place of it: nobody guesses a private key, but each certificate costs
// signatures to verify.
func (c *call) guesses() bool {
	return c.standIn.guessable || c.shown.Method != storage.AuthNone || c.unreadable != nil || c.shown.Certified != nil
}
