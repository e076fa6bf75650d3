package tokenendpoint_test

import (
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var resourceRules = []rule{
	{"Q01_a_resource_that_is_none", noResource},
	{"Q01_an_audience_that_is_no_resource", audienceIsNoResource},
	{"Q12_a_resource_in_another_spelling", resourceSpelled},
	{"Q02_a_resource_beyond_the_grant", resourceBeyondGrant},
	{"Q03_openid_without_OpenID_Connect", openidScope},
}

func noResource(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	p := f.NewWideClient()
	for _, w := range testbed.Ways() {
		f.Sub(w.Name, func() {
			right := w.Request(f, p)
			f.Store.Counted()
			for _, resource := range []string{
				"/relative", "api.test", "//api.test", "https://api.test#fragment", "https://api.test#", "https://api.test/#", "#", "?q",
				"https://unknown.test", "https://api.test//", "https://api.test:", "https://api.test:80", "https://api.test/v1", "https://me@api.test",
				"https://api.test?q", "https://api.test.evil.test", "http://api.test", "https://", ":", "*",
				"https://api.test https://other.test", "urn:x", "%68ttps://api.test",
			} {
				for _, r := range testbed.Both(right.With("resource", resource)) {
					f.Send(r).Refused("invalid_target")
				}
			}
			// A right resource does not make up for a wrong one.
			f.Send(right.And("resource", testbed.Audience, "resource", "https://unknown.test")).Refused("invalid_target")
			f.Send(right.And("resource", "https://unknown.test", "resource", testbed.Audience)).Refused("invalid_target")
			f.WroteNothing()
			got := f.Send(right.With("resource", testbed.Audience)).Tokens()
			if aud := testbed.AudienceOf(got); !slices.Equal(aud, []string{testbed.Audience}) {
				t.Errorf("aud is %v, want %s", aud, testbed.Audience)
			}
		})
	}
}

// resourceSpelled: URLs are compared as URLs, wherever an audience meets another,
// and aud has the spelling of the configuration.
func resourceSpelled(t *testing.T) {
	const slash = "https://Other.test:443/"
	f := testbed.New(t, openMemory, testbed.WithOwnGrants, func(c *tokenendpoint.Config) { c.Audience = []string{testbed.Audience, slash} })
	p := f.NewWideClient()
	spellings := map[string][]string{
		testbed.Audience: {testbed.Audience, "https://api.test/", "HTTPS://API.test", "https://api.test:443", "https://API.TEST:443/"},
		slash:            {slash, "https://other.test", "https://other.test/", "https://OTHER.test:443"},
	}
	for want, list := range spellings {
		for _, resource := range list {
			for _, r := range testbed.Both(testbed.ClientCredentials(p).With("resource", resource)) {
				f.Send(r).Audience(want)
			}
			// As the host's page got it from the client.
			approved := func(a *grants.AuthorizationRequest) { a.Audience = []string{resource} }
			token := f.Send(f.Redeem(p, f.Code(p, approved))).Audience(want).RefreshToken
			token = f.Send(testbed.Refresh(p, token)).Audience(want).RefreshToken
			f.Send(testbed.Refresh(p, token).With("resource", resource)).Audience(want)
			key := f.APIKey(p, func(k *storage.APIKey) { k.Audience = []string{resource} })
			f.Send(testbed.PresentKey(p, key)).Audience(want)
			f.Send(testbed.PresentKey(p, key).With("resource", want)).Audience(want)
		}
	}
	twice := testbed.ClientCredentials(p).And("resource", testbed.Audience, "resource", "HTTPS://api.test/")
	f.Send(twice).Audience(testbed.Audience)
	f.Send(twice.And("resource", "https://other.test")).Audience(testbed.Audience, slash)
	for _, w := range testbed.Ways() {
		f.Send(w.Request(f, p).With("resource", "HTTPS://API.TEST:443/")).Audience(testbed.Audience)
	}
	// A client's own audience, and a code for it.
	f.Edit(p, func(c *storage.Client) { c.Audience = []string{"https://MINE.test"} })
	p.Record.Audience = []string{"https://MINE.test"}
	code := f.Code(p, func(a *grants.AuthorizationRequest) { a.Audience = []string{"https://mine.test/"} })
	f.Send(f.Redeem(p, code).With("resource", "https://Mine.test")).Audience("https://MINE.test")
}

// audienceIsNoResource: an audience that is no absolute URI cannot be asked for
// (RFC 8707 §2), even if it is granted.
func audienceIsNoResource(t *testing.T) {
	f := testbed.New(t, openMemory)
	odd := []string{"contit-api", "/v1", "https://api.test#v1", "//api.test"}
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = odd })
	for _, resource := range odd {
		for _, r := range testbed.Both(testbed.ClientCredentials(f.C1).With("resource", resource)) {
			f.Send(r).Refused("invalid_target")
		}
	}
	if aud := testbed.AudienceOf(f.Send(testbed.ClientCredentials(f.C1)).Tokens()); !slices.Equal(aud, odd) {
		t.Errorf("aud is %v, want %v", aud, odd)
	}
}

// resourceBeyondGrant: the client may have two audiences, the user granted one.
func resourceBeyondGrant(t *testing.T) {
	f := testbed.New(t, openMemory)
	f.Edit(f.C1, func(c *storage.Client) {
		c.Audience = []string{testbed.Audience, testbed.OtherAudience, "https://third.test"}
	})
	two := func(a *grants.AuthorizationRequest) { a.Audience = []string{testbed.Audience, testbed.OtherAudience} }
	code := f.Code(f.C1, two)
	want := func(r *testbed.Request, aud ...string) string {
		t.Helper()
		got := f.Send(r).Tokens()
		if a := testbed.AudienceOf(got); !slices.Equal(a, aud) {
			t.Errorf("%s: aud is %v, want %v", r.Text(), a, aud)
		}
		return got.RefreshToken
	}
	f.Store.Counted()
	for _, r := range testbed.Both(f.Redeem(f.C1, code)) {
		f.Send(r.With("resource", "https://third.test")).Refused("invalid_target")
		f.Send(r.And("resource", testbed.Audience, "resource", "https://third.test")).Refused("invalid_target")
	}
	f.WroteNothing()
	token := want(f.Redeem(f.C1, code).With("resource", testbed.OtherAudience), testbed.OtherAudience)
	f.Store.Counted()
	for _, r := range testbed.Both(testbed.Refresh(f.C1, token)) {
		f.Send(r.With("resource", "https://third.test")).Refused("invalid_target")
	}
	f.WroteNothing()
	// A narrow resource for one token does not narrow the grant (RFC 8707 §2.2).
	token = want(testbed.Refresh(f.C1, token).With("resource", testbed.Audience), testbed.Audience)
	token = want(testbed.Refresh(f.C1, token), testbed.Audience, testbed.OtherAudience)
	token = want(testbed.Refresh(f.C1, token).JSON().With("resource", testbed.OtherAudience), testbed.OtherAudience)
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{testbed.Audience} })
	f.Send(testbed.Refresh(f.C1, token).With("resource", testbed.OtherAudience)).Refused("invalid_target")
	want(testbed.Refresh(f.C1, token), testbed.Audience)
}

func openidScope(t *testing.T) {
	f := testbed.New(t, openMemory)
	for _, r := range testbed.Both(testbed.ClientCredentials(f.C1).With("scope", "openid read")) {
		f.Send(r).Refused("invalid_scope")
	}
	p := f.NewWideClient(func(c *storage.Client) { c.Scope = []string{"openid", "profile", "read"} })
	approved := func(a *grants.AuthorizationRequest) { a.Scope = []string{"openid", "read"} }
	got := f.Send(f.Redeem(p, f.Code(p, approved)).With("nonce", "n"))
	got.Granted("openid read")
	again := f.Send(testbed.Refresh(p, got.Tokens().RefreshToken))
	again.Granted("openid read")
	for _, r := range []*testbed.Reply{got, again, f.Send(testbed.ClientCredentials(p).With("scope", "openid"))} {
		for name := range r.Envelope() {
			if !slices.Contains([]string{"access_token", "token_type", "expires_in", "refresh_token", "scope"}, name) {
				t.Errorf("the response has a member %q", name)
			}
		}
	}
}
