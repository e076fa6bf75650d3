// Package endpointtest holds a token endpoint to its specification, over HTTP
// and over any store. The author of a store calls it beside storagetest:
//
//	func TestEndpoint(t *testing.T) {
//		endpointtest.Run(t, func(t testing.TB) storagetest.Store { return newStore(t) })
//	}
//
// Each rule is a subtest whose name begins with its row in the specification,
// such as G18_fifty_concurrent_redemptions. Nothing is skipped. At the end of
// every rule all that the endpoint logged and reported is searched for the
// secrets that the rule used.
package endpointtest

import (
	"testing"

	"github.com/contit/oauth/storage/storagetest"
)

// Open returns a store for one rule. It need not be empty: clients and
// credentials have random identifiers.
type Open = func(t testing.TB) storagetest.Store

// A rule is one row of the specification.
type rule struct {
	name string
	test func(t *testing.T, open Open)
}

// Run tests the endpoint over the stores that open gives, with the clock as it
// runs.
func Run(t *testing.T, open Open) {
	for _, section := range sections {
		for _, r := range section {
			t.Run(r.name, func(t *testing.T) { r.test(t, open) })
		}
	}
}

// RunTimed tests what takes minutes or months, in the bubble of
// testing/synctest, where time passes at once. The store must not do any I/O
// and not wait for anything outside of the test.
func RunTimed(t *testing.T, open Open) {
	for _, section := range timedSections {
		for _, r := range section {
			t.Run(r.name, func(t *testing.T) { timed(t, r, open) })
		}
	}
}
