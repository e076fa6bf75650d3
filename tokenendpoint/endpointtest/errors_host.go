package endpointtest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// hostErrorRules are about errors that a host returns and should not.
var hostErrorRules = []rule{
	{"Q05_a_code_that_is_none", strangeCodes},
	{"Q09_a_nil_pointer_as_an_error", nilErrors},
	{"Q09_errors_that_panic", panickingErrors},
	{"Q10_a_Retry-After_is_an_hour_at_most", retryAfter},
}

// erring is an endpoint each of whose callbacks can be made to return an error.
type erring struct {
	*fixture
	hook hook
	err  error // of the ClientValidator
}

func newErring(t *testing.T, open opener) *erring {
	t.Helper()
	e := &erring{}
	e.fixture = newFixture(t, open, e.hook.everywhere, func(c *tokenendpoint.Config) {
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.Clients = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, c clientauth.Credentials) (*storage.Client, error) {
			if e.err != nil {
				return nil, e.err
			}
			return secrets.ValidateClient(ctx, c)
		})
	})
	return e
}

// everywhere makes each place return err in turn, sends a request that meets it,
// and asserts that nothing is consumed.
func (e *erring) everywhere(err error, check func(place string, r *reply)) {
	e.Helper()
	for grant, r := range e.requests(e.c1) {
		try := func(place string) {
			for _, r := range both(r) {
				check(grant+", "+place, e.send(r))
			}
		}
		e.hook.do(func(*grants.Authorization) error { return err })
		try("hook")
		e.hook.do(nil)
		e.err = err
		try("ClientValidator")
		e.err = nil
		for _, method := range map[string][]string{
			grants.TypeClientCredentials: {mClient, mCreateCredential},
			grants.TypeAuthorizationCode: {mCredential, mSpend},
			grants.TypeRefreshToken:      {mCredential, mSpend},
			grants.TypeAPIKey:            {mAPIKey, mCreateCredential},
		}[grant] {
			e.store.failWith(method, err)
			try(method)
			e.store.heal()
		}
		e.send(r).tokens()
	}
}

// nilErrors: a nil *Error in an error is not nil, and says nothing. That it is
// no success is what counts.
func nilErrors(t *testing.T, open opener) {
	e := newErring(t, open)
	var none *grants.Error
	e.everywhere(none, func(place string, r *reply) {
		if r.status != http.StatusInternalServerError {
			t.Errorf("%s: got %d %s, want 500", place, r.status, r.body)
			return
		}
		r.refusedWith(http.StatusInternalServerError, "server_error")
	})
}

// rude is an error one of whose methods panics.
type rude string

func (r rude) panics(method string) {
	if string(r) == method {
		panic(panicText)
	}
}

func (r rude) Error() string    { r.panics("Error"); return "a rude error" }
func (r rude) Is(error) bool    { r.panics("Is"); return false }
func (r rude) Unwrap() error    { r.panics("Unwrap"); return nil }
func (r rude) As(any) bool      { r.panics("As"); return false }
func (r rude) GoString() string { return "a rude error" }

// panickingErrors: an answer is given whatever the error does when it is looked
// at, and it is no verdict.
func panickingErrors(t *testing.T, open opener) {
	e := newErring(t, open)
	for _, method := range []string{"Error", "Is", "Unwrap", "As"} {
		for _, err := range []error{rude(method), fmt.Errorf("wrapped: %w", rude(method)), grants.InvalidGrant.Because(rude(method))} {
			if method == "Error" && err != error(rude(method)) {
				continue // to print it is to panic, for this rule too
			}
			_, verdict := err.(*grants.Error)
			e.everywhere(err, func(place string, r *reply) {
				switch {
				case r.status == http.StatusInternalServerError:
					r.broken(method + " in " + place)
				case verdict && r.status < 500: // the verdict counts, not its cause
				case r.status != http.StatusServiceUnavailable:
					t.Errorf("%s panics in %s: got %d %s, want 500 or 503", method, place, r.status, r.body)
				}
			})
		}
	}
}

// strangeCodes: RFC 6749 §5.2 allows printable ASCII without " and \ in a code.
// One that a host made of its input could write the rest of the answer.
func strangeCodes(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	for grant, r := range f.requests(f.c1) {
		f.changesNothing(func() {
			for _, code := range []grants.Code{
				"", `x","access_token":"y`, `x\`, "x\n", "x\x00", "é", "x\x7f", "\xff",
			} {
				for _, err := range []error{code, code.Because(errOutage), &grants.Error{Code: code, Description: "words"}, fmt.Errorf("wrapped: %w", code)} {
					h.do(func(*grants.Authorization) error { return err })
					for _, r := range both(r) {
						f.send(r).refusedWith(http.StatusInternalServerError, "server_error")
						if e := f.lastEvent(); e.Outcome != tokenendpoint.Failed || e.Cause == nil {
							t.Errorf("%s, the code %q: the outcome is %s because of %v, want %s and a cause", grant, code, e.Outcome, e.Cause, tokenendpoint.Failed)
						}
					}
				}
			}
			h.do(func(*grants.Authorization) error { return grants.Code("interaction_required") })
			f.send(r).refused("interaction_required")
		})
		h.do(nil)
		f.send(r).tokens()
	}
}

// retryAfter is what a hook says of an outage of its own.
func retryAfter(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	for after, want := range map[time.Duration]string{
		-1 << 63: "1", -time.Second: "1", 0: "2", 1: "1", time.Second: "1", 90*time.Second + 1: "91", 25 * time.Hour: "3600", 1<<63 - 1: "3600",
	} {
		for _, limited := range []bool{false, true} {
			h.do(func(*grants.Authorization) error {
				return &grants.Error{Code: grants.TemporarilyUnavailable, RetryAfter: after, Limited: limited}
			})
			got := f.send(clientCredentials(f.c1))
			if status := map[bool]int{false: 503, true: 429}[limited]; got.status != status || got.header.Get("Retry-After") != want {
				t.Errorf("after %v, limited: %t: got %d and Retry-After %q, want %d and %s", after, limited, got.status, got.header.Get("Retry-After"), status, want)
			}
		}
	}
}
