package endpointtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// tokenClientRules hold the endpoints that are about tokens against the token
// endpoint: what is refused there before a grant is asked is refused here, with
// the very same answer.
var tokenClientRules = []rule{
	{"P02_clients_authenticate_as_at_the_token_endpoint", p02Clients},
	{"P02_the_envelope_is_that_of_the_token_endpoint", p02Envelope},
	{"P02_browsers_revoke_and_do_not_introspect", p02Origins},
	{"P08_a_public_client_does_not_introspect", p08Public},
}

var timedTokenClientRules = []rule{
	{"D31_one_count_for_all_endpoints", d31Everywhere},
}

// p02Clients shows a client in every way at each endpoint. What it asks about is
// a refresh token of nobody: where the client is let in, the answer is about
// that.
func p02Clients(t *testing.T, open opener) {
	f := newFixture(t, open, patient) // one of the clients has a slow hash
	basicOnly := f.newClient(&storage.Client{ID: "b", AuthMethod: storage.ClientSecretBasic, GrantTypes: everyGrant()})
	postOnly := f.newClient(&storage.Client{ID: "p", AuthMethod: storage.ClientSecretPost, GrantTypes: everyGrant()})
	right := form().by(f.c1).header.Get("Authorization")
	for name, show := range map[string]func(r *request) *request{
		"Basic":                     func(r *request) *request { return r.by(f.c1) },
		"the body":                  func(r *request) *request { return r.post(f.c1) },
		"odd characters":            func(r *request) *request { return r.by(f.sp) },
		"odd characters, posted":    func(r *request) *request { return r.post(f.sp) },
		"Basic and its client_id":   func(r *request) *request { return r.by(f.c1).with("client_id", f.c1.id) },
		"a wrong secret":            func(r *request) *request { return r.by(f.c1.showing(wrongSecret)) },
		"a wrong secret, posted":    func(r *request) *request { return r.post(f.c1.showing(wrongSecret)) },
		"an empty secret":           func(r *request) *request { return r.basic(f.c1.id, "") },
		"an unknown client":         func(r *request) *request { return r.by(f.c1.named("ghost")) },
		"an unknown name alone":     func(r *request) *request { return r.with("client_id", "ghost") },
		"a disabled client":         func(r *request) *request { return r.by(f.off) },
		"no secret":                 func(r *request) *request { return r.with("client_id", f.c1.id) },
		"nothing":                   func(r *request) *request { return r },
		"two secrets":               func(r *request) *request { return r.by(f.c1).post(f.c1) },
		"a secret and an assertion": func(r *request) *request { return r.by(f.c1).asserted() },
		"an assertion":              func(r *request) *request { return r.with("client_id", f.c1.id).asserted() },
		"half an assertion":         func(r *request) *request { return r.by(f.c1).with("client_assertion_type", "x") },
		"another client_id":         func(r *request) *request { return r.by(f.c1).with("client_id", f.c2.id) },
		"a public client":           func(r *request) *request { return r.by(f.pub) },
		"a public client, by Basic": func(r *request) *request { return r.basic(f.pub.id, "") },
		"a public client's secret":  func(r *request) *request { return r.post(f.pub.showing("x")) },
		"its secret by Basic":       func(r *request) *request { return r.basic(f.pub.id, "x") },
		"registered for Basic":      func(r *request) *request { return r.by(basicOnly) },
		"and shown in the body":     func(r *request) *request { return r.post(basicOnly) },
		"registered for the body":   func(r *request) *request { return r.post(postOnly) },
		"and shown by Basic":        func(r *request) *request { return r.by(postOnly) },
		"a malformed header":        func(r *request) *request { return r.set("Authorization", "Basic !!!") },
		"no encoding":               func(r *request) *request { return r.rawBasic(f.c1.id + ":100%") },
		"a bearer token":            func(r *request) *request { return r.set("Authorization", "Bearer "+right[6:]) },
		"two headers": func(r *request) *request {
			r = r.by(f.c1)
			r.header.Add("Authorization", right)
			return r
		},
	} {
		f.sub(name, func() { f.asAtTheTokenEndpoint(show) })
	}
}

// asAtTheTokenEndpoint sends what a client shows to all endpoints.
func (f *fixture) asAtTheTokenEndpoint(show func(r *request) *request) {
	f.Helper()
	nobody := f.secret(storage.NewSecret(grants.RefreshTokenPrefix).Reveal())
	for _, as := range []spelling{func(r *request) *request { return r }, (*request).json} {
		want := f.send(as(show(form("grant_type", "refresh_token", "refresh_token", nobody))))
		revoked := f.send(as(show(form("token", nobody).to(revocationPath))))
		told := f.send(as(show(form("token", nobody).to(introspectionPath))))
		switch public := strings.Contains(revoked.sent.text()+f.lastEvent().ClientID, f.pub.id); {
		case !strings.Contains(want.body, "invalid_grant"):
			revoked.sameAs(want, "revocation")
			told.sameAs(want, "introspection")
		case public:
			revoked.ended()
			told.unauthorized()
		default:
			revoked.ended()
			told.inactive()
		}
	}
}

// p02Envelope is about all that stands around the parameters.
func p02Envelope(t *testing.T, open opener) {
	f := newFixture(t, open)
	method := func(m string) func(r *request) *request {
		return func(r *request) *request { r.method = m; return r }
	}
	header := func(name, value string) func(r *request) *request {
		return func(r *request) *request { return r.set(name, value) }
	}
	query := func(q string) func(r *request) *request {
		return func(r *request) *request { r.query = q; return r }
	}
	for name, change := range map[string]func(r *request) *request{
		"GET": method(http.MethodGet), "PUT": method(http.MethodPut), "HEAD": method(http.MethodHead),
		"DELETE": method(http.MethodDelete), "OPTIONS": method(http.MethodOptions), "PATCH": method(http.MethodPatch),
		"text":                header("Content-Type", "text/plain"),
		"multipart":           header("Content-Type", "multipart/form-data; boundary=x"),
		"another charset":     header("Content-Type", "application/x-www-form-urlencoded; charset=iso-8859-1"),
		"JSON that is a form": header("Content-Type", "application/json"),
		"gzip":                header("Content-Encoding", "gzip"),
		"no Content-Type":     func(r *request) *request { r.header.Del("Content-Type"); return r },
		"a token in the URL":  query("token=x"),
		"a client in the URL": query("client_id=" + f.c1.id),
		"a hint in the URL":   query("a=b;token_type_hint=access_token"),
		"a long body":         func(r *request) *request { return r.with("x", strings.Repeat("x", maxBody)) },
		"many parameters": func(r *request) *request {
			for range 100 {
				r.params = append(r.params, "x", "y")
			}
			return r
		},
		"a token twice":          func(r *request) *request { return r.and("token", "x", "token", "x") },
		"a hint twice":           func(r *request) *request { return r.and("token_type_hint", "x", "token_type_hint", "x") },
		"a secret twice":         func(r *request) *request { return r.and("client_secret", "x", "client_secret", "x") },
		"a long token":           func(r *request) *request { return r.with("token", strings.Repeat("x", 16<<10+1)) },
		"a token with a newline": func(r *request) *request { return r.with("token", "x\n") },
		"a token not of ASCII":   func(r *request) *request { return r.with("token", "é") },
		"a broken escape":        func(r *request) *request { r.body = r.text() + "&x=%zz"; return r },
		"JSON that is cut":       func(r *request) *request { r = r.json(); r.body = r.text()[1:]; return r },
		"JSON with a number":     func(r *request) *request { return rawJSON(`{"token":1}`).to(r.path).by(f.c1) },
		"JSON with a list":       func(r *request) *request { return rawJSON(`{"token":["x"]}`).to(r.path).by(f.c1) },
	} {
		f.sub(name, func() {
			f.asksNothing(func() {
				want := f.send(change(form("grant_type", "client_credentials").by(f.c1)))
				if want.status == http.StatusOK || want.status == http.StatusUnauthorized {
					f.Fatalf("the token endpoint: got %d %s, want a refusal of the envelope", want.status, want.body)
				}
				for _, path := range []string{revocationPath, introspectionPath} {
					f.send(change(form("token", "x").by(f.c1).to(path))).sameAs(want, path)
				}
			})
		})
	}
	unknown := query("version=2")
	f.send(unknown(revoke(f.c1, "x"))).ended()
	f.send(unknown(introspect(f.c1, "x"))).inactive()
}

// p02Origins: a page can revoke the tokens of a public client. It can have no
// secret, so nothing about introspection is for it.
func p02Origins(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.AllowedOrigins = []string{"https://spa.test"} })
	preflight := form().set("Origin", "https://spa.test").set("Access-Control-Request-Method", "POST")
	preflight.method = http.MethodOptions
	want := f.send(preflight)
	if want.status != http.StatusNoContent {
		t.Fatalf("a preflight of the token endpoint: got %d, want 204", want.status)
	}
	f.send(preflight.to(revocationPath)).sameAs(want, "revocation")
	got := f.send(preflight.to(introspectionPath))
	got.refusedWith(http.StatusMethodNotAllowed, "invalid_request")
	for _, r := range []*reply{got, f.send(introspect(f.c1, "x").set("Origin", "https://spa.test"))} {
		for name := range r.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("introspection has the header %s, want none of CORS", name)
			}
		}
	}
	r := f.send(revoke(f.pub, "x").set("Origin", "https://spa.test"))
	r.ended()
	if got := r.header.Get("Access-Control-Allow-Origin"); got != "https://spa.test" {
		t.Errorf("Access-Control-Allow-Origin is %q, want the origin", got)
	}
}

// p08Public: its own tokens neither.
func p08Public(t *testing.T, open opener) {
	f := newFixture(t, open)
	got := f.pair(f.pub)
	want := f.send(introspect(f.c1.showing(wrongSecret), "x"))
	want.unauthorized()
	for _, token := range []string{got.accessToken, got.refreshToken, "x"} {
		for _, r := range both(introspect(f.pub, token).with("token_type_hint", "refresh_token")) {
			f.wantCalls(map[string]int{mClient: 1}, func() { f.send(r).sameAs(want, "a public client") })
		}
	}
}

// d31Everywhere: who guesses has as many tries as there are, and not as many at
// each endpoint.
func d31Everywhere(t *testing.T, open opener) {
	f := newTimed(t, open, quiet)
	p := f.c1.showing(wrongSecret)
	wrong := []*request{clientCredentials(p), revoke(p, "x"), introspect(p, "x")}
	for i := range atOnce {
		f.send(wrong[i%3]).unauthorized()
	}
	for _, r := range append(wrong, clientCredentials(f.c1), revoke(f.c1, "x"), introspect(f.c1, "x")) {
		f.send(r).limited()
	}
	f.send(introspect(f.c2, "x")).inactive()
	// What cannot be guessed has no count.
	for range atOnce + 1 {
		f.send(revoke(f.pub, "x")).ended()
	}
	time.Sleep(10 * time.Second)
	f.send(revoke(f.c1, "x")).ended()
}
