package tokenendpoint_test

import (
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var timedTokenClientRules = []rule{
	{"D31_one_count_for_all_endpoints", d31Everywhere},
}

// d31Everywhere: an attacker has one number of guesses for all endpoints
// together, not that number at each.
func d31Everywhere(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, testbed.Quiet)
	p := f.C1.Showing(testbed.WrongSecret)
	wrong := []*testbed.Request{testbed.ClientCredentials(p), testbed.Revoke(p, "x"), testbed.Introspect(p, "x")}
	for i := range testbed.AtOnce {
		f.Send(wrong[i%3]).Unauthorized()
	}
	for _, r := range append(wrong, testbed.ClientCredentials(f.C1), testbed.Revoke(f.C1, "x"), testbed.Introspect(f.C1, "x")) {
		f.Send(r).Limited()
	}
	f.Send(testbed.Introspect(f.C2, "x")).Inactive()
	// A credential that nobody can guess has no count.
	for range testbed.AtOnce + 1 {
		f.Send(testbed.Revoke(f.Pub, "x")).Ended()
	}
	time.Sleep(10 * time.Second)
	f.Send(testbed.Revoke(f.C1, "x")).Ended()
}
