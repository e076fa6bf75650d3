package testbed

import (
	"context"
	"encoding/binary"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

// Limiter is a host's own limiter, which answers as a test has told it.
type Limiter struct {
	mu       sync.Mutex
	wait     time.Duration
	err      error
	reserved []tokenendpoint.Attempt
	refunded []tokenendpoint.Attempt
}

// Reserve implements [tokenendpoint.Limiter].
func (l *Limiter) Reserve(_ context.Context, a tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved = append(l.reserved, a)
	return l.wait, func(context.Context) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refunded = append(l.refunded, a)
	}, l.err
}

// Told returns the failures that the limiter was told of since the last call.
func (l *Limiter) Told() (reserved, refunded []tokenendpoint.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reserved, refunded = l.reserved, l.refunded
	l.reserved, l.refunded = nil, nil
	return reserved, refunded
}

// Answer makes the limiter answer this from now on.
func (l *Limiter) Answer(wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait, l.err = wait, err
}

// WithLimiter sets Config.Limiter.
func WithLimiter(l *Limiter) Option {
	return func(c *tokenendpoint.Config) { c.Limiter = l }
}

// Unlimited lets a rule fail more often than the endpoint would: each request
// comes from a network of its own.
func Unlimited(c *tokenendpoint.Config) {
	var n atomic.Uint32
	c.RemoteAddr = func(*http.Request) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n.Add(1))))
	}
}

// peerHeader is the header that FromHeader reads.
const peerHeader = "Test-Peer"

// FromHeader takes the address of a request's client from peerHeader, as a host
// behind a proxy would.
func FromHeader(c *tokenendpoint.Config) {
	c.RemoteAddr = func(r *http.Request) netip.Addr {
		a, _ := netip.ParseAddr(r.Header.Get(peerHeader))
		return a
	}
}

// AtOnce is how many failures one client may have at once from one network.
const AtOnce = 300

// Limited asserts the response to a client that comes too often.
func (r *Reply) Limited() {
	r.T.Helper()
	r.RefusedWith(http.StatusTooManyRequests, "temporarily_unavailable")
	if n, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || n < 1 || n > 3600 {
		r.T.Errorf("Retry-After is %q, want seconds", r.Header.Get("Retry-After"))
	}
	if got := r.Header.Values("WWW-Authenticate"); len(got) > 0 {
		r.T.Errorf("WWW-Authenticate is %q, want none: nothing was tried", got)
	}
}

// From is the request as it comes from an address, by way of FromHeader.
func (r *Request) From(address string) *Request { return r.Set(peerHeader, address) }
