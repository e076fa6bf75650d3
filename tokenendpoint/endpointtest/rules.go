package endpointtest

import "slices"

// rules are the rows of the specification, by what they are about.
var rules = slices.Concat(
	transportRules,
	formRules,
	jsonRules,
	clientAuthRules,
	authorisationRules,
	scopeRules,
	codeRules,
	pkceRules,
	refreshRules,
	apiKeyRules,
	accessTokenRules,
	resourceRules,
	errorRules,
	tokenClientRules,
	revocationRules,
	introspectionRules,
	metadataRules,
	routeRules,
	protectedRules,
)

// timedRules are the rows that are about time.
var timedRules = slices.Concat(
	timedTransportRules,
	timedClientAuthRules,
	timedLimitRules,
	timedCodeRules,
	timedRefreshRules,
	timedAPIKeyRules,
	timedAccessTokenRules,
	timedErrorRules,
	timedTokenClientRules,
	timedRevocationRules,
	timedIntrospectionRules,
	timedKeyOutageRules,
	timedProtectedRules,
)
