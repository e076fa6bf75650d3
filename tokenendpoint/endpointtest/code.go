package endpointtest

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

var codeRules = []rule{
	{"G01_a_confidential_client_redeems_a_code", g01},
	{"G02_a_public_client_redeems_a_code", g02},
	{"G03_missing_code", g03},
	{"G04_unknown_garbage_cut_or_flipped_code", g04},
	{"G05_code_of_another_confidential_client", g05},
	{"G06_another_clients_attempt_burns_nothing", g06},
	{"G07_code_of_another_client_from_a_public_one", g07},
	{"G08_each_comparison_is_fatal_by_itself", g08},
	{"G09_expired_code_that_no_cleanup_deleted", g09},
	{"G10_redirect_uri_is_compared_as_a_string", g10},
	{"G11_redirect_uri_missing", g11},
	{"G12_redirect_uri_that_the_request_had_not", g12},
	{"G13_loopback_port_is_that_of_the_code", g13},
	{"G14_replay_at_once", g14},
	{"G15_replay_revokes_everything_from_the_code", g15},
	{"G16_replay_that_is_otherwise_wrong_revokes_nothing", g16},
	{"G17_replay_is_known_long_after_the_code_expired", g17},
	{"G18_fifty_concurrent_redemptions", g18},
	{"G19_losers_of_a_race_do_not_revoke", g19},
	{"G19_losers_of_a_race_revoke_without_a_window", g19WithoutWindow},
	{"G20_each_step_of_the_store_fails_in_turn", g20},
	{"G20_the_second_look_of_a_loser_fails", g20SecondLook},
	{"G20_the_revocation_after_a_replay_fails", g20Revoke},
	{"G21_user_or_consent_ended_before_the_exchange", g21},
	{"G22_client_disabled_or_without_the_grant_since", g22},
	{"G23_each_kind_of_secret_in_the_place_of_another", g23},
	{"G23_store_that_answers_with_another_record", g23FlatStore},
	{"G24_what_the_store_holds_cannot_be_presented", g24},
	{"G25_no_oracle_for_guesses", g25},
	{"R7_placeholders_beside_a_code", g07Placeholders},
}

var timedCodeRules = []rule{
	{"G09_a_code_that_expires_while_the_body_arrives", g09SlowBody},
	{"G19_the_window_begins_with_the_write", g19SlowWinner},
	{"G09_a_code_lives_for_a_minute", g09Timed},
	{"G15_replay_after_the_window", g15Timed},
	{"G17_replay_while_the_grant_lives", g17Timed},
	{"G17_replay_while_the_access_token_lives", g17AccessToken},
	{"G19_the_window_is_two_seconds_unless_configured", g19Timed},
}

func g01(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		var r *reply
		f.wantCalls(map[string]int{mClient: 1, mCredential: 1, mSpend: 1}, func() {
			r = f.send(as(f.redeem(f.c1, code)))
		})
		got := r.tokens()
		if !refreshTokenSyntax.MatchString(got.refreshToken) {
			f.Errorf("refresh_token is %q, want it to match %s", got.refreshToken, refreshTokenSyntax)
		}
		if bits := shannon(strings.TrimPrefix(got.refreshToken, "rt_")); bits < 96 {
			f.Errorf("the refresh_token has %.0f bits by its letters, want at least 96", bits)
		}
		names := slices.Sorted(maps.Keys(r.envelope()))
		if want := []string{"access_token", "expires_in", "refresh_token", "scope", "token_type"}; !slices.Equal(names, want) {
			f.Errorf("the response has %q, want %q", names, want)
		}
		f.wantIdentity(got, f.c1, "u1")
		if got.scope != "read write" || got.claims["scope"] != "read write" {
			f.Errorf("scope is %q and in the token %v, want read write", got.scope, got.claims["scope"])
		}
		f.outcome(tokenendpoint.Issued)
		if e := f.lastEvent(); e.Family == "" || e.Subject != "u1" {
			f.Errorf("the event names family %q and subject %q, want some and u1", e.Family, e.Subject)
		}
		f.send(refresh(f.c1, got.refreshToken)).tokens()
	})
}

// shannon is the measure of OpenID's conformance suite.
func shannon(s string) float64 {
	bits := 0.0
	for _, c := range s {
		bits -= math.Log2(float64(strings.Count(s, string(c))) / float64(len(s)))
	}
	return bits
}

func g02(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		got := f.send(as(f.redeem(f.pub, f.code(f.pub)))).tokens()
		f.wantIdentity(got, f.pub, "u1")
		f.send(refresh(f.pub, got.refreshToken)).tokens()
	})
}

func g03(t *testing.T, open opener) {
	f := newFixture(t, open)
	whole := f.redeem(f.c1, "")
	for name, r := range map[string]*request{
		"absent":       whole.without("code"),
		"empty":        whole,
		"empty, JSON":  whole.json(),
		"absent, JSON": whole.without("code").json(),
		"null":         rawJSON(`{"grant_type":"authorization_code","code":null}`).by(f.c1),
		"public":       f.redeem(f.pub, "").without("code"),
	} {
		f.sub(name, func() {
			f.asksNothing(func() {
				reply := f.send(r)
				reply.refused("invalid_request")
				reply.names("code")
			})
		})
	}
}

func g04(t *testing.T, open opener) {
	f := newFixture(t, open)
	code := f.code(f.c1)
	unknown := storage.NewSecret(grants.CodePrefix).Reveal()
	replies := map[string]*reply{}
	refuse := func(name string, calls map[string]int, codes ...string) {
		f.sub(name, func() {
			for _, c := range codes {
				for _, r := range both(f.redeem(f.c1, c)) {
					f.wantCalls(calls, func() { replies[name] = f.send(r) })
					replies[name].refused("invalid_grant")
				}
			}
		})
	}
	// What cannot be a code is not looked for.
	garbage := map[string]int{mClient: 1}
	refuse("garbage", garbage, "x", "ac_", "ac", strings.Repeat("a", 52), strings.Repeat("-", 4096), "null", "0", "ac_'; DROP TABLE", "AC_"+code[3:], "rt_"+code[3:])
	refuse("cut", garbage, code[:len(code)-1], code[:26], code[1:], code[3:], code[:len(code)-checksumLength])
	refuse("longer", garbage, code+"A", code+"=", code+" ", " "+code, code+code, code+".")
	refuse("each byte flipped", garbage, flipped(code)...)
	// What could be one is looked for once.
	lookedFor := map[string]int{mClient: 1, mCredential: 1}
	refuse("unknown", lookedFor, unknown)
	refuse("each byte flipped, with the checksum that goes with it", lookedFor, rechecked(code)...)
	f.wantAlike(replies)
	f.send(f.redeem(f.c1, code)).tokens()
}

func g05(t *testing.T, open opener) {
	f := newFixture(t, open)
	code := f.code(f.c1)
	for name, r := range map[string]*request{
		"with c1's redirect_uri":  f.redeem(f.c1, code).by(f.c2),
		"with c2's redirect_uri":  f.redeem(f.c2, code),
		"with c2's secret posted": f.redeem(f.c1, code).unsigned().post(f.c2),
	} {
		f.sub(name, func() {
			for _, r := range both(r) {
				f.changesNothing(func() { f.send(r).refused("invalid_grant") })
				f.outcome(tokenendpoint.Refused)
			}
		})
	}
}

func g06(t *testing.T, open opener) {
	f := newFixture(t, open, codeReuseWindow(-1))
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		f.send(as(f.redeem(f.c1, code).by(f.c2))).refused("invalid_grant")
		got := f.send(as(f.redeem(f.c1, code))).tokens()
		f.send(as(f.redeem(f.c1, code).by(f.c2))).refused("invalid_grant")
		f.send(refresh(f.c1, got.refreshToken)).tokens()
	})
}

func g07(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		code := f.code(f.c1)
		f.changesNothing(func() {
			f.send(as(f.redeem(f.c1, code).unsigned().by(f.pub))).refused("invalid_grant")
			f.send(as(f.redeem(f.pub, code))).refused("invalid_grant")
		})
		f.send(as(f.redeem(f.c1, code))).tokens()
	})
}

// g07Placeholders is ruling R7 for this grant: the samples of the published
// page send all parameters at once.
func g07Placeholders(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		for _, v := range []string{"", "refresh_token_value"} {
			r := f.redeem(f.c1, f.code(f.c1)).with("refresh_token", v, "api_key", v, "scope", "scope_value").set("X-Api-Key", "YOUR_API_KEY")
			got := f.send(as(r)).tokens()
			f.wantIdentity(got, f.c1, "u1")
		}
		// A real key beside a code changes nothing either.
		r := f.redeem(f.c1, f.code(f.c1)).with("api_key", f.apiKey(f.c2)).set("X-Api-Key", f.apiKey(f.c2))
		f.wantIdentity(f.send(as(r)).tokens(), f.c1, "u1")
	})
	nulls := `{"grant_type":"authorization_code","code":"` + f.code(f.c1) + `","redirect_uri":"` + f.c1.redirectURI +
		`","code_verifier":"` + verifier + `","refresh_token":null,"api_key":null,"scope":null,"client_secret":null}`
	f.wantIdentity(f.send(rawJSON(nulls).by(f.c1)).tokens(), f.c1, "u1")
}
