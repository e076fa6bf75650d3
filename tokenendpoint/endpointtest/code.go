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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var codeRules = []rule{
	{"G01_a_confidential_client_redeems_a_code", g01},
	{"G02_a_public_client_redeems_a_code", g02},
	{"G03_missing_code", g03},
	{"G04_unknown_garbage_cut_or_flipped_code", g04},
	{"G05_code_of_another_confidential_client", g05},
	{"G06_another_clients_attempt_burns_nothing", g06},
	{"G07_code_of_another_client_from_a_public_one", g07},
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
	{"G19_the_window_begins_with_the_write", g19SlowWinner},
	{"G15_replay_after_the_window", g15Timed},
	{"G17_replay_while_the_grant_lives", g17Timed},
	{"G17_replay_while_the_access_token_lives", g17AccessToken},
	{"G19_the_window_is_two_seconds_unless_configured", g19Timed},
}

func g01(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		var r *testbed.Reply
		f.WantCalls(map[string]int{testbed.CallClient: 1, testbed.CallCredential: 1, testbed.CallSpend: 1}, func() {
			r = f.Send(as(f.Redeem(f.C1, code)))
		})
		got := r.Tokens()
		if !testbed.RefreshTokenSyntax.MatchString(got.RefreshToken) {
			f.Errorf("refresh_token is %q, want it to match %s", got.RefreshToken, testbed.RefreshTokenSyntax)
		}
		if bits := shannon(strings.TrimPrefix(got.RefreshToken, "rt_")); bits < 96 {
			f.Errorf("the refresh_token has %.0f bits by its letters, want at least 96", bits)
		}
		names := slices.Sorted(maps.Keys(r.Envelope()))
		if want := []string{"access_token", "expires_in", "refresh_token", "scope", "token_type"}; !slices.Equal(names, want) {
			f.Errorf("the response has %q, want %q", names, want)
		}
		f.WantIdentity(got, f.C1, "u1")
		if got.Scope != "read write" || got.Claims["scope"] != "read write" {
			f.Errorf("scope is %q and in the token %v, want read write", got.Scope, got.Claims["scope"])
		}
		f.Outcome(tokenendpoint.Issued)
		if e := f.LastEvent(); e.Family == "" || e.Subject != "u1" {
			f.Errorf("the event names family %q and subject %q, want some and u1", e.Family, e.Subject)
		}
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
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

func g02(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		got := f.Send(as(f.Redeem(f.Pub, f.Code(f.Pub)))).Tokens()
		f.WantIdentity(got, f.Pub, "u1")
		f.Send(testbed.Refresh(f.Pub, got.RefreshToken)).Tokens()
	})
}

func g03(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	whole := f.Redeem(f.C1, "")
	for name, r := range map[string]*testbed.Request{
		"absent":       whole.Without("code"),
		"empty":        whole,
		"empty, JSON":  whole.JSON(),
		"absent, JSON": whole.Without("code").JSON(),
		"null":         testbed.RawJSON(`{"grant_type":"authorization_code","code":null}`).By(f.C1),
		"public":       f.Redeem(f.Pub, "").Without("code"),
	} {
		f.Sub(name, func() {
			f.AsksNothing(func() {
				reply := f.Send(r)
				reply.Refused("invalid_request")
				reply.Names("code")
			})
		})
	}
}

func g04(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	code := f.Code(f.C1)
	unknown := storage.NewSecret(grants.CodePrefix).Reveal()
	replies := map[string]*testbed.Reply{}
	refuse := func(name string, calls map[string]int, codes ...string) {
		f.Sub(name, func() {
			for _, c := range codes {
				for _, r := range testbed.Both(f.Redeem(f.C1, c)) {
					f.WantCalls(calls, func() { replies[name] = f.Send(r) })
					replies[name].Refused("invalid_grant")
				}
			}
		})
	}
	// The endpoint does not look for a text that cannot be a code.
	garbage := map[string]int{testbed.CallClient: 1}
	refuse("garbage", garbage, "x", "ac_", "ac", strings.Repeat("a", 52), strings.Repeat("-", 4096), "null", "0", "ac_'; DROP TABLE", "AC_"+code[3:], "rt_"+code[3:])
	refuse("cut", garbage, code[:len(code)-1], code[:26], code[1:], code[3:], code[:len(code)-testbed.ChecksumLength])
	refuse("longer", garbage, code+"A", code+"=", code+" ", " "+code, code+code, code+".")
	refuse("each byte flipped", garbage, testbed.Flipped(code)...)
	// It looks once for a text that could be one.
	lookedFor := map[string]int{testbed.CallClient: 1, testbed.CallCredential: 1}
	refuse("unknown", lookedFor, unknown)
	refuse("each byte flipped, with the checksum that goes with it", lookedFor, testbed.Rechecked(code)...)
	f.WantAlike(replies)
	f.Send(f.Redeem(f.C1, code)).Tokens()
}

func g05(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	code := f.Code(f.C1)
	for name, r := range map[string]*testbed.Request{
		"with c1's redirect_uri":  f.Redeem(f.C1, code).By(f.C2),
		"with c2's redirect_uri":  f.Redeem(f.C2, code),
		"with c2's secret posted": f.Redeem(f.C1, code).Unsigned().Post(f.C2),
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(r) {
				f.ChangesNothing(func() { f.Send(r).Refused("invalid_grant") })
				f.Outcome(tokenendpoint.Refused)
			}
		})
	}
}

func g06(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.CodeReuseWindow(-1))
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		f.Send(as(f.Redeem(f.C1, code).By(f.C2))).Refused("invalid_grant")
		got := f.Send(as(f.Redeem(f.C1, code))).Tokens()
		f.Send(as(f.Redeem(f.C1, code).By(f.C2))).Refused("invalid_grant")
		f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Tokens()
	})
}

func g07(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		code := f.Code(f.C1)
		f.ChangesNothing(func() {
			f.Send(as(f.Redeem(f.C1, code).Unsigned().By(f.Pub))).Refused("invalid_grant")
			f.Send(as(f.Redeem(f.Pub, code))).Refused("invalid_grant")
		})
		f.Send(as(f.Redeem(f.C1, code))).Tokens()
	})
}

// g07Placeholders is ruling R7 for this grant: the samples of the published
// page send all parameters at once.
func g07Placeholders(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		for _, v := range []string{"", "refresh_token_value"} {
			r := f.Redeem(f.C1, f.Code(f.C1)).With("refresh_token", v, "api_key", v, "scope", "scope_value").Set("X-Api-Key", "YOUR_API_KEY")
			got := f.Send(as(r)).Tokens()
			f.WantIdentity(got, f.C1, "u1")
		}
		// A real key beside a code changes nothing either.
		r := f.Redeem(f.C1, f.Code(f.C1)).With("api_key", f.APIKey(f.C2)).Set("X-Api-Key", f.APIKey(f.C2))
		f.WantIdentity(f.Send(as(r)).Tokens(), f.C1, "u1")
	})
	nulls := `{"grant_type":"authorization_code","code":"` + f.Code(f.C1) + `","redirect_uri":"` + f.C1.RedirectURI +
		`","code_verifier":"` + testbed.Verifier + `","refresh_token":null,"api_key":null,"scope":null,"client_secret":null}`
	f.WantIdentity(f.Send(testbed.RawJSON(nulls).By(f.C1)).Tokens(), f.C1, "u1")
}
