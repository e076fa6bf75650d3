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
func (h *Handler) limit(ctx context.Context, x *exchange) error {
	if !x.guesses() {
		return nil
	}
	x.attempt = Attempt{
		ClientID: x.shown.ID,
		Network:  network(h.addressOf(x.request.HTTP)),
		Time:     x.request.Time,
	}
	wait := h.failures.wait(x.attempt)
	if h.limiter != nil {
		x.attempt.ClientID = strings.Clone(x.shown.ID) // it may be a part of the body, and a Limiter keeps it
		if w, err := h.limiter.Wait(ctx, x.attempt); err == nil {
			wait = w
		}
	}
	if wait > 0 {
		return grants.RateLimited(wait)
	}
	return nil
}

// countFailure counts err if it may be a wrong guess, and returns it.
func (h *Handler) countFailure(ctx context.Context, x *exchange, err error) error {
	v := grants.Verdict(err)
	if v == nil || !x.guesses() || v.Code != grants.InvalidClient && !(x.guessable() && v.Code == grants.InvalidGrant) {
		return err
	}
	h.failures.add(x.attempt)
	if h.limiter != nil {
		h.limiter.Failed(ctx, x.attempt) // its error changes nothing: the count of this process has it
	}
	return err
}

// guesses reports whether the request shows something that can be guessed.
func (x *exchange) guesses() bool {
	return x.guessable() || x.shown.Method != storage.AuthNone || x.unreadable != nil
}

// guessable reports whether what the grant takes may be: an API key, or what a
// host's own grant has people type. Codes and refresh tokens have 256 bits.
func (x *exchange) guessable() bool {
	switch x.request.GrantType {
	case grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeClientCredentials:
		return false
	}
	return true
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
