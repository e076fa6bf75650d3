package endpointtest

import (
	"context"
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// patience is how long these rules wait for what happens at once.
const patience = 15 * time.Second

// hangUp is a client that sends a request and hangs up when the endpoint has
// come to a certain point, where it waits until net/http has noticed.
type hangUp struct {
	f      *fixture
	at     chan struct{} // the endpoint is there
	events chan tokenendpoint.Event
	client context.Context // as the store was last given it
	sign   func()          // called by the signer
}

// Public and Sign make a signer that takes its time, as one in a network does.
func (h *hangUp) Public() crypto.PublicKey { return signingKey().Public() }

func (h *hangUp) Sign(rand io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	h.sign()
	return signingKey().Sign(rand, digest, o)
}

// newHangUp makes a fixture for it. hook is asked in every code redemption.
func newHangUp(t *testing.T, open opener, hook grants.Hook) *hangUp {
	h := &hangUp{at: make(chan struct{}, 1), events: make(chan tokenendpoint.Event, 100), sign: func() {}}
	keys, err := jws.NewKeySet(jws.Key{Signer: h})
	if err != nil {
		t.Fatal(err)
	}
	h.f = newFixture(t, open, func(c *tokenendpoint.Config) {
		c.Keys = keys
		c.Timeout = time.Minute // what ends a context is then the client
		c.Grants[grants.TypeAuthorizationCode] = grants.AuthorizationCode{Hook: hook}
		c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: true}
		observe := c.Observe
		c.Observe = func(ctx context.Context, e tokenendpoint.Event) {
			observe(ctx, e)
			h.events <- e
		}
	})
	return h
}

// wait is the point at which the client hangs up. It returns when the context
// is cancelled.
func (h *hangUp) wait(ctx context.Context) {
	h.at <- struct{}{}
	select {
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.Canceled) {
			h.f.Errorf("the client hung up, and the context says %v, want context.Canceled", ctx.Err())
		}
	case <-time.After(patience):
		h.f.Errorf("the client hung up, and the context goes on")
	}
}

// send sends a request, hangs up, and returns what the endpoint reports.
func (h *hangUp) send(r *request) tokenendpoint.Event {
	h.f.Helper()
	for len(h.events) > 0 {
		<-h.events
	}
	h.f.store.counted()
	h.f.noteSecrets(r)
	l := h.f.dial()
	l.say(wire(r))
	select {
	case <-h.at:
	case <-time.After(patience):
		h.f.Fatal("the endpoint does not come to the point")
	}
	l.Close()
	select {
	case e := <-h.events:
		return e
	case <-time.After(2 * patience):
		h.f.Fatal("the endpoint has not reported the request")
	}
	panic("not reached")
}

// unspent asserts that the store was not asked to change anything.
func (h *hangUp) unspent(what string) {
	h.f.Helper()
	n := h.f.store.counted()
	if n[mSpend]+n[mCreateCredential]+n[mRevoke] > 0 {
		h.f.Errorf("the client hung up %s: the store was called: %v, want no change", what, n)
	}
}

func a29BeforeTheWrite(t *testing.T, open opener) {
	var h *hangUp
	inHook := false
	h = newHangUp(t, open, func(ctx context.Context, _ *grants.Request, _ *grants.Authorization) error {
		if inHook {
			h.wait(ctx)
		}
		return nil
	})
	f := h.f
	stops := map[string]func(s *spy){
		"before the look-up of a client": func(s *spy) { h.stopBefore(s, mClient) },
		"after the look-up of a client":  func(s *spy) { h.stopAfter(s, mClient) },
		"before the look-up of a code":   func(s *spy) { h.stopBefore(s, mCredential) },
		"after the look-up of a code":    func(s *spy) { h.stopAfter(s, mCredential) },
		"in a hook":                      func(*spy) { inHook = true },
		"while a token is signed": func(s *spy) {
			h.follow(s)
			h.sign = func() { h.wait(h.client) }
		},
	}
	for what, stop := range stops {
		r := f.redeem(f.c1, f.code(f.c1))
		for _, spelling := range both(r) {
			f.store.set(stop)
			if e := h.send(spelling); e.Outcome != tokenendpoint.Abandoned {
				t.Errorf("the client hung up %s: the outcome is %q, want %q", what, e.Outcome, tokenendpoint.Abandoned)
			}
			h.unspent(what)
			f.store.heal()
			inHook, h.sign = false, func() {}
		}
		f.send(r).tokens()
	}
}

// stopBefore makes the store wait before it looks anything up. stopAfter makes
// it wait with the record in hand, like one that does not look at its context.
func (h *hangUp) stopBefore(s *spy, method string) {
	s.before = func(ctx context.Context, m string) error {
		if m == method {
			h.wait(ctx)
		}
		return nil
	}
}

func (h *hangUp) stopAfter(s *spy, method string) {
	h.follow(s)
	s.after = func(m string) error {
		if m == method {
			h.wait(h.client)
		}
		return nil
	}
}

// follow takes down the context of each call. Requests come one after the
// other.
func (h *hangUp) follow(s *spy) {
	s.before = func(ctx context.Context, _ string) error {
		h.client = ctx
		return nil
	}
}

// stopIn makes the store wait in the write until the client's context has
// ended. That of the write goes on.
func (h *hangUp) stopIn(s *spy, method string) {
	s.before = func(ctx context.Context, m string) error {
		if m != method {
			h.client = ctx
			return nil
		}
		h.wait(h.client)
		if err := ctx.Err(); err != nil {
			h.f.Errorf("the client hung up during %s: its context has ended (%v), want it to go on", m, err)
		}
		return ctx.Err()
	}
}

// a29DuringTheWrite ends with a request that shows that all of the write was
// done.
func a29DuringTheWrite(t *testing.T, open opener) {
	h := newHangUp(t, open, nil)
	f := h.f
	during := func(method string, r *request, want tokenendpoint.Outcome) {
		f.store.set(func(s *spy) { h.stopIn(s, method) })
		e := h.send(r)
		if n := f.store.counted()[method]; n != 1 {
			t.Errorf("the client hung up during %s: it was called %d times, want once", method, n)
		}
		if e.Outcome != want {
			t.Errorf("the client hung up during %s: the outcome is %q (%v), want %q", method, e.Outcome, e.Cause, want)
		}
		f.store.heal()
	}
	code := f.redeem(f.c1, f.code(f.c1))
	during(mSpend, code, tokenendpoint.Issued)
	f.send(code).refused("invalid_grant")
	during(mSpend, f.redeem(f.c1, f.code(f.c1)).json(), tokenendpoint.Issued)
	r := refresh(f.c1, f.refreshToken(f.c1))
	during(mSpend, r, tokenendpoint.Issued)
	successor := f.send(r).tokens().refreshToken // in the grace window: the one that was lost
	f.send(refresh(f.c1, successor)).tokens()
	during(mCreateCredential, clientCredentials(f.c1), tokenendpoint.Issued)
	got := f.pair(f.c1)
	during(mRevokeToken, revoke(f.c1, got.accessToken), tokenendpoint.Revoked)
	f.gone(f.c1, got.accessToken)
	during(mRevoke, revoke(f.c1, got.refreshToken), tokenendpoint.Revoked)
	f.dead(f.c1, got.refreshToken)
}
