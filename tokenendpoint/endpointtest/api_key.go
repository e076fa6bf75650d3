package endpointtest

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

var apiKeyRules = []rule{
	{"J01_an_api_key_gives_an_access_token", j01},
	{"J02_the_grant_has_a_urn_too", j02},
	{"J03_missing_key", j03},
	{"J04_unknown_garbage_cut_or_flipped_key", j04},
	{"J05_revoked_or_expired_key", j05},
	{"J06_owner_disabled", j06},
	{"J07_scope_within_that_of_the_key", j07},
	{"J08_what_the_key_stands_for_is_checked_each_time", j08},
	{"J09_key_in_the_query_is_refused", j09Query},
	{"J09_key_in_the_header", j09Header},
	{"J10_key_of_another_client", j10},
	{"J11_client_id_is_required", j11},
	{"J11_client_id_may_be_left_out_if_the_host_says_so", j11Optional},
	{"J12_a_claim_tells_keys_from_users", j12},
	{"J13_one_look_whatever_the_key", j13},
	{"J14_guesses_that_cannot_be_keys_cost_no_look", j14},
	{"J14_guesses_that_could_be_keys_are_limited", j14WellFormed},
	{"J15_two_keys_at_once", j15},
	{"J15_key_beside_another_credential", j15Beside},
	{"J16_keys_overlap_and_their_use_is_in_the_event", j16},
	{"R7_placeholders_beside_a_key", jPlaceholders},
	{"R8_the_key_stands_for_the_clients_secret", jStandsForSecret},
	{"R8_the_host_may_ask_for_the_secret_too", jSecretToo},
	{"R9_refresh_tokens_of_a_key_if_the_host_says_so", jRefresh},
	{"R9_refresh_tokens_die_with_their_key", jRefreshDies},
	{"R9_a_refresh_token_of_a_key_needs_the_client", jRefreshClient},
	{"R9_the_store_fails_before_or_after_adding_the_refresh_token", jRefreshFaults},
}

var timedAPIKeyRules = []rule{
	{"J01_an_access_token_ends_with_its_key", j01Timed},
	{"J05_a_key_expires", j05Timed},
	{"J14_guesses_are_forgiven_in_time", j14Timed},
	{"R9_refresh_tokens_expire_with_their_key", jRefreshTimed},
}

// oneLook are the calls of the store for a key that could be one.
var oneLook = map[string]int{mClient: 1, mAPIKey: 1}

func j01(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		key := f.apiKey(f.c1)
		var r *reply
		f.wantCalls(oneLook, func() { r = f.send(as(presentKey(f.c1, key))) })
		got := r.tokens()
		f.wantIdentity(got, f.c1, "owner")
		if got.refreshToken != "" || got.scope != "read write" || got.expiresIn != 3600 {
			f.Errorf("got %s, want no refresh token, the scope read write, an hour", r.body)
		}
	})
	f.sub("a key that ends sooner than the token would", func() {
		key := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(10 * time.Minute) })
		got := f.send(presentKey(f.c1, key)).tokens()
		if got.expiresIn > 600 || got.expiresIn < 300 {
			f.Errorf("expires_in is %d, want at most 600", got.expiresIn)
		}
	})
}

func j01Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	end := time.Now().Add(time.Hour)
	key := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = end })
	for _, left := range []time.Duration{30 * time.Minute, time.Minute, time.Second} {
		time.Sleep(time.Until(end) - left)
		got := f.send(presentKey(f.c1, key)).tokens()
		if got.expiresIn != int64(left/time.Second) || got.claims["exp"] != float64(end.Unix()) {
			t.Errorf("%s before the end of the key: expires_in %d and exp %v, want %d and %d",
				left, got.expiresIn, got.claims["exp"], left/time.Second, end.Unix())
		}
	}
	// Times in a token are whole seconds: it never outlives the key by a part
	// of one, and what is left of a second is too short for a token.
	time.Sleep(time.Until(end))
	half := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = end.Add(1500 * time.Millisecond) })
	if got := f.send(presentKey(f.c1, half)).tokens(); got.claims["exp"] != float64(end.Unix()+1) {
		t.Errorf("exp is %v, want the last whole second of the key, %d", got.claims["exp"], end.Unix()+1)
	}
	time.Sleep(time.Second)
	f.send(presentKey(f.c1, half)).refused("invalid_grant")
}

func j02(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.spellings(func(as spelling) {
		key := f.apiKey(f.c1)
		for _, grantType := range []string{"urn:contit:params:oauth:grant-type:api-key", "api_key"} {
			got := f.send(as(presentKey(f.c1, key).with("grant_type", grantType))).tokens()
			f.wantIdentity(got, f.c1, "owner")
			f.outcome(tokenendpoint.Issued)
			if e := f.lastEvent(); e.GrantType != grants.TypeAPIKey {
				f.Errorf("the event names the grant %q, want one name for both", e.GrantType)
			}
		}
		for _, grantType := range []string{"URN:contit:params:oauth:grant-type:api-key", "urn:contit:params:oauth:grant-type:api_key", "API_KEY"} {
			f.send(as(presentKey(f.c1, f.apiKey(f.c1)).with("grant_type", grantType))).refused("unsupported_grant_type")
		}
	})
	f.sub("a client that may not", func() {
		key := f.apiKey(f.cc)
		for _, grantType := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
			f.send(presentKey(f.cc, key).with("grant_type", grantType)).refused("unauthorized_client")
		}
	})
}

func j03(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, r := range map[string]*request{
		"nothing but the grant_type": form("grant_type", "api_key"),
		"absent":                     presentKey(f.c1, "").without("api_key"),
		"empty":                      presentKey(f.c1, ""),
		"empty header":               presentKey(f.c1, "").set("X-Api-Key", ""),
		"the URN":                    presentKey(f.c1, "").with("grant_type", grants.TypeAPIKeyURN),
		"with the client's secret":   presentKey(f.c1, "").by(f.c1),
	} {
		f.sub(name, func() {
			for _, r := range both(r) {
				f.asksNothing(func() {
					reply := f.send(r)
					reply.refused("invalid_request")
					reply.names("api_key")
				})
			}
		})
	}
	f.sub("null", func() {
		reply := f.send(rawJSON(`{"grant_type":"api_key","api_key":null,"client_id":"` + f.c1.id + `"}`))
		reply.refused("invalid_request")
		reply.names("api_key")
	})
}

// j04 shows each in the body and in the header. All get one and the same
// answer.
func j04(t *testing.T, open opener) {
	f := newFixture(t, open, unlimited)
	key := f.apiKey(f.c1)
	replies := map[string]*reply{}
	refuse := func(name string, calls map[string]int, keys ...string) {
		f.sub(name, func() {
			for _, k := range keys {
				inHeader := presentKey(f.c1, "").set("X-Api-Key", k)
				for _, r := range append(both(presentKey(f.c1, k)), inHeader) {
					f.wantCalls(calls, func() { replies[name] = f.send(r) })
					replies[name].refused("invalid_grant")
				}
			}
		})
	}
	garbage := map[string]int{mClient: 1}
	refuse("garbage", garbage, "x", "ck_test_", "YOUR_API_KEY", "api_key_value", strings.Repeat("a", 49), strings.Repeat("-", 4096), "' OR 1=1 --")
	refuse("cut", garbage, key[:len(key)-1], key[:30], key[1:], key[8:], key[:len(key)-checksumLength])
	refuse("longer", garbage, key+"A", key+"=", key+" x", key+key)
	refuse("each byte flipped", garbage, flipped(key)...)
	tooLong := withChecksum(strings.Repeat("k", 300) + "AAAAAA")
	refuse("too long, with the checksum that goes with it", garbage, tooLong)
	refuse("unknown", oneLook, storage.NewSecret("ck_test_").Reveal(), storage.NewSecret("").Reveal())
	refuse("cut, with the checksum that goes with it", oneLook, withChecksum(key[:len(key)-1]), withChecksum(key[1:]))
	refuse("each byte flipped, with the checksum that goes with it", oneLook, rechecked(key)...)
	f.wantAlike(replies)
	f.send(presentKey(f.c1, key)).tokens()
}

func j05(t *testing.T, open opener) {
	f := newFixture(t, open)
	replies := map[string]*reply{
		"unknown": f.send(presentKey(f.c1, storage.NewSecret("ck_test_").Reveal())),
	}
	for name, edit := range map[string]func(*storage.APIKey){
		"revoked":                    func(k *storage.APIKey) { k.RevokedAt = time.Now().Add(-time.Hour) },
		"revoked now":                func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"revoked as of tomorrow":     func(k *storage.APIKey) { k.RevokedAt = time.Now().Add(24 * time.Hour) },
		"expired":                    func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Hour) },
		"expired just now":           func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Millisecond) },
		"revoked, expiring tomorrow": func(k *storage.APIKey) { k.RevokedAt, k.ExpiresAt = time.Now(), time.Now().Add(24*time.Hour) },
	} {
		f.sub(name, func() {
			for _, r := range both(presentKey(f.c1, f.apiKey(f.c1, edit))) {
				f.wantCalls(oneLook, func() { replies[name] = f.send(r) })
				replies[name].refused("invalid_grant")
			}
		})
	}
	f.wantAlike(replies)
}

func j05Timed(t *testing.T, open opener) {
	f := newTimed(t, open)
	key := f.apiKey(f.c1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(30 * 24 * time.Hour) })
	endless := f.apiKey(f.c1)
	time.Sleep(30*24*time.Hour - time.Minute)
	f.send(presentKey(f.c1, key)).tokens()
	time.Sleep(time.Minute)
	f.send(presentKey(f.c1, key)).refused("invalid_grant")
	time.Sleep(10 * 365 * 24 * time.Hour)
	f.send(presentKey(f.c1, key)).refused("invalid_grant")
	f.send(presentKey(f.c1, endless)).tokens()
}
