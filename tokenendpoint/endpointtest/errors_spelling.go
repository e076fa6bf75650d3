package endpointtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var transliterationRules = []rule{{"Q07_form_and_JSON_get_the_same_verdict", sameVerdict}}

// sameVerdict sends each request once as a form and once as JSON, each time
// with credentials of its own. Status, error and description are the same, or
// both get their tokens.
func sameVerdict(t *testing.T, open opener) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			f := newFixture(t, open, withOwnGrants, withLimiter(new(limiter))) // which lets everybody guess
			p := f.newWideClient()
			for name, change := range variations(f, p, parametersOf(w, w.request(f, p))) {
				f.sub(name, func() {
					sameVerdicts(f.send(change(w.request(f, p))), f.send(change(w.request(f, p)).json()))
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

// parametersOf are those that are varied for a way: its own, and for one of the
// ways all, since a parameter of another grant is the same to each.
func parametersOf(w way, r *request) []string {
	if w.grantType == grants.TypeClientCredentials {
		return everyParameter
	}
	names := []string{"client_id", "client_secret", "scope", "resource"}
	for i := 0; i < len(r.params); i += 2 {
		if !slices.Contains(names, r.params[i]) {
			names = append(names, r.params[i])
		}
	}
	return names
}

func sameVerdicts(asForm, asJSON *reply) {
	asForm.t.Helper()
	if asForm.status >= 500 || asForm.status == http.StatusTooManyRequests {
		asForm.t.Errorf("%s: got %d %s, want a verdict", asForm.sent.text(), asForm.status, asForm.body)
	}
	if asForm.status != http.StatusOK || asJSON.status != http.StatusOK {
		asJSON.sameAs(asForm, asJSON.sent.text())
		return
	}
	a, b := asForm.tokens(), asJSON.tokens()
	if a.scope != b.scope || !slices.Equal(audienceOf(a), audienceOf(b)) || (a.refreshToken == "") != (b.refreshToken == "") {
		asForm.t.Errorf("as a form: %s, as JSON: %s, want the same but for the tokens", asForm.body, asJSON.body)
	}
}

type variation = func(*request) *request

// variations are what the rows B to K change about a request,
// as far as both spellings can say it.
func variations(f *fixture, p *party, names []string) map[string]variation {
	with := func(params ...string) variation {
		return func(r *request) *request { return r.with(params...) }
	}
	and := func(params ...string) variation {
		return func(r *request) *request { return r.and(params...) }
	}
	all := map[string]variation{
		"as it is":                 func(r *request) *request { return r },
		"no Authorization":         func(r *request) *request { r.header.Del("Authorization"); return r },
		"no parameters":            func(r *request) *request { r.params = nil; return r },
		"secret in the body":       func(r *request) *request { r.header.Del("Authorization"); return r.post(p) },
		"wrong secret in the body": func(r *request) *request { r.header.Del("Authorization"); return r.post(p.showing(wrongSecret)) },
		"only client_id":           func(r *request) *request { r.header.Del("Authorization"); return r.with("client_id", p.id) },
		"wrong secret by Basic":    func(r *request) *request { return r.basic(p.id, wrongSecret) },
		"empty secret by Basic":    func(r *request) *request { return r.basic(p.id, "") },
		"unknown client":           func(r *request) *request { return r.without("client_id").basic("ghost", "x") },
		"disabled client":          func(r *request) *request { return r.without("client_id").by(f.off) },
		"public client":            func(r *request) *request { return r.without("client_id").by(f.pub) },
		"a client without grants":  func(r *request) *request { return r.without("client_id").by(f.cc) },
		"another client":           func(r *request) *request { return r.without("client_id").by(f.c2) },
		"Basic and a body secret":  func(r *request) *request { return r.by(p).post(p) },
		"Basic and another id":     func(r *request) *request { return r.by(p).with("client_id", f.c2.id) },
		"Basic and an assertion":   func(r *request) *request { return r.by(p).asserted() },
		"half an assertion":        with("client_assertion", assertion),
		"an assertion":             func(r *request) *request { r.header.Del("Authorization"); return r.asserted() },
		"Bearer":                   func(r *request) *request { return r.set("Authorization", "Bearer x") },
		"two X-Api-Key":            func(r *request) *request { r.header["X-Api-Key"] = []string{"a", "b"}; return r },
		"the page's sample":        pageSample,
		"an unknown parameter":     with("nonce", "1", "foo", "bar"),
		"unknown, twice":           and("foo", "1", "foo", "2"),
		"an empty unknown name":    and("", "x"),
		"many parameters":          and(slices.Repeat([]string{"a", "b"}, 99)...),
		"two resources":            and("resource", audience, "resource", audience),
		"wrong grant_type":         with("grant_type", "nope"),
		"the URN":                  with("grant_type", grants.TypeAPIKeyURN),
		"a long unknown value":     with("foo", strings.Repeat("a", 20_000)),
		"a verifier for nothing":   with("code_verifier", verifier),
		"a wrong verifier":         with("code_verifier", strings.ToUpper(verifier)),
		"a short verifier":         with("code_verifier", "short"),
		"another redirect_uri":     with("redirect_uri", "https://app.test/cb/"),
		"a revoked key":            with("api_key", f.apiKey(p, func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt.AddDate(2000, 0, 0) })),
	}
	for _, name := range names {
		all[name+" twice"] = and(name, "x", name, "x")
		all[name+" twice, once empty"] = and(name, "", name, "x")
		all[name+" missing"] = func(r *request) *request { return r.without(name) }
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

// pageSample adds what the published page's samples send with every call, as
// far as it is not there yet.
func pageSample(r *request) *request {
	r = r.set("X-Api-Key", "YOUR_API_KEY")
	for _, name := range []string{"refresh_token", "api_key", "code", "redirect_uri"} {
		if !slices.Contains(r.params, name) {
			r = r.with(name, name+"_value")
		}
	}
	return r
}
