package tokenendpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

var transliterationRules = []rule{{"Q07_form_and_JSON_get_the_same_verdict", sameVerdict}}

// sameVerdict sends each request once as a form and once as JSON, each time
// with credentials of its own. Status, error and description are the same, or
// both get their tokens.
func sameVerdict(t *testing.T) {
	for _, w := range testbed.Ways() {
		t.Run(w.Name, func(t *testing.T) {
			f := testbed.New(t, openMemory, testbed.WithOwnGrants, testbed.Unlimited)
			p := f.NewWideClient()
			for name, change := range variations(f, p, parametersOf(w, w.Request(f, p))) {
				f.Sub(name, func() {
					sameVerdicts(f.Send(change(w.Request(f, p))), f.Send(change(w.Request(f, p)).JSON()))
				})
			}
		})
	}
}

// everyParameter are those that the endpoint or one of its grants knows.
var everyParameter = []string{
	"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "api_key", "scope",
	"client_assertion", "client_assertion_type", "resource", "subject_token", "device_code", "assertion", "username", "password", "voucher",
}

// parametersOf are the parameters to vary for a way: its own. One of the ways
// varies all parameters, since every way treats a parameter of another grant the
// same.
func parametersOf(w testbed.Way, r *testbed.Request) []string {
	if w.GrantType == grants.TypeClientCredentials {
		return everyParameter
	}
	names := []string{"client_id", "client_secret", "scope", "resource"}
	for i := 0; i < len(r.Params); i += 2 {
		if !slices.Contains(names, r.Params[i]) {
			names = append(names, r.Params[i])
		}
	}
	return names
}

func sameVerdicts(asForm, asJSON *testbed.Reply) {
	asForm.T.Helper()
	if asForm.Status >= 500 || asForm.Status == http.StatusTooManyRequests {
		asForm.T.Errorf("%s: got %d %s, want a verdict", asForm.Sent.Text(), asForm.Status, asForm.Body)
	}
	if asForm.Status != http.StatusOK || asJSON.Status != http.StatusOK {
		asJSON.SameAs(asForm, asJSON.Sent.Text())
		return
	}
	a, b := asForm.Tokens(), asJSON.Tokens()
	if a.Scope != b.Scope || !slices.Equal(testbed.AudienceOf(a), testbed.AudienceOf(b)) || (a.RefreshToken == "") != (b.RefreshToken == "") {
		asForm.T.Errorf("as a form: %s, as JSON: %s, want the same but for the tokens", asForm.Body, asJSON.Body)
	}
}

type variation = func(*testbed.Request) *testbed.Request

// variations are the changes that the rows B to K make to a request, as far as
// both spellings can express them.
func variations(f *testbed.Fixture, p *testbed.Party, names []string) map[string]variation {
	with := func(params ...string) variation {
		return func(r *testbed.Request) *testbed.Request { return r.With(params...) }
	}
	and := func(params ...string) variation {
		return func(r *testbed.Request) *testbed.Request { return r.And(params...) }
	}
	all := map[string]variation{
		"as it is":           func(r *testbed.Request) *testbed.Request { return r },
		"no Authorization":   func(r *testbed.Request) *testbed.Request { r.Header.Del("Authorization"); return r },
		"no parameters":      func(r *testbed.Request) *testbed.Request { r.Params = nil; return r },
		"secret in the body": func(r *testbed.Request) *testbed.Request { r.Header.Del("Authorization"); return r.Post(p) },
		"wrong secret in the body": func(r *testbed.Request) *testbed.Request {
			r.Header.Del("Authorization")
			return r.Post(p.Showing(testbed.WrongSecret))
		},
		"only client_id": func(r *testbed.Request) *testbed.Request {
			r.Header.Del("Authorization")
			return r.With("client_id", p.ID)
		},
		"wrong secret by Basic":   func(r *testbed.Request) *testbed.Request { return r.Basic(p.ID, testbed.WrongSecret) },
		"empty secret by Basic":   func(r *testbed.Request) *testbed.Request { return r.Basic(p.ID, "") },
		"unknown client":          func(r *testbed.Request) *testbed.Request { return r.Without("client_id").Basic("ghost", "x") },
		"disabled client":         func(r *testbed.Request) *testbed.Request { return r.Without("client_id").By(f.Off) },
		"public client":           func(r *testbed.Request) *testbed.Request { return r.Without("client_id").By(f.Pub) },
		"a client without grants": func(r *testbed.Request) *testbed.Request { return r.Without("client_id").By(f.CC) },
		"another client":          func(r *testbed.Request) *testbed.Request { return r.Without("client_id").By(f.C2) },
		"Basic and a body secret": func(r *testbed.Request) *testbed.Request { return r.By(p).Post(p) },
		"Basic and another id":    func(r *testbed.Request) *testbed.Request { return r.By(p).With("client_id", f.C2.ID) },
		"Basic and an assertion":  func(r *testbed.Request) *testbed.Request { return r.By(p).Asserted() },
		"half an assertion":       with("client_assertion", testbed.Assertion),
		"an assertion":            func(r *testbed.Request) *testbed.Request { r.Header.Del("Authorization"); return r.Asserted() },
		"Bearer":                  func(r *testbed.Request) *testbed.Request { return r.Set("Authorization", "Bearer x") },
		"two X-Api-Key":           func(r *testbed.Request) *testbed.Request { r.Header["X-Api-Key"] = []string{"a", "b"}; return r },
		"the page's sample":       pageSample,
		"an unknown parameter":    with("nonce", "1", "foo", "bar"),
		"unknown, twice":          and("foo", "1", "foo", "2"),
		"an empty unknown name":   and("", "x"),
		"many parameters":         and(slices.Repeat([]string{"a", "b"}, 99)...),
		"two resources":           and("resource", testbed.Audience, "resource", testbed.Audience),
		"wrong grant_type":        with("grant_type", "nope"),
		"the URN":                 with("grant_type", grants.TypeAPIKeyURN),
		"a long unknown value":    with("foo", strings.Repeat("a", 20_000)),
		"a verifier for nothing":  with("code_verifier", testbed.Verifier),
		"a wrong verifier":        with("code_verifier", strings.ToUpper(testbed.Verifier)),
		"a short verifier":        with("code_verifier", "short"),
		"another redirect_uri":    with("redirect_uri", "https://app.test/cb/"),
		"a revoked key":           with("api_key", f.APIKey(p, func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt.AddDate(2000, 0, 0) })),
	}
	for _, name := range names {
		all[name+" twice"] = and(name, "x", name, "x")
		all[name+" twice, once empty"] = and(name, "", name, "x")
		all[name+" missing"] = func(r *testbed.Request) *testbed.Request { return r.Without(name) }
		for value, text := range map[string]string{
			"empty": "", "a space": " ", "nonsense": name + "-nonsense", "a tab": "a\tb", "a line end": "a\nb", "a NUL": "a\x00b",
			"a DEL": "a\x7fb", "not ASCII": "é", "an emoji": "\U0001F600", "a quote": `a"b`, "a backslash": `a\b`,
			"a plus": "a+b", "a percent": "a%b", "separators": "&=;", "long": name + strings.Repeat("a", 4097), "very long": name + strings.Repeat("a", 17_000),
		} {
			all[name+": "+value] = with(name, text)
		}
	}
	return all
}

// pageSample adds the parameters that the published page's samples send with
// every call, where the request lacks them.
func pageSample(r *testbed.Request) *testbed.Request {
	r = r.Set("X-Api-Key", "YOUR_API_KEY")
	for _, name := range []string{"refresh_token", "api_key", "code", "redirect_uri"} {
		if !slices.Contains(r.Params, name) {
			r = r.With(name, name+"_value")
		}
	}
	return r
}
