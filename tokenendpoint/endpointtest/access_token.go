package endpointtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
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
func k02(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.Issuer = issuer + "/" })
	for grant, r := range f.requests(f.c1) {
		before := time.Now().Truncate(time.Second).Unix()
		claims := f.send(r).tokens().claims
		for name, want := range map[string]any{"iss": issuer + "/", "aud": audience, "client_id": f.c1.id} {
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
	// A token for nobody in particular would be accepted by everybody.
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{} })
	f.send(clientCredentials(f.c1)).refused("invalid_target")
}

func k03(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := map[string]string{"client_credentials": f.c1.id, "authorization_code": "u1", "refresh_token": "u1", "api_key": "owner"}
	for grant, r := range f.requests(f.c1) {
		if got := f.send(r).tokens().claims["sub"]; got != want[grant] {
			t.Errorf("%s: sub is %v, want %s", grant, got, want[grant])
		}
	}
	key := f.apiKey(f.c1, func(k *storage.APIKey) { k.Subject = "" })
	claims := f.send(presentKey(f.c1, key)).tokens().claims
	sub, _ := claims["sub"].(string)
	if id, _ := claims["api_key_id"].(string); id == "" || sub != "api_key:"+id {
		t.Errorf("sub is %q and api_key_id %v, want a key without an owner to be its own subject", sub, claims["api_key_id"])
	}
}

func k04(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := map[string]string{"client_credentials": "read write admin:x", "authorization_code": "read write", "refresh_token": "read write", "api_key": "read write"}
	for grant, r := range f.requests(f.c1) {
		f.send(r).scoped(want[grant])
		if grant != "authorization_code" { // there the scope parameter has no meaning
			f.send(f.requests(f.c1)[grant].with("scope", "write")).scoped("write")
		}
	}
	f.send(f.redeem(f.c1, f.code(f.c1)).with("scope", "write")).scoped("read write")
	f.send(clientCredentials(f.c1).with("scope", "write read write")).scoped("read write")
	none := f.newClient(&storage.Client{ID: "none", GrantTypes: f.cc.record.GrantTypes})
	if got := f.send(clientCredentials(none)).scoped(""); got.claims["scope"] != nil {
		t.Errorf("the claim scope is %v, want none", got.claims["scope"])
	}
}

func k05(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.AccessTokenLifetime = 90 * time.Second })
	for _, r := range f.requests(f.c1) {
		f.send(r).lifetime(90)
	}
	f.edit(f.c1, func(c *storage.Client) { c.AccessTokenLifetime = 45*time.Second + 900*time.Millisecond })
	for _, r := range f.requests(f.c1) {
		f.send(r).lifetime(45)
	}
	own := newFixture(t, open, withGrant("own", grants.Func(func(_ context.Context, _ *grants.Request) (*grants.Authorization, error) {
		return &grants.Authorization{Subject: "u1", Lifetime: 10 * 365 * day}, nil
	})))
	p := own.newClient(&storage.Client{ID: "own", GrantTypes: []string{"own"}, AccessTokenLifetime: time.Second})
	own.send(form("grant_type", "own").by(p)).lifetime(365 * 24 * 60 * 60) // the grant's, and at most a year
}

// timedK05 lets the hook and the signature take three seconds each, beginning
// just before a second is full.
func timedK05(t *testing.T, open opener) {
	var h hook
	s := &signer{PrivateKey: signingKey()}
	f := newTimed(t, open, h.everywhere, signedBy(t, s), func(c *tokenendpoint.Config) { c.Timeout = 10 * time.Second })
	for grant, r := range f.requests(f.c1) {
		s.delay(3 * time.Second)
		h.do(func(*grants.Authorization) error { time.Sleep(3 * time.Second); return nil })
		time.Sleep(time.Second - time.Duration(time.Now().Nanosecond()) + 900*time.Millisecond)
		judged := time.Now().Unix()
		if got := f.send(r).lifetime(3600); got.claims["iat"] != float64(judged) {
			t.Errorf("%s: iat is %v, want %d, when the request was judged", grant, got.claims["iat"], judged)
		}
	}
}

// k11: this server issues no other tokens. So that one that does can tell them
// apart: the type is that of an access token, and the audience is never the
// client, as it is in an ID token.
func k11(t *testing.T, open opener) {
	f := newFixture(t, open)
	for grant, r := range f.requests(f.c1) {
		got := f.send(r).audience(audience)
		if got.header["typ"] != "at+jwt" {
			t.Errorf("%s: typ is %v, want at+jwt", grant, got.header["typ"])
		}
		for _, name := range []string{"nonce", "at_hash", "c_hash", "auth_time"} {
			if got.claims[name] != nil {
				t.Errorf("%s: the access token has %s, which is an ID token's", grant, name)
			}
		}
		token := got.accessToken
		f.send(refresh(f.c1, token)).refused("invalid_grant")
		f.send(f.redeem(f.c1, token)).refused("invalid_grant")
		f.send(presentKey(f.c1, token)).refused("invalid_grant")
		f.send(form("grant_type", "client_credentials").set("Authorization", "Bearer "+token)).unauthorized()
	}
}

// k12 has the rows Q01 and Q02 for each grant.
// k12: what is asked for stands in the order in which it was granted.
func k12(t *testing.T, open opener) {
	const a, b = "https://a.test", "https://b.test/x?y=z"
	f := newFixture(t, open)
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{a, b} })
	for grant := range f.requests(f.c1) {
		ask := func() *request { return f.requests(f.c1)[grant] }
		f.send(ask()).audience(a, b)
		f.send(ask().and("resource", b)).audience(b)
		f.send(ask().and("resource", b, "resource", a, "resource", b)).audience(a, b)
		for _, wrong := range []string{"/x", "a.test", b + "#f", "https://c.test", a + "/", "HTTPS://a.test", "https://b.test/x", audience} {
			r := ask()
			f.store.counted()
			f.send(r.and("resource", wrong)).refused("invalid_target")
			f.send(r.and("resource", a, "resource", wrong)).refused("invalid_target")
			f.wroteNothing()
		}
		r := ask()
		f.send(r.and("resource", "https://c.test")).refused("invalid_target")
		f.send(r.and("resource", a)).audience(a) // nothing was consumed
	}
	f.send(rawJSON(`{"grant_type":"client_credentials","resource":["`+b+`","`+a+`"]}`).by(f.c1)).audience(a, b)
	f.send(clientCredentials(f.c1).and("resource", b).json()).audience(b)
}

// k14: 4096 bytes by default, of the token as it is sent.
func k14(t *testing.T, open opener) {
	f := newFixture(t, open)
	scope := make([]string, 500)
	for i := range scope {
		scope[i] = "scope:" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	p := f.newClient(&storage.Client{ID: "wide", GrantTypes: f.c1.record.GrantTypes, Scope: scope, RedirectURIs: f.c1.record.RedirectURIs})
	code := f.code(p, func(a *grants.AuthorizationRequest) { a.Scope = scope })
	f.store.counted()
	f.send(f.redeem(p, code)).refusedWith(500, "server_error")
	f.send(clientCredentials(p)).refusedWith(500, "server_error")
	f.wroteNothing()
	f.edit(p, func(c *storage.Client) { c.Scope = scope[:2] })
	f.send(f.redeem(p, code)).scoped(scope[0] + " " + scope[1])

	size := len(f.send(clientCredentials(f.cc)).tokens().accessToken)
	for limit, status := range map[int]int{size: 200, size - 1: 500, size / 2: 500} {
		f := newFixture(t, open, func(c *tokenendpoint.Config) { c.MaxTokenSize = limit })
		if got := f.send(clientCredentials(f.cc)).status; got != status {
			t.Errorf("a token of %d bytes where %d may be: got %d, want %d", size, limit, got, status)
		}
	}
}
