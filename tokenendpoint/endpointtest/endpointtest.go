// Package endpointtest tests the parts of a token endpoint that a store can
// break: races, rotation, replay, revocation and outages, and each grant once
// over HTTP. The author of a store calls it beside storagetest:
//
//	func TestEndpoint(t *testing.T) {
//		endpointtest.Run(t, func(t testing.TB) storagetest.Store { return newStore(t) })
//	}
//
// Nothing is skipped. At the end of every rule all that the endpoint logged and
// reported is searched for the secrets that the rule used.
//
// # Rows
//
// Each rule is a subtest whose name begins with its row in
// tokenendpoint/SPEC.md, such as G18_fifty_concurrent_redemptions. The letter
// names the subject of the rule:
//
//	A, B, D  each grant once; odd clients     J  api_key
//	E        assertions of clients
//	G, H     authorization_code               P  revocation
//	I        refresh_token                    Q  issuers, outages
//	R        rulings where the RFCs leave a choice
//
// A row that no store can break is tested beside the code, in package
// tokenendpoint, or is a vector in tokenendpoint/testdata.
//
// # Clients
//
// Every rule registers the clients of the specification anew, under these names
// with a random end:
//
//	c1, c2  confidential; every grant; the scopes read, write and admin:x
//	cc      confidential; client_credentials only; the scope read
//	pub     public; authorization_code and refresh_token; read and write
//	off     disabled, with the right secret
//	sp      an identifier and a secret that Basic must encode
//
// A code or a refresh token, if a rule does not say otherwise, is of the user u1
// for read and write, with the challenge of the one code_verifier; an API key is
// of the owner "owner" for read and write.
package endpointtest

import (
	"testing"
	"testing/synctest"

	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// A rule is one row of the specification, or a part of it.
type rule struct {
	name string
	test func(t *testing.T, open testbed.Opener)
}

// Run tests the endpoint over the stores that open gives, one for each rule,
// with the clock as it runs. They need not be empty: clients and credentials
// have random identifiers.
func Run(t *testing.T, open func(t testing.TB) storagetest.Store) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { r.test(t, open) })
	}
}

// RunTimed tests the rules that take minutes or months, in the bubble of
// testing/synctest, where time passes at once. The stores must not do any I/O
// and not wait for anything outside of the test.
func RunTimed(t *testing.T, open func(t testing.TB) storagetest.Store) {
	for _, r := range timedRules {
		t.Run(r.name, func(t *testing.T) { timed(t, r, open) })
	}
}

// timed runs a rule in a bubble.
func timed(t *testing.T, r rule, open testbed.Opener) {
	synctest.Test(t, func(t *testing.T) { r.test(t, open) })
}
