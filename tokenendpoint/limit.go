package tokenendpoint

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// Limiter slows down who guesses client secrets and API keys (RFC 6749
// §2.3.1). A host with several processes can share the count through one of its
// own. It is called concurrently. If it returns an error, the count of this
// process serves.
type Limiter interface {
	// Wait returns how long an attempt has to wait, zero if it may go ahead.
	Wait(ctx context.Context, a Attempt) (time.Duration, error)
	// Failed counts an attempt that failed.
	Failed(ctx context.Context, a Attempt) error
}

// Attempt is an attempt to authenticate.
type Attempt struct {
	// ClientID is the client that the request claims to come from.
	ClientID string
	// Network is where it comes from: an IPv4 address, or the /64 of an IPv6
	// address.
	Network netip.Prefix
	// Time is when.
	Time time.Time
}

// limit refuses an attempt that comes after too many failures.
func (h *Handler) limit(ctx context.Context, c *call) error {
	if !c.guesses() {
		return nil
	}
	c.attempt = Attempt{
		ClientID: c.shown.ID,
		Network:  network(h.addressOf(c.http)),
		Time:     c.event.Time,
	}
	wait := h.failures.wait(c.attempt)
	if h.limiter != nil {
		c.attempt.ClientID = strings.Clone(c.shown.ID) // it may be a part of the body, and a Limiter keeps it
		if w, err := h.limiter.Wait(ctx, c.attempt); err == nil {
			wait = w
		}
	}
	if wait > 0 {
		return grants.RateLimited(wait)
	}
	return nil
}

// countFailure counts err if it may be a wrong guess, and returns it.
func (h *Handler) countFailure(ctx context.Context, c *call, err error) error {
	v := grants.Verdict(err)
	if v == nil || !c.guesses() || v.Code != grants.InvalidClient && !(c.key.guessable && v.Code == grants.InvalidGrant) {
		return err
	}
	h.failures.add(c.attempt)
	if h.limiter != nil {
		h.limiter.Failed(ctx, c.attempt) // its error changes nothing: the count of this process has it
	}
	return err
}

// guesses reports whether the request shows something that can be guessed.
func (c *call) guesses() bool {
	return c.key.guessable || c.shown.Method != storage.AuthNone || c.unreadable != nil
}

// addressOf is where a request comes from: what the host says, or else the
// other end of the connection. Forwarding headers say what whoever wrote them
// likes.
func (h *Handler) addressOf(r *http.Request) netip.Addr {
	if h.remoteAddr != nil {
		if a := h.remoteAddr(r); a.IsValid() {
			return a
		}
	}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr()
	}
	a, _ := netip.ParseAddr(r.RemoteAddr) // some middleware leaves the port out
	return a
}

// network is what one party has to itself: an IPv4 address, or a /64.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
