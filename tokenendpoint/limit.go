package tokenendpoint

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
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

const (
	// failuresAtOnce is how many failures a client may have at once from one
	// network before it has to wait.
	failuresAtOnce = 300
	// failureInterval is the time after which one of them is forgotten.
	failureInterval = time.Second
	// maxCounted bounds what the count remembers: twice as many.
	maxCounted = 10_000
)

// limit refuses an attempt that comes after too many failures.
func (h *Handler) limit(ctx context.Context, x *exchange) error {
	if !x.guesses() {
		return nil
	}
	a := h.attempt(x)
	wait := h.failures.wait(a)
	if h.limiter != nil {
		if w, err := h.limiter.Wait(ctx, a); err == nil {
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
	a := h.attempt(x)
	h.failures.add(a)
	if h.limiter != nil {
		h.limiter.Failed(ctx, a) // its error changes nothing: the count of this process has it
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

func (h *Handler) attempt(x *exchange) Attempt {
	return Attempt{
		ClientID: x.shown.ID,
		Network:  network(h.remoteAddr(x.request.HTTP)),
		Time:     x.request.Time,
	}
}

// peer is the address of the other end of the connection. Forwarding headers
// say what whoever wrote them likes.
func peer(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr()
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

// failureCount counts failures by client and network. It is bounded, and it
// needs no clock of its own: each entry is the instant at which all failures
// counted so far are forgotten.
type failureCount struct {
	mu          sync.Mutex
	recent, old map[failureKey]time.Time
}

type failureKey struct {
	clientID string
	network  netip.Prefix
}

func (c *failureCount) wait(a Attempt) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	forgotten := later(c.get(failureKey{a.ClientID, a.Network}), a.Time)
	return forgotten.Sub(a.Time) - (failuresAtOnce-1)*failureInterval
}

func (c *failureCount) add(a Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := failureKey{a.ClientID, a.Network}
	forgotten := later(c.get(k), a.Time).Add(failureInterval)
	if c.recent == nil || len(c.recent) >= maxCounted {
		c.recent, c.old = make(map[failureKey]time.Time), c.recent
	}
	c.recent[k] = forgotten
}

func (c *failureCount) get(k failureKey) time.Time {
	if t, ok := c.recent[k]; ok {
		return t
	}
	return c.old[k]
}
