package tokenendpoint_test

import (
	"slices"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// clientAuthRules is how clients authenticate by a secret.
var clientAuthRules = slices.Concat(authHeaderRules, clientSecretRules, guessRules, limitRules)

// measuredClientAuthRules are about the time and the memory that requests take.
var measuredClientAuthRules = []rule{
	{"D06_an_unknown_client_takes_as_long_as_a_wrong_secret", unknownTakesAsLong},
	{"D06_the_same_for_a_secret_that_Basic_encodes", encodedTakesAsLong},
	{"D31_nothing_of_a_refused_request_is_kept", nothingKept},
}

// rawBasic adds an Authorization header that holds id:secret without any
// encoding.
func rawBasic(r *testbed.Request, credentials string) *testbed.Request {
	return r.Set("Authorization", "Basic "+testbed.Basic64(credentials))
}

// accepted asserts tokens, or else the refusal of a wrong secret.
func accepted(r *testbed.Reply, ok bool, refusal *testbed.Reply) {
	r.T.Helper()
	if ok {
		r.Tokens()
		return
	}
	r.SameAs(refusal, "what a wrong secret gets")
}
