package endpointtest

import "slices"

// rules are the rows of the specification, sorted by subject.
var rules = slices.Concat(
	wireRules,
	codeRules,
	pkceRules,
	refreshRules,
	futureRules,
	graceRules,
	assertionRules,
	apiKeyRules,
	issuerRules,
	outageRules,
	revocationRules,
)

// timedRules are the rows that are about time.
var timedRules = slices.Concat(
	timedCodeRules,
	timedRefreshRules,
	timedSwitchedRules,
	timedFutureRules,
	timedGraceRules,
	timedAPIKeyRules,
	timedOutageRules,
	timedRevocationRules,
)
