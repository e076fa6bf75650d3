package endpointtest

import (
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var resourceRules = []rule{
	{"Q01_a_resource_that_is_none", noResource},
	{"Q01_an_audience_that_is_no_resource", audienceIsNoResource},
	{"Q02_a_resource_beyond_the_grant", resourceBeyondGrant},
	{"Q03_openid_without_OpenID_Connect", openidScope},
}

func noResource(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient()
	for _, w := range ways() {
		f.sub(w.name, func() {
			right := w.request(f, p)
			f.store.counted()
			for _, resource := range []string{
				"/relative", "api.test", "//api.test", "https://api.test#fragment", "https://api.test#", "#", "?q",
				"https://unknown.test", "https://api.test/", "https://API.test", "HTTPS://api.test", "https://api.test:443",
				"https://api.test?q", "https://api.test.evil.test", "http://api.test", "https://", ":", "*",
				"https://api.test https://other.test", "urn:x", "%68ttps://api.test",
			} {
				for _, r := range both(right.with("resource", resource)) {
					f.send(r).refused("invalid_target")
				}
			}
			// One that is right does not make up for one that is wrong.
			f.send(right.and("resource", audience, "resource", "https://unknown.test")).refused("invalid_target")
			f.send(right.and("resource", "https://unknown.test", "resource", audience)).refused("invalid_target")
			f.wroteNothing()
			got := f.send(right.with("resource", audience)).tokens()
			if aud := audienceOf(got); !slices.Equal(aud, []string{audience}) {
				t.Errorf("aud is %v, want %s", aud, audience)
			}
		})
	}
}

// audienceIsNoResource: an audience that is no absolute URI cannot be asked for
// (RFC 8707 §2), even if it is granted.
func audienceIsNoResource(t *testing.T, open opener) {
	f := newFixture(t, open)
	odd := []string{"contit-api", "/v1", "https://api.test#v1", "//api.test"}
	f.edit(f.c1, func(c *storage.Client) { c.Audience = odd })
	for _, resource := range odd {
		for _, r := range both(clientCredentials(f.c1).with("resource", resource)) {
			f.send(r).refused("invalid_target")
		}
	}
	if aud := audienceOf(f.send(clientCredentials(f.c1)).tokens()); !slices.Equal(aud, odd) {
		t.Errorf("aud is %v, want %v", aud, odd)
	}
}

// resourceBeyondGrant: the client may have two audiences, the user granted one.
func resourceBeyondGrant(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{audience, otherAudience, "https://third.test"} })
	two := func(a *grants.AuthorizationRequest) { a.Audience = []string{audience, otherAudience} }
	code := f.code(f.c1, two)
	want := func(r *request, aud ...string) string {
		t.Helper()
		got := f.send(r).tokens()
		if a := audienceOf(got); !slices.Equal(a, aud) {
			t.Errorf("%s: aud is %v, want %v", r.text(), a, aud)
		}
		return got.refreshToken
	}
	f.store.counted()
	for _, r := range both(f.redeem(f.c1, code)) {
		f.send(r.with("resource", "https://third.test")).refused("invalid_target")
		f.send(r.and("resource", audience, "resource", "https://third.test")).refused("invalid_target")
	}
	f.wroteNothing()
	token := want(f.redeem(f.c1, code).with("resource", otherAudience), otherAudience)
	f.store.counted()
	for _, r := range both(refresh(f.c1, token)) {
		f.send(r.with("resource", "https://third.test")).refused("invalid_target")
	}
	f.wroteNothing()
	// What one token was narrowed to does not narrow the grant (RFC 8707 §2.2).
	token = want(refresh(f.c1, token).with("resource", audience), audience)
	token = want(refresh(f.c1, token), audience, otherAudience)
	token = want(refresh(f.c1, token).json().with("resource", otherAudience), otherAudience)
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{audience} })
	f.send(refresh(f.c1, token).with("resource", otherAudience)).refused("invalid_target")
	want(refresh(f.c1, token), audience)
}

func openidScope(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1).with("scope", "openid read")) {
		f.send(r).refused("invalid_scope")
	}
	p := f.newWideClient(func(c *storage.Client) { c.Scope = []string{"openid", "profile", "read"} })
	approved := func(a *grants.AuthorizationRequest) { a.Scope = []string{"openid", "read"} }
	got := f.send(f.redeem(p, f.code(p, approved)).with("nonce", "n"))
	got.granted("openid read")
	again := f.send(refresh(p, got.tokens().refreshToken))
	again.granted("openid read")
	for _, r := range []*reply{got, again, f.send(clientCredentials(p).with("scope", "openid"))} {
		for name := range r.envelope() {
			if !slices.Contains([]string{"access_token", "token_type", "expires_in", "refresh_token", "scope"}, name) {
				t.Errorf("the response has a member %q", name)
			}
		}
	}
}
