package tokenendpoint_test

import (
	"testing"
	"testing/synctest"
)

// A rule is a row of SPEC.md, or a part of it, that no store can break. A row
// that a store can break is a rule of package endpointtest.
type rule struct {
	name string
	test func(t *testing.T)
}

// try tests rules with the clock as it runs. They run side by side, and each has an
// endpoint and a store of its own.
func try(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.test(t)
		})
	}
}

// tryAlone is try for rules that measure the memory of the process, or how long a
// request takes.
func tryAlone(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, r.test)
	}
}

// tryTimed tests rules about minutes or months, each in a bubble where time passes
// at once. They run side by side: no load can disturb the clock of a bubble.
func tryTimed(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, r.test)
		})
	}
}

// tryInTurn is tryTimed for rules that count the goroutines of the process.
func tryInTurn(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { synctest.Test(t, r.test) })
	}
}

func TestTransport(t *testing.T)      { try(t, transportRules) }
func TestTransportTimed(t *testing.T) { tryInTurn(t, timedTransportRules) }

func TestClientAuthentication(t *testing.T)      { try(t, clientAuthRules) }
func TestClientAuthenticationAlone(t *testing.T) { tryAlone(t, measuredClientAuthRules) }
func TestClientAuthenticationTimed(t *testing.T) { tryTimed(t, timedClientAuthRules) }
func TestLimitsTimed(t *testing.T)               { tryTimed(t, timedLimitRules) }
func TestOneCountTimed(t *testing.T)             { tryTimed(t, timedTokenClientRules) }

func TestAuthorization(t *testing.T) { try(t, authorisationRules) }

func TestAuthorizationEndpoint(t *testing.T) { try(t, authorizationEndpointRules) }

func TestCodeMatches(t *testing.T)      { try(t, codeMatchRules) }
func TestCodeMatchesTimed(t *testing.T) { tryTimed(t, timedCodeMatchRules) }

func TestCausesTimed(t *testing.T)  { tryTimed(t, timedWhyRules) }
func TestBrokenRecord(t *testing.T) { try(t, brokenRecordRules) }

func TestRefreshScope(t *testing.T) { try(t, refreshScopeRules) }
func TestGrowthTimed(t *testing.T)  { tryTimed(t, timedGrowthRules) }

func TestAPIKeyScope(t *testing.T)        { try(t, apiKeyScopeRules) }
func TestAPIKeyClient(t *testing.T)       { try(t, apiKeyClientRules) }
func TestAPIKeyGuesses(t *testing.T)      { try(t, apiKeyGuessRules) }
func TestHostKeys(t *testing.T)           { try(t, hostKeyRules) }
func TestAPIKeyGuessesTimed(t *testing.T) { tryTimed(t, timedAPIKeyGuessRules) }

func TestAccessToken(t *testing.T)      { try(t, accessTokenRules) }
func TestAccessTokenTimed(t *testing.T) { tryTimed(t, timedAccessTokenRules) }
func TestResource(t *testing.T)         { try(t, resourceRules) }

func TestErrors(t *testing.T)      { try(t, errorRules) }
func TestErrorsTimed(t *testing.T) { tryTimed(t, timedErrorRules) }

func TestIntrospection(t *testing.T)      { try(t, introspectionRules) }
func TestIntrospectionTimed(t *testing.T) { tryTimed(t, timedIntrospectionRules) }

func TestMetadata(t *testing.T)           { try(t, metadataRules) }
func TestMountedRoutes(t *testing.T)      { try(t, routeRules) }
func TestMountedRoutesTimed(t *testing.T) { tryTimed(t, timedKeyOutageRules) }

func TestProtectedRoute(t *testing.T)      { try(t, protectedRules) }
func TestProtectedRouteTimed(t *testing.T) { tryTimed(t, timedProtectedRules) }

func TestChangedRegistration(t *testing.T)      { try(t, changedRules) }
func TestChangedRegistrationTimed(t *testing.T) { tryTimed(t, timedChangedRules) }
