package tokenendpoint_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var accessTokenRules = slices.Concat([]rule{
	{"K02_required_claims", k02},
	{"K03_the_subject_is_the_user_or_the_client", k03},
	{"K04_the_scope_claim_is_that_of_the_response", k04},
	{"K05_the_lifetime_is_that_of_the_response", k05},
	{"K11_an_access_token_is_nothing_else", k11},
	{"K12_the_audience_is_what_was_granted", k12},
	{"K14_a_token_that_is_too_long_is_not_cut", k14},
}, keyRules, claimRules, uniqueRules)

var timedAccessTokenRules = []rule{
	{"K05_both_times_come_from_one_instant", timedK05},
	{"K10_a_slow_signer_consumes_nothing", timedK10},
}

// k02: the issuer is configured with a slash at its end, and keeps it.
func k02(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Issuer = testbed.Issuer + "/" })
	for grant, r := range f.Requests(f.C1) {
		before := time.Now().Truncate(time.Second).Unix()
		claims := f.Send(r).Tokens().Claims
		for name, want := range map[string]any{"iss": testbed.Issuer + "/", "aud": testbed.Audience, "client_id": f.C1.ID} {
			if claims[name] != want {
				t.Errorf("%s: %s is %v, want %v", grant, name, claims[name], want)
			}
		}
		for _, name := range []string{"sub", "jti"} {
			if s, _ := claims[name].(string); s == "" {
				t.Errorf("%s: %s is %v, want a string that is not empty", grant, name, claims[name])
			}
		}
		iat, ok1 := claims["iat"].(float64)
		exp, ok2 := claims["exp"].(float64)
		if now := float64(time.Now().Unix()); !ok1 || !ok2 || iat < float64(before) || iat > now || exp != iat+3600 {
			t.Errorf("%s: iat is %v and exp %v, want the time of the request and an hour later", grant, claims["iat"], claims["exp"])
		}
	}
	// A token without an audience would be accepted by every API.
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{} })
	f.Send(testbed.ClientCredentials(f.C1)).Refused("invalid_target")
}

func k03(t *testing.T) {
	f := testbed.New(t, openMemory)
	want := map[string]string{"client_credentials": f.C1.ID, "authorization_code": "u1", "refresh_token": "u1", "api_key": "owner"}
	for grant, r := range f.Requests(f.C1) {
		if got := f.Send(r).Tokens().Claims["sub"]; got != want[grant] {
			t.Errorf("%s: sub is %v, want %s", grant, got, want[grant])
		}
	}
	key := f.APIKey(f.C1, func(k *storage.APIKey) { k.Subject = "" })
	claims := f.Send(testbed.PresentKey(f.C1, key)).Tokens().Claims
	sub, _ := claims["sub"].(string)
	if id, _ := claims["api_key_id"].(string); id == "" || sub != "api_key:"+id {
		t.Errorf("sub is %q and api_key_id %v, want a key without an owner to be its own subject", sub, claims["api_key_id"])
	}
}

func k04(t *testing.T) {
	f := testbed.New(t, openMemory)
	want := map[string]string{"client_credentials": "read write admin:x", "authorization_code": "read write", "refresh_token": "read write", "api_key": "read write"}
	for grant, r := range f.Requests(f.C1) {
		f.Send(r).Scoped(want[grant])
		if grant != "authorization_code" { // there the scope parameter has no meaning
			f.Send(f.Requests(f.C1)[grant].With("scope", "write")).Scoped("write")
		}
	}
	f.Send(f.Redeem(f.C1, f.Code(f.C1)).With("scope", "write")).Scoped("read write")
	f.Send(testbed.ClientCredentials(f.C1).With("scope", "write read write")).Scoped("read write")
	none := f.NewClient(&storage.Client{ID: "none", GrantTypes: f.CC.Record.GrantTypes})
	if got := f.Send(testbed.ClientCredentials(none)).Scoped(""); got.Claims["scope"] != nil {
		t.Errorf("the claim scope is %v, want none", got.Claims["scope"])
	}
}

func k05(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.AccessTokenLifetime = 90 * time.Second })
	for _, r := range f.Requests(f.C1) {
		f.Send(r).Lifetime(90)
	}
	f.Edit(f.C1, func(c *storage.Client) { c.AccessTokenLifetime = 45*time.Second + 900*time.Millisecond })
	for _, r := range f.Requests(f.C1) {
		f.Send(r).Lifetime(45)
	}
	own := testbed.New(t, openMemory, testbed.WithGrant("own", grants.Func(func(_ context.Context, _ *grants.Request) (*grants.Authorization, error) {
		return &grants.Authorization{Subject: "u1", Lifetime: 10 * 365 * testbed.Day}, nil
	})))
	p := own.NewClient(&storage.Client{ID: "own", GrantTypes: []string{"own"}, AccessTokenLifetime: time.Second})
	own.Send(testbed.Form("grant_type", "own").By(p)).Lifetime(365 * 24 * 60 * 60) // the grant's, and at most a year
}

// timedK05 lets the hook and the signature take three seconds each, beginning
// just before a second is full.
func timedK05(t *testing.T) {
	var h testbed.Hook
	s := &signer{PrivateKey: testbed.SigningKey()}
	f := testbed.NewTimed(t, openMemory, h.Everywhere, signedBy(t, s), func(c *tokenendpoint.Config) { c.Timeout = 10 * time.Second })
	for grant, r := range f.Requests(f.C1) {
		s.delay(3 * time.Second)
		h.Do(func(*grants.Authorization) error { time.Sleep(3 * time.Second); return nil })
		time.Sleep(time.Second - time.Duration(time.Now().Nanosecond()) + 900*time.Millisecond)
		judged := time.Now().Unix()
		if got := f.Send(r).Lifetime(3600); got.Claims["iat"] != float64(judged) {
			t.Errorf("%s: iat is %v, want %d, when the request was judged", grant, got.Claims["iat"], judged)
		}
	}
}

// k11: this server issues no other tokens, but another server may. So that it
// can tell them apart, the token has the type of an access token, and its
// audience is never the client, as an ID token's is.
func k11(t *testing.T) {
	f := testbed.New(t, openMemory)
	for grant, r := range f.Requests(f.C1) {
		got := f.Send(r).Audience(testbed.Audience)
		if got.Header["typ"] != "at+jwt" {
			t.Errorf("%s: typ is %v, want at+jwt", grant, got.Header["typ"])
		}
		for _, name := range []string{"nonce", "at_hash", "c_hash", "auth_time"} {
			if got.Claims[name] != nil {
				t.Errorf("%s: the access token has %s, which is an ID token's", grant, name)
			}
		}
		token := got.AccessToken
		f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")
		f.Send(f.Redeem(f.C1, token)).Refused("invalid_grant")
		f.Send(testbed.PresentKey(f.C1, token)).Refused("invalid_grant")
		f.Send(testbed.Form("grant_type", "client_credentials").Set("Authorization", "Bearer "+token)).Challenged("Bearer")
	}
}

// k12 has the rows Q01, Q02 and Q12 for each grant: the scopes that a client
// asks for stand in the order in which they were granted.
func k12(t *testing.T) {
	const a, b = "https://a.test", "https://b.test/x?y=z"
	f := testbed.New(t, openMemory)
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{a, b} })
	for grant := range f.Requests(f.C1) {
		ask := func() *testbed.Request { return f.Requests(f.C1)[grant] }
		f.Send(ask()).Audience(a, b)
		f.Send(ask().And("resource", b)).Audience(b)
		f.Send(ask().And("resource", "HTTPS://B.test:443/x?y=z", "resource", a+"/")).Audience(a, b)
		f.Send(ask().And("resource", b, "resource", a, "resource", b)).Audience(a, b)
		for _, wrong := range []string{"/x", "a.test", b + "#f", "https://c.test", a + "//", "http://a.test", "https://b.test/x", testbed.Audience} {
			r := ask()
			f.Store.Counted()
			f.Send(r.And("resource", wrong)).Refused("invalid_target")
			f.Send(r.And("resource", a, "resource", wrong)).Refused("invalid_target")
			f.WroteNothing()
		}
		r := ask()
		f.Send(r.And("resource", "https://c.test")).Refused("invalid_target")
		f.Send(r.And("resource", a)).Audience(a) // nothing was consumed
	}
	f.Send(testbed.RawJSON(`{"grant_type":"client_credentials","resource":["`+b+`","`+a+`"]}`).By(f.C1)).Audience(a, b)
	f.Send(testbed.ClientCredentials(f.C1).And("resource", b).JSON()).Audience(b)
}

// k14: 4096 bytes by default, of the token as it is sent.
func k14(t *testing.T) {
	f := testbed.New(t, openMemory)
	scope := make([]string, 500)
	for i := range scope {
		scope[i] = "scope:" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	p := f.NewClient(&storage.Client{ID: "wide", GrantTypes: f.C1.Record.GrantTypes, Scope: scope, RedirectURIs: f.C1.Record.RedirectURIs})
	code := f.Code(p, func(a *grants.AuthorizationRequest) { a.Scope = scope })
	f.Store.Counted()
	f.Send(f.Redeem(p, code)).RefusedWith(500, "server_error")
	f.Send(testbed.ClientCredentials(p)).RefusedWith(500, "server_error")
	f.WroteNothing()
	f.Edit(p, func(c *storage.Client) { c.Scope = scope[:2] })
	f.Send(f.Redeem(p, code)).Scoped(scope[0] + " " + scope[1])

	size := len(f.Send(testbed.ClientCredentials(f.CC)).Tokens().AccessToken)
	for limit, status := range map[int]int{size: 200, size - 1: 500, size / 2: 500} {
		f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.MaxTokenSize = limit })
		if got := f.Send(testbed.ClientCredentials(f.CC)).Status; got != status {
			t.Errorf("a token of %d bytes where %d may be: got %d, want %d", size, limit, got, status)
		}
	}
}
