package endpointtest

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// assertionRules are about clients that show an assertion in place of a secret: the
// store tells a used one from a new one.
var assertionRules = []rule{
	{"E19_fifty_copies_of_one_assertion", e19},
	{"E17_E22_a_used_assertion_and_an_outage", e17},
}

// e19 sends one assertion fifty times at once, to two endpoints over one store.
func e19(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient, testbed.WithAssertions)
	second := testbed.New(t, testbed.Beside(f), testbed.Patient, testbed.WithAssertions)
	for round := range testbed.Rounds {
		k := f.NewKeyed(jws.EdDSA) // the limit counts the failures of a client
		r := testbed.Form("grant_type", "client_credentials").AssertedBy(k.Assertion(nil))
		var issued, refused atomic.Int64
		testbed.Crowd(testbed.Racers, func(i int) {
			at := f
			if i%2 == 1 {
				at = second
			}
			switch at.Send(r).Status {
			case http.StatusOK:
				issued.Add(1)
			case http.StatusUnauthorized, http.StatusTooManyRequests: // the network fails often in this rule
				refused.Add(1)
			}
		})
		if issued.Load() != 1 || refused.Load() != testbed.Racers-1 {
			t.Fatalf("round %d: %d got tokens and %d were refused, want 1 and %d", round, issued.Load(), refused.Load(), testbed.Racers-1)
		}
	}
}

func e17(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.WithAssertions)
	k := f.NewKeyed(jws.ES256)
	r := testbed.Form("grant_type", "client_credentials").AssertedBy(k.Assertion(nil))
	f.BreakStore(testbed.Fault{Method: testbed.CallCreateCredential})
	f.Send(r).Unavailable()
	f.Store.Set(func(s *testbed.Spy) { s.Before, s.After = nil, nil })
	f.Send(r).Tokens()
	f.Send(r).Unauthorized()
}
