package tokenendpoint_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var authHeaderRules = []rule{
	{"D17_the_log_names_a_client_that_does_not_encode_Basic", unencodedBasic},
	{"D19_the_scheme_has_no_case", schemeCase},
	{"D19_D37_R33_another_scheme_is_answered_by_its_own_challenge", foreignSchemes},
	{"D37_R33_an_empty_Authorization_is_none", emptyAuthorization},
	{"D36_a_secret_in_place_of_the_client_is_not_logged", secretAsClient},
	{"D36_a_client_that_was_found_is_logged", clientIsLogged},
}

// unencodedBasic: many clients send their secret in Basic as it is. With a plus
// or a percent sign in it, the endpoint reads another secret. The answer does
// not say so. The log does, and only for the right secret.
func unencodedBasic(t *testing.T) {
	f := testbed.New(t, openMemory)
	r := testbed.Form("grant_type", "client_credentials")
	want := f.Send(testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)))
	fast := f.NewWideClient(func(c *storage.Client) {
		c.Secrets = []storage.ClientSecret{{ID: "1", Hash: hashOf(storage.PresentedSecret("a+drawn/secret+of/24+bytes=="))}}
	})
	fast = fast.Showing(f.Secret("a+drawn/secret+of/24+bytes=="))
	for _, tt := range []struct {
		name   string
		p      *testbed.Party
		secret string
	}{
		{"a plus", nil, "chosen+secret"},
		{"what looks like an escape", nil, "chosen%20secret"},
		{"a percent sign", nil, "badSecret%"},
		{"a fast hash", fast, fast.Secret},
	} {
		f.Sub(tt.name, func() {
			p := tt.p
			if p == nil {
				p = f.NewClient(&storage.Client{ID: "plain", GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"}}, tt.secret)
			}
			const says = "did not form-encode"
			f.Send(testbed.ClientCredentials(p)).Tokens()
			f.Send(rawBasic(r, p.ID+":"+tt.secret)).SameAs(want, "what a wrong secret gets")
			if cause := f.LastEvent().Cause; cause == nil || !strings.Contains(cause.Error(), says) {
				t.Errorf("the cause is %v, want it to say that the client %s", cause, says)
			}
			f.Send(rawBasic(r, p.ID+":"+url.QueryEscape(tt.secret+"x"))).SameAs(want, "what a wrong secret gets")
			if cause := f.LastEvent().Cause; cause == nil || strings.Contains(cause.Error(), says) {
				t.Errorf("the cause is %v of a wrong secret that is encoded", cause)
			}
		})
	}
}

func schemeCase(t *testing.T) {
	f := testbed.New(t, openMemory)
	_, right, _ := strings.Cut(testbed.ClientCredentials(f.C1).Header.Get("Authorization"), " ")
	for _, scheme := range []string{"basic", "BASIC", "bAsIc"} {
		f.Send(testbed.Form("grant_type", "client_credentials").Set("Authorization", scheme+" "+right)).Tokens()
	}
}

// foreignSchemes: a browser whose Bearer token has expired must not open a login
// box. The endpoint answers an unregistered scheme with Basic. Such a scheme may
// be a secret before which a client forgot the scheme, so neither the answer nor
// the log repeats it.
func foreignSchemes(t *testing.T) {
	f := testbed.New(t, openMemory)
	_, right, _ := strings.Cut(testbed.ClientCredentials(f.C1).Header.Get("Authorization"), " ")
	token := f.RefreshToken(f.Pub)
	f.Store.Counted()
	for value, want := range map[string]string{
		"Bearer " + right: "Bearer", "bearer x": "Bearer", "BEARER": "Bearer", "DPoP x": "DPoP", "dpop x": "DPoP",
		"Digest username=" + right: "Digest", "Negotiate": "Negotiate", "Token x": "Token", "ApiKey x": "ApiKey",
		"Basically " + right: "Basic", "Bearer\t" + right: "Basic", f.Secret(rand.Text()): "Basic",
		"<script> x": "Basic", `Bearer",x y`: "Basic", f.Secret(rand.Text()) + " x": "Basic",
	} {
		f.Sub(value[:5], func() {
			r := testbed.Form("grant_type", "client_credentials")
			for _, r := range []*testbed.Request{
				r, r.With("client_id", f.C1.ID), testbed.Refresh(f.Pub, token), testbed.Revoke(f.Pub, token), testbed.Introspect(f.Pub, token),
				testbed.Introspect(f.Pub, token).Without("client_id"), testbed.PresentKey(f.C1, right),
			} {
				for _, r := range testbed.Both(r.Set("Authorization", value)) {
					f.Send(r).Challenged(want)
					says := want
					if want == "Basic" {
						says = "an unknown scheme"
					}
					if cause := f.LastEvent().Cause; cause == nil || !strings.Contains(cause.Error(), says+",") {
						t.Errorf("%s: the cause is %v, want it to name %s", value, cause, says)
					}
				}
			}
			for _, r := range testbed.Both(r.Set("Authorization", value).Post(f.C1)) { // row D09
				f.Send(r).Refused("invalid_request")
			}
		})
	}
	f.Asked(nil)
	f.Send(testbed.Refresh(f.Pub, token)).Tokens()
}

func emptyAuthorization(t *testing.T) {
	f := testbed.New(t, openMemory)
	r := testbed.Form("grant_type", "client_credentials")
	for _, value := range []string{"", " ", "\t "} {
		for as := range []int{0, 1} {
			f.Send(testbed.Both(r.Post(f.C1).Set("Authorization", value))[as]).Tokens()
			f.Send(testbed.Both(testbed.Refresh(f.Pub, f.RefreshToken(f.Pub)).Set("Authorization", value))[as]).Tokens()
			f.Send(testbed.Both(testbed.Revoke(f.Pub, "x").Set("Authorization", value))[as]).Ended()
			f.Send(testbed.Both(r.Set("Authorization", value))[as]).Refused("invalid_request")
		}
		two := r.By(f.C1)
		two.Header.Add("Authorization", value)
		f.Send(two).Tokens()
	}
}

// secretAsClient: every rule searches at its end for the secrets that its
// requests show.
func secretAsClient(t *testing.T) {
	l := new(testbed.Limiter)
	f := testbed.New(t, openMemory, testbed.WithLimiter(l))
	p := f.NewWideClient()
	token := f.Secret(f.Send(testbed.ClientCredentials(p)).Tokens().AccessToken)
	for name, secret := range map[string]string{
		"an API key":               f.APIKey(p),
		"a client secret":          p.Secret,
		"a refresh token":          f.RefreshToken(p),
		"an access token":          token,
		"another service's key":    "sk_live_" + rand.Text(),
		"a key with separators":    "key-" + rand.Text()[:4] + "-" + rand.Text()[:4],
		"a password":               "hunter2-" + strings.ToLower(rand.Text()[:3]),
		"a client and its secret":  p.ID + ":" + p.Secret,
		"as long as can be, twice": strings.Repeat(rand.Text(), 100),
	} {
		f.Sub(name, func() {
			f.Secret(secret)
			before := len(f.Logged())
			for _, r := range []*testbed.Request{
				testbed.Form("grant_type", "client_credentials"), testbed.Form("grant_type", "refresh_token", "refresh_token", "x"),
				testbed.Form("grant_type", "api_key", "api_key", "x"), testbed.Form("grant_type", "authorization_code", "code", "x"),
				testbed.Form("grant_type", "authorization_code"), testbed.Form("grant_type", "nothing"), testbed.Form(),
				testbed.Form("token", "x").To(testbed.RevocationPath), testbed.Form("token", "x").To(testbed.IntrospectionPath), testbed.Form().To(testbed.IntrospectionPath),
			} {
				for _, r := range []*testbed.Request{
					r.Basic(secret, ""), r.Basic(secret, "x"), r.With("client_id", secret), r.With("client_id", secret, "client_secret", "x"),
					r.Basic(secret, "x").With("client_id", f.C1.ID), r.Set("Authorization", "Basic "+secret),
					r.Set("Authorization", "Bearer "+secret), r.Set("Authorization", secret), rawBasic(r, secret+"%"),
				} {
					for _, r := range testbed.Both(r) {
						if got := f.Send(r); got.Status < 400 || got.Status >= 500 || strings.Contains(got.Body, secret) {
							t.Errorf("%s: got %d %s, want a refusal that does not repeat it", r.Text(), got.Status, got.Body)
						}
					}
				}
			}
			if !strings.Contains(f.Logged()[before:], "unverified:") {
				t.Error("no event has a placeholder for the text in the place of the client")
			}
			if reserved, refunded := l.Told(); strings.Contains(fmt.Sprint(reserved, refunded), secret) || len(reserved) == len(refunded) {
				t.Errorf("the limiter was told of %v and %v, want no secret in it", reserved, refunded)
			}
		})
	}
}

// clientIsLogged: an operator has to see which client is refused. It is known
// by its own right secret or any wrong one.
func clientIsLogged(t *testing.T) {
	f := testbed.New(t, openMemory)
	p := f.NewWideClient()
	wantEvent := func(r *testbed.Request, want string) {
		t.Helper()
		f.Send(r)
		if got := f.LastEvent().ClientID; got != want {
			t.Errorf("%s: the event is of the client %q, want %q", r.Text(), got, want)
		}
	}
	faulty := testbed.Form("grant_type", "authorization_code", "client_id", p.ID)
	f.Send(faulty).Refused("invalid_request")
	unknown := f.LastEvent().ClientID
	if !strings.HasPrefix(unknown, "unverified:") || len(unknown) != len("unverified:01234567") {
		t.Errorf("the event is of the client %q, want a placeholder", unknown)
	}
	wantEvent(testbed.Form("grant_type", "authorization_code", "client_id", p.ID), unknown) // the same for the same
	wantEvent(testbed.ClientCredentials(p.Showing(testbed.WrongSecret)), p.ID)
	wantEvent(faulty, p.ID)
	wantEvent(testbed.Revoke(p.Showing(testbed.WrongSecret), "x"), p.ID)
	wantEvent(testbed.Refresh(f.Pub, "x"), f.Pub.ID)
	wantEvent(testbed.ClientCredentials(f.Off.Showing(testbed.WrongSecret)), f.Off.ID)
	wantEvent(testbed.ClientCredentials(f.Off), f.Off.ID)
	// An outage whose cause names a client's record shows that there is such a client.
	for name, breaks := range map[string]func(*storage.Client){
		"an unknown method": func(c *storage.Client) { c.AuthMethod = "magic" },
		"a broken hash":     func(c *storage.Client) { c.Secrets[0].Hash = "$sha256$broken" },
	} {
		broken := f.NewWideClient()
		f.Edit(broken, breaks)
		f.Send(testbed.ClientCredentials(broken))
		if e := f.LastEvent(); e.Status != http.StatusServiceUnavailable || e.ClientID != broken.ID {
			t.Errorf("%s: the event has the status %d and the client %q because of %v, want 503 and %q", name, e.Status, e.ClientID, e.Cause, broken.ID)
		}
	}
	f.Send(testbed.Form("grant_type", "client_credentials", "client_id", "ghost", "client_secret", "x")).Unauthorized()
	if ghost := f.LastEvent().ClientID; ghost == unknown || !strings.HasPrefix(ghost, "unverified:") {
		t.Errorf("the event is of the client %q, want a placeholder of its own", ghost)
	}
}
