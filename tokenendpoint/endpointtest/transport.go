package endpointtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint"
)

var transportRules = []rule{
	{"A01_plain_success", a01PlainSuccess},
	{"A02_errors_are_not_stored", a02ErrorsAreNotStored},
	{"A03_get_is_refused", a03GetIsRefused},
	{"A04_every_other_method_is_refused", a04OtherMethods},
	{"A05_options_is_no_token_request", a05Options},
	{"A06_method_override_is_ignored", a06MethodOverride},
	{"A07_credentials_in_the_query", a07CredentialsInQuery},
	{"A08_grant_in_the_query", a08GrantInQuery},
	{"A09_query_does_not_override_the_body", a09QueryAndBody},
	{"A10_content_type_is_missing", a10NoContentType},
	{"A11_content_type_is_wrong", a11WrongContentType},
	{"A12_multipart_is_refused_unread", a12Multipart},
	{"A13_media_types_have_no_case", a13MediaTypeCase},
	{"A14_other_charsets", a14Charset},
	{"A15_malformed_media_type_parameter", a15MalformedMediaType},
	{"A16_two_content_types", a16TwoContentTypes},
	{"A17_empty_body", a17EmptyBody},
	{"A18_body_too_long_with_its_length", a18LongBody},
	{"A19_body_too_long_in_chunks", a19EndlessBody},
	{"A20_slow_body", a20SlowBody},
	{"A21_too_many_parameters", a21TooManyParameters},
	{"A22_content_encoding", a22ContentEncoding},
	{"A23_expect_continue", a23ExpectContinue},
	{"A24_answers_are_not_sniffed", a24NoSniff},
	{"A25_mounted_under_a_prefix", a25Prefix},
	{"A26_host_has_no_influence", a26Host},
	{"A27_unknown_parameters_are_ignored", a27UnknownParameters},
	{"A28_panic_of_a_store", a28StorePanics},
	{"A28_panic_of_a_callback", a28CallbackPanics},
	{"A28_panic_of_what_reports", a28ReportingPanics},
	{"A29_hanging_up_before_the_write", a29BeforeTheWrite},
	{"A29_hanging_up_during_the_write", a29DuringTheWrite},
	{"A30_no_redirects", a30NoRedirects},
}

var timedTransportRules = []rule{
	{"A19_endless_body_is_cut_off_in_time", a19CutOff},
	{"A20_silent_body_ends_at_the_deadline", a20Silence},
	{"A20_dripping_body_ends_at_the_deadline", a20Dripping},
	{"A20_silent_body_of_a_refused_request", a20RefusedSilence},
	{"A20_deadline_ends_with_the_body", a20OnlyTheBody},
}

func a01PlainSuccess(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		got := f.send(r)
		got.tokens()
		names := slices.Sorted(maps.Keys(got.envelope()))
		if want := []string{"access_token", "expires_in", "scope", "token_type"}; !slices.Equal(names, want) {
			t.Errorf("members are %q, want %q", names, want)
		}
	}
}

func a02ErrorsAreNotStored(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(form("grant_type", "nope").by(f.c1)) {
		f.send(r).refused("unsupported_grant_type")
	}
}

// notPOST asserts the answer to another method.
func (r *reply) notPOST() {
	r.t.Helper()
	if got := r.header.Values("Allow"); len(got) != 1 || got[0] != http.MethodPost {
		r.t.Errorf("%s: Allow is %q, want POST", r.sent.method, got)
	}
	if r.sent.method == http.MethodHead {
		if r.status != http.StatusMethodNotAllowed || r.body != "" {
			r.t.Errorf("HEAD: got %d %q, want 405 without a body", r.status, r.body)
		}
		return
	}
	r.refusedWith(http.StatusMethodNotAllowed, "invalid_request")
}

func a03GetIsRefused(t *testing.T, open opener) {
	f := newFixture(t, open)
	r := form().by(f.c1)
	r.method, r.query = http.MethodGet, "grant_type=client_credentials"
	f.send(r).notPOST()
	f.untouched("GET")
}

func a04OtherMethods(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, method := range []string{"HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "post", "Post"} {
		for _, r := range both(clientCredentials(f.c1)) {
			r = r.clone()
			r.method = method
			l := f.dial()
			l.say(wire(r))
			l.answer(r).notPOST()
			f.untouched(method)
		}
	}
}

const spa = "https://spa.test"

func allowSPA(c *tokenendpoint.Config) { c.AllowedOrigins = []string{spa} }

func preflight(origin string) *request {
	r := form().set("Origin", origin).set("Access-Control-Request-Method", "POST")
	r.method = http.MethodOptions
	r.header.Del("Content-Type")
	return r
}

// allows asserts what a response says to scripts of other origins: that the
// one named may read it, or that none may. Cookies are never let through.
func (r *reply) allows(origin string) {
	r.t.Helper()
	if got := r.header.Get("Access-Control-Allow-Origin"); got != origin {
		r.t.Errorf("Access-Control-Allow-Origin is %q, want %q", got, origin)
	}
	if got, there := r.header["Access-Control-Allow-Credentials"]; there {
		r.t.Errorf("Access-Control-Allow-Credentials is %q, want none", got)
	}
}

func a05Options(t *testing.T, open opener) {
	t.Run("CORS off", func(t *testing.T) {
		f := newFixture(t, open)
		got := f.send(preflight(spa))
		got.notPOST()
		got.allows("")
	})
	t.Run("CORS on", func(t *testing.T) {
		f := newFixture(t, open, allowSPA)
		got := f.send(preflight(spa))
		if got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("preflight: got %d %q, want 204 without a body", got.status, got.body)
		}
		got.allows(spa)
		if methods := got.header.Get("Access-Control-Allow-Methods"); methods != "POST" {
			t.Errorf("Access-Control-Allow-Methods is %q, want POST", methods)
		}
		for _, origin := range []string{"https://evil.test", "null", "https://spa.test.evil.test", "http://spa.test"} {
			got := f.send(preflight(origin))
			got.notPOST() // pinned: what is no preflight of ours is one more method
			got.allows("")
			f.send(clientCredentials(f.c1).set("Origin", origin)).allows("")
		}
		got = f.send(clientCredentials(f.c1).set("Origin", spa))
		got.tokens()
		got.allows(spa)
		if vary := got.header.Values("Vary"); !slices.Contains(vary, "Origin") {
			t.Errorf("Vary is %q, want Origin: a cache must not mix them up", vary)
		}
		f.send(form("grant_type", "nope").set("Origin", spa)).allows(spa)
	})
}

func a06MethodOverride(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		r := clientCredentials(f.c1).set(name, http.MethodPost)
		r.method, r.query = http.MethodGet, "_method=POST"
		f.send(r).notPOST()
		f.untouched(name)
		r.method = http.MethodPost
		f.send(r.set(name, http.MethodGet)).tokens()
		f.store.counted()
	}
}

// a07CredentialsInQuery pins that a known parameter in the URI is refused. That
// no secret gets into the log is checked at the end of every rule.
func a07CredentialsInQuery(t *testing.T, open opener) {
	f := newFixture(t, open)
	code, token, key := f.code(f.c1), f.refreshToken(f.c1), f.apiKey(f.c1)
	query := func(r *request, names ...string) *request {
		q := url.Values{}
		for i := 0; i+1 < len(r.params); i += 2 {
			if slices.Contains(names, r.params[i]) {
				q.Set(r.params[i], r.params[i+1])
			}
		}
		r = r.without(names...)
		r.query = q.Encode()
		return r
	}
	secret := posted(f.c1)
	for _, r := range []*request{
		query(secret, "client_id", "client_secret"),
		query(secret, "client_secret"),
		query(secret, "client_id"),
		query(f.redeem(f.c1, code), "code"),
		query(f.redeem(f.c1, code), "code_verifier"),
		query(f.redeem(f.pub, code), "client_id"),
		query(refresh(f.c1, token), "refresh_token"),
		query(presentKey(f.c1, key), "api_key"),
		query(presentKey(f.c1, key).and("client_assertion", "an assertion"), "client_assertion"),
	} {
		escaped := r.clone()
		escaped.query = strings.NewReplacer("_", "%5F", "code=", "%63ode=").Replace(r.query)
		for _, r := range append(both(r), escaped) {
			f.store.counted()
			got := f.send(r)
			got.refused("invalid_request")
			f.untouched("?" + r.query)
			for _, s := range []string{f.c1.secret, code, token, key, verifier} {
				if strings.Contains(got.body, s) {
					t.Errorf("?%s: the error %s echoes a secret", r.query, got.body)
				}
			}
		}
	}
	f.send(f.redeem(f.c1, code)).tokens()
	f.send(refresh(f.c1, token)).tokens()
	f.send(presentKey(f.c1, key)).tokens()
}

func a08GrantInQuery(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(form("scope", "read").by(f.c1)) {
		r.query = "grant_type=client_credentials"
		f.refusedUnread(r)
	}
}

// a09QueryAndBody pins that a known name in the query is refused, whether the
// body has it too or not. What a host has there of its own is let be.
func a09QueryAndBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, query := range []string{"grant_type=refresh_token&scope=admin:x", "scope=admin:x", "scope=read", "x=1&scope", "x=1;scope=admin:x", "%73cope=admin:x"} {
		for _, r := range both(clientCredentials(f.c1).with("scope", "read")) {
			r.query = query
			f.refusedUnread(r)
		}
	}
	for _, r := range both(clientCredentials(f.c1).with("scope", "read")) {
		r.query = "tenant=t1&tenant=t2"
		if got := f.send(r).tokens().scope; got != "read" {
			t.Errorf("scope is %q, want read", got)
		}
	}
}
