package endpointtest

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

// limiter is a host's own, which answers what it is told.
type limiter struct {
	mu     sync.Mutex
	wait   time.Duration
	err    error
	waited []tokenendpoint.Attempt
	failed []tokenendpoint.Attempt
}

func (l *limiter) Wait(_ context.Context, a tokenendpoint.Attempt) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waited = append(l.waited, a)
	return l.wait, l.err
}

func (l *limiter) Failed(_ context.Context, a tokenendpoint.Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, a)
	return l.err
}

// told returns of what the limiter was told since the last time.
func (l *limiter) told() (waited, failed []tokenendpoint.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waited, failed = l.waited, l.failed
	l.waited, l.failed = nil, nil
	return waited, failed
}

func (l *limiter) answer(wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait, l.err = wait, err
}

func withLimiter(l *limiter) option {
	return func(c *tokenendpoint.Config) { c.Limiter = l }
}

// unlimited lets a rule fail more often than the endpoint would.
func unlimited(c *tokenendpoint.Config) { c.Limiter = new(limiter) }

// peerHeader is the header that fromHeader reads.
const peerHeader = "Test-Peer"

// fromHeader takes the address of a request's client from peerHeader, as a host
// behind a proxy would.
func fromHeader(c *tokenendpoint.Config) {
	c.RemoteAddr = func(r *http.Request) netip.Addr {
		a, _ := netip.ParseAddr(r.Header.Get(peerHeader))
		return a
	}
}

// atOnce is how many failures one client may have at once from one network.
const atOnce = 300

// limited asserts the response to who comes too often.
func (r *reply) limited() {
	r.t.Helper()
	r.refusedWith(http.StatusTooManyRequests, "temporarily_unavailable")
	if n, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || n < 1 || n > 3600 {
		r.t.Errorf("Retry-After is %q, want seconds", r.header.Get("Retry-After"))
	}
	if got := r.header.Values("WWW-Authenticate"); len(got) > 0 {
		r.t.Errorf("WWW-Authenticate is %q, want none: nothing was tried", got)
	}
}

// from is the request as it comes from an address, by way of fromHeader.
func (r *request) from(address string) *request { return r.set(peerHeader, address) }
