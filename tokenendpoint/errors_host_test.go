package tokenendpoint_test

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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
	*testbed.Fixture
	hook testbed.Hook
	err  error // of the ClientValidator
}

func newErring(t *testing.T) *erring {
	t.Helper()
	e := &erring{}
	e.Fixture = testbed.New(t, openMemory, e.hook.Everywhere, func(c *tokenendpoint.Config) {
		secrets := &clientauth.Secrets{Clients: c.Storage}
		c.ClientValidator = tokenendpoint.ClientValidatorFunc(func(ctx context.Context, c clientauth.Request) (*storage.Client, error) {
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
func (e *erring) everywhere(err error, check func(place string, r *testbed.Reply)) {
	e.Helper()
	for grant, r := range e.Requests(e.C1) {
		try := func(place string) {
			for _, r := range testbed.Both(r) {
				check(grant+", "+place, e.Send(r))
			}
		}
		e.hook.Do(func(*grants.Authorization) error { return err })
		try("hook")
		e.hook.Do(nil)
		e.err = err
		try("ClientValidator")
		e.err = nil
		for _, method := range map[string][]string{
			grants.TypeClientCredentials: {testbed.CallClient, testbed.CallCreateCredential},
			grants.TypeAuthorizationCode: {testbed.CallCredential, testbed.CallSpend},
			grants.TypeRefreshToken:      {testbed.CallCredential, testbed.CallSpend},
			grants.TypeAPIKey:            {testbed.CallAPIKey, testbed.CallCreateCredential},
		}[grant] {
			e.Store.FailWith(method, err)
			try(method)
			e.Store.Heal()
		}
		e.Send(r).Tokens()
	}
}

// nilErrors: a nil *Error in an error is not nil, and says nothing. It only has
// to be no success.
func nilErrors(t *testing.T) {
	e := newErring(t)
	var none *grants.Error
	e.everywhere(none, func(place string, r *testbed.Reply) {
		if r.Status != http.StatusInternalServerError {
			t.Errorf("%s: got %d %s, want 500", place, r.Status, r.Body)
			return
		}
		r.RefusedWith(http.StatusInternalServerError, "server_error")
	})
}

// rude is an error one of whose methods panics.
type rude string

func (r rude) panics(method string) {
	if string(r) == method {
		panic(testbed.PanicText)
	}
}

func (r rude) Error() string    { r.panics("Error"); return "a rude error" }
func (r rude) Is(error) bool    { r.panics("Is"); return false }
func (r rude) Unwrap() error    { r.panics("Unwrap"); return nil }
func (r rude) As(any) bool      { r.panics("As"); return false }
func (r rude) GoString() string { return "a rude error" }

// panickingErrors: the endpoint answers even if looking at the error panics, and
// the answer is no verdict.
func panickingErrors(t *testing.T) {
	e := newErring(t)
	for _, method := range []string{"Error", "Is", "Unwrap", "As"} {
		for _, err := range []error{rude(method), fmt.Errorf("wrapped: %w", rude(method)), grants.InvalidGrant.Because(rude(method))} {
			if method == "Error" && err != error(rude(method)) {
				continue // to print it is to panic, for this rule too
			}
			_, verdict := err.(*grants.Error)
			e.everywhere(err, func(place string, r *testbed.Reply) {
				switch {
				case r.Status == http.StatusInternalServerError:
					r.Broken(method + " in " + place)
				case verdict && r.Status < 500: // the verdict counts, not its cause
				case r.Status != http.StatusServiceUnavailable:
					t.Errorf("%s panics in %s: got %d %s, want 500 or 503", method, place, r.Status, r.Body)
				}
			})
		}
	}
}

// strangeCodes: RFC 6749 §5.2 allows printable ASCII without " and \ in a code.
// A code that a host makes from input could otherwise write the rest of the
// answer.
func strangeCodes(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	for grant, r := range f.Requests(f.C1) {
		f.ChangesNothing(func() {
			for _, code := range []grants.ErrorCode{
				"", `x","access_token":"y`, `x\`, "x\n", "x\x00", "é", "x\x7f", "\xff",
			} {
				for _, err := range []error{code, code.Because(testbed.ErrOutage), &grants.Error{Code: code, Description: "words"}, fmt.Errorf("wrapped: %w", code)} {
					h.Do(func(*grants.Authorization) error { return err })
					for _, r := range testbed.Both(r) {
						f.Send(r).RefusedWith(http.StatusInternalServerError, "server_error")
						if e := f.LastEvent(); e.Outcome != tokenendpoint.Failed || e.Cause == nil {
							t.Errorf("%s, the code %q: the outcome is %s because of %v, want %s and a cause", grant, code, e.Outcome, e.Cause, tokenendpoint.Failed)
						}
					}
				}
			}
			h.Do(func(*grants.Authorization) error { return grants.ErrorCode("interaction_required") })
			f.Send(r).Refused("interaction_required")
		})
		h.Do(nil)
		f.Send(r).Tokens()
	}
}

// retryAfter: a hook tells with an outage of its own when to retry.
func retryAfter(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	for after, want := range map[time.Duration]string{
		-1 << 63: "1", -time.Second: "1", 0: "2", 1: "1", time.Second: "1", 90*time.Second + 1: "91", 25 * time.Hour: "3600", 1<<63 - 1: "3600",
	} {
		for _, limited := range []bool{false, true} {
			h.Do(func(*grants.Authorization) error {
				return &grants.Error{Code: grants.TemporarilyUnavailable, RetryAfter: after, Limited: limited}
			})
			got := f.Send(testbed.ClientCredentials(f.C1))
			if status := map[bool]int{false: 503, true: 429}[limited]; got.Status != status || got.Header.Get("Retry-After") != want {
				t.Errorf("after %v, limited: %t: got %d and Retry-After %q, want %d and %s", after, limited, got.Status, got.Header.Get("Retry-After"), status, want)
			}
		}
	}
}
