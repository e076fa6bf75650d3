package endpointtest

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var apiKeyRules = []rule{
	{"J01_an_api_key_gives_an_access_token", j01},
	{"J02_the_grant_has_a_urn_too", j02},
	{"J03_missing_key", j03},
	{"J04_unknown_garbage_cut_or_flipped_key", j04},
	{"J05_revoked_or_expired_key", j05},
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
	{"R9_refresh_tokens_expire_with_their_key", jRefreshTimed},
}

func j01(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		key := f.APIKey(f.C1)
		var r *testbed.Reply
		f.WantCalls(testbed.OneLook, func() { r = f.Send(as(testbed.PresentKey(f.C1, key))) })
		got := r.Tokens()
		f.WantIdentity(got, f.C1, "owner")
		if got.RefreshToken != "" || got.Scope != "read write" || got.ExpiresIn != 3600 {
			f.Errorf("got %s, want no refresh token, the scope read write, an hour", r.Body)
		}
	})
	f.Sub("a key that ends sooner than the token would", func() {
		key := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(10 * time.Minute) })
		got := f.Send(testbed.PresentKey(f.C1, key)).Tokens()
		if got.ExpiresIn > 600 || got.ExpiresIn < 300 {
			f.Errorf("expires_in is %d, want at most 600", got.ExpiresIn)
		}
	})
}

func j01Timed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	end := time.Now().Add(time.Hour)
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = end })
	for _, left := range []time.Duration{30 * time.Minute, time.Minute, time.Second} {
		time.Sleep(time.Until(end) - left)
		got := f.Send(testbed.PresentKey(f.C1, key)).Tokens()
		if got.ExpiresIn != int64(left/time.Second) || got.Claims["exp"] != float64(end.Unix()) {
			t.Errorf("%s before the end of the key: expires_in %d and exp %v, want %d and %d",
				left, got.ExpiresIn, got.Claims["exp"], left/time.Second, end.Unix())
		}
	}
	// Times in a token are whole seconds: it never outlives the key by a part of
	// one, and the rest of a second is too short for a token.
	time.Sleep(time.Until(end))
	half := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = end.Add(1500 * time.Millisecond) })
	if got := f.Send(testbed.PresentKey(f.C1, half)).Tokens(); got.Claims["exp"] != float64(end.Unix()+1) {
		t.Errorf("exp is %v, want the last whole second of the key, %d", got.Claims["exp"], end.Unix()+1)
	}
	time.Sleep(time.Second)
	f.Send(testbed.PresentKey(f.C1, half)).Refused("invalid_grant")
}

func j02(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	f.Spellings(func(as testbed.Spelling) {
		key := f.APIKey(f.C1)
		for _, grantType := range []string{"urn:contit:params:oauth:grant-type:api-key", "api_key"} {
			got := f.Send(as(testbed.PresentKey(f.C1, key).With("grant_type", grantType))).Tokens()
			f.WantIdentity(got, f.C1, "owner")
			f.Outcome(tokenendpoint.Issued)
			if e := f.LastEvent(); e.GrantType != grants.TypeAPIKey {
				f.Errorf("the event names the grant %q, want one name for both", e.GrantType)
			}
		}
		for _, grantType := range []string{"URN:contit:params:oauth:grant-type:api-key", "urn:contit:params:oauth:grant-type:api_key", "API_KEY"} {
			f.Send(as(testbed.PresentKey(f.C1, f.APIKey(f.C1)).With("grant_type", grantType))).Refused("unsupported_grant_type")
		}
	})
	f.Sub("a client that may not", func() {
		key := f.APIKey(f.CC)
		for _, grantType := range []string{grants.TypeAPIKey, grants.TypeAPIKeyURN} {
			f.Send(testbed.PresentKey(f.CC, key).With("grant_type", grantType)).Refused("unauthorized_client")
		}
	})
}

func j03(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for name, r := range map[string]*testbed.Request{
		"nothing but the grant_type": testbed.Form("grant_type", "api_key"),
		"absent":                     testbed.PresentKey(f.C1, "").Without("api_key"),
		"empty":                      testbed.PresentKey(f.C1, ""),
		"empty header":               testbed.PresentKey(f.C1, "").Set("X-Api-Key", ""),
		"the URN":                    testbed.PresentKey(f.C1, "").With("grant_type", grants.TypeAPIKeyURN),
		"with the client's secret":   testbed.PresentKey(f.C1, "").By(f.C1),
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(r) {
				f.AsksNothing(func() {
					reply := f.Send(r)
					reply.Refused("invalid_request")
					reply.Names("api_key")
				})
			}
		})
	}
	f.Sub("null", func() {
		reply := f.Send(testbed.RawJSON(`{"grant_type":"api_key","api_key":null,"client_id":"` + f.C1.ID + `"}`))
		reply.Refused("invalid_request")
		reply.Names("api_key")
	})
}

// j04 shows each in the body and in the header. All get one and the same
// answer.
func j04(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Unlimited)
	key := f.APIKey(f.C1)
	replies := map[string]*testbed.Reply{}
	refuse := func(name string, calls map[string]int, keys ...string) {
		f.Sub(name, func() {
			for _, k := range keys {
				inHeader := testbed.PresentKey(f.C1, "").Set("X-Api-Key", k)
				for _, r := range append(testbed.Both(testbed.PresentKey(f.C1, k)), inHeader) {
					f.WantCalls(calls, func() { replies[name] = f.Send(r) })
					replies[name].Refused("invalid_grant")
				}
			}
		})
	}
	garbage := map[string]int{testbed.CallClient: 1}
	refuse("garbage", garbage, "x", "ck_test_", "YOUR_API_KEY", "api_key_value", strings.Repeat("a", 49), strings.Repeat("-", 4096), "' OR 1=1 --")
	refuse("cut", garbage, key[:len(key)-1], key[:30], key[1:], key[8:], key[:len(key)-testbed.ChecksumLength])
	refuse("longer", garbage, key+"A", key+"=", key+" x", key+key)
	refuse("each byte flipped", garbage, testbed.Flipped(key)...)
	tooLong := testbed.WithChecksum(strings.Repeat("k", 300) + "AAAAAA")
	refuse("too long, with the checksum that goes with it", garbage, tooLong)
	refuse("unknown", testbed.OneLook, storage.NewSecret("ck_test_").Reveal(), storage.NewSecret("").Reveal())
	refuse("cut, with the checksum that goes with it", testbed.OneLook, testbed.WithChecksum(key[:len(key)-1]), testbed.WithChecksum(key[1:]))
	refuse("each byte flipped, with the checksum that goes with it", testbed.OneLook, testbed.Rechecked(key)...)
	f.WantAlike(replies)
	f.Send(testbed.PresentKey(f.C1, key)).Tokens()
}

func j05(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	replies := map[string]*testbed.Reply{
		"unknown": f.Send(testbed.PresentKey(f.C1, storage.NewSecret("ck_test_").Reveal())),
	}
	for name, edit := range map[string]func(*storage.APIKey){
		"revoked":                    func(k *storage.APIKey) { k.RevokedAt = time.Now().Add(-time.Hour) },
		"revoked now":                func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"revoked as of tomorrow":     func(k *storage.APIKey) { k.RevokedAt = time.Now().Add(24 * time.Hour) },
		"expired":                    func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Hour) },
		"expired just now":           func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Millisecond) },
		"revoked, expiring tomorrow": func(k *storage.APIKey) { k.RevokedAt, k.ExpiresAt = time.Now(), time.Now().Add(24*time.Hour) },
	} {
		f.Sub(name, func() {
			for _, r := range testbed.Both(testbed.PresentKey(f.C1, f.APIKey(f.C1, edit))) {
				f.WantCalls(testbed.OneLook, func() { replies[name] = f.Send(r) })
				replies[name].Refused("invalid_grant")
			}
		})
	}
	f.WantAlike(replies)
}

func j05Timed(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(30 * 24 * time.Hour) })
	endless := f.APIKey(f.C1)
	time.Sleep(30*24*time.Hour - time.Minute)
	f.Send(testbed.PresentKey(f.C1, key)).Tokens()
	time.Sleep(time.Minute)
	f.Send(testbed.PresentKey(f.C1, key)).Refused("invalid_grant")
	time.Sleep(10 * 365 * 24 * time.Hour)
	f.Send(testbed.PresentKey(f.C1, key)).Refused("invalid_grant")
	f.Send(testbed.PresentKey(f.C1, endless)).Tokens()
}
