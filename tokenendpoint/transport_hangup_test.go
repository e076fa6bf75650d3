package tokenendpoint_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// patience is how long these rules wait for an event that happens at once.
const patience = 15 * time.Second

// hangUp is a client that sends a request and hangs up when the endpoint has
// come to a certain point, where it waits until net/http has noticed.
type hangUp struct {
	f      *testbed.Fixture
	at     chan struct{} // the endpoint is there
	events chan tokenendpoint.Event
	client context.Context // as the store was last given it
	sign   func()          // called by the signer
}

// Public and Sign make a signer that takes its time, as one in a network does.
func (h *hangUp) Public() crypto.PublicKey { return testbed.SigningKey().Public() }

func (h *hangUp) Sign(rand io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	h.sign()
	return testbed.SigningKey().Sign(rand, digest, o)
}

// newHangUp makes a fixture for it. hook is asked in every code redemption.
func newHangUp(t *testing.T, hook grants.Hook) *hangUp {
	h := &hangUp{at: make(chan struct{}, 1), events: make(chan tokenendpoint.Event, 100), sign: func() {}}
	keys, err := jws.NewKeySet(jws.Key{Signer: h})
	if err != nil {
		t.Fatal(err)
	}
	h.f = testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.Keys = keys
		c.Timeout = time.Minute // then the client ends a context, not the Timeout
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

// send sends a request, hangs up, and returns the endpoint's report.
func (h *hangUp) send(r *testbed.Request) tokenendpoint.Event {
	h.f.Helper()
	for len(h.events) > 0 {
		<-h.events
	}
	h.f.Store.Counted()
	h.f.NoteSecrets(r)
	l := h.f.Dial()
	l.Say(testbed.Wire(r))
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
	n := h.f.Store.Counted()
	if n[testbed.CallSpend]+n[testbed.CallCreateCredential]+n[testbed.CallRevoke] > 0 {
		h.f.Errorf("the client hung up %s: the store was called: %v, want no change", what, n)
	}
}

func a29BeforeTheWrite(t *testing.T) {
	var h *hangUp
	inHook := false
	h = newHangUp(t, func(ctx context.Context, _ *grants.Request, _ *grants.Authorization) error {
		if inHook {
			h.wait(ctx)
		}
		return nil
	})
	f := h.f
	stops := map[string]func(s *testbed.Spy){
		"before the look-up of a client": func(s *testbed.Spy) { h.stopBefore(s, testbed.CallClient) },
		"after the look-up of a client":  func(s *testbed.Spy) { h.stopAfter(s, testbed.CallClient) },
		"before the look-up of a code":   func(s *testbed.Spy) { h.stopBefore(s, testbed.CallCredential) },
		"after the look-up of a code":    func(s *testbed.Spy) { h.stopAfter(s, testbed.CallCredential) },
		"in a hook":                      func(*testbed.Spy) { inHook = true },
		"while a token is signed": func(s *testbed.Spy) {
			h.follow(s)
			h.sign = func() { h.wait(h.client) }
		},
	}
	for what, stop := range stops {
		r := f.Redeem(f.C1, f.Code(f.C1))
		for _, spelling := range testbed.Both(r) {
			f.Store.Set(stop)
			if e := h.send(spelling); e.Outcome != tokenendpoint.Abandoned {
				t.Errorf("the client hung up %s: the outcome is %q, want %q", what, e.Outcome, tokenendpoint.Abandoned)
			}
			h.unspent(what)
			f.Store.Heal()
			inHook, h.sign = false, func() {}
		}
		f.Send(r).Tokens()
	}
}

// stopBefore makes the store wait before it looks anything up. stopAfter makes
// it wait with the record in hand, like one that does not look at its context.
func (h *hangUp) stopBefore(s *testbed.Spy, method string) {
	s.Before = func(ctx context.Context, m string) error {
		if m == method {
			h.wait(ctx)
		}
		return nil
	}
}

func (h *hangUp) stopAfter(s *testbed.Spy, method string) {
	h.follow(s)
	s.After = func(m string) error {
		if m == method {
			h.wait(h.client)
		}
		return nil
	}
}

// follow takes down the context of each call. The requests come one after the
// other.
func (h *hangUp) follow(s *testbed.Spy) {
	s.Before = func(ctx context.Context, _ string) error {
		h.client = ctx
		return nil
	}
}

// stopIn makes the store wait in the write until the client's context has ended.
// The context of the write goes on.
func (h *hangUp) stopIn(s *testbed.Spy, method string) {
	s.Before = func(ctx context.Context, m string) error {
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
func a29DuringTheWrite(t *testing.T) {
	h := newHangUp(t, nil)
	f := h.f
	during := func(method string, r *testbed.Request, want tokenendpoint.Outcome) {
		f.Store.Set(func(s *testbed.Spy) { h.stopIn(s, method) })
		e := h.send(r)
		if n := f.Store.Counted()[method]; n != 1 {
			t.Errorf("the client hung up during %s: it was called %d times, want once", method, n)
		}
		if e.Outcome != want {
			t.Errorf("the client hung up during %s: the outcome is %q (%v), want %q", method, e.Outcome, e.Cause, want)
		}
		f.Store.Heal()
	}
	code := f.Redeem(f.C1, f.Code(f.C1))
	during(testbed.CallSpend, code, tokenendpoint.Issued)
	f.Send(code).Refused("invalid_grant")
	during(testbed.CallSpend, f.Redeem(f.C1, f.Code(f.C1)).JSON(), tokenendpoint.Issued)
	r := testbed.Refresh(f.C1, f.RefreshToken(f.C1))
	during(testbed.CallSpend, r, tokenendpoint.Issued)
	successor := f.Send(r).Tokens().RefreshToken // in the grace window: the one that was lost
	f.Send(testbed.Refresh(f.C1, successor)).Tokens()
	during(testbed.CallCreateCredential, testbed.ClientCredentials(f.C1), tokenendpoint.Issued)
	got := f.Pair(f.C1)
	during(testbed.CallRevokeToken, testbed.Revoke(f.C1, got.AccessToken), tokenendpoint.Revoked)
	f.Gone(f.C1, got.AccessToken)
	during(testbed.CallRevoke, testbed.Revoke(f.C1, got.RefreshToken), tokenendpoint.Revoked)
	f.Dead(f.C1, got.RefreshToken)
}
