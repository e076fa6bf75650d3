package endpointtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint"
)

var formRules = []rule{
	{"B01_grant_type_twice_the_same", b01SameGrantType},
	{"B02_grant_type_twice", b02OtherGrantType},
	{"B03_known_parameters_twice", b03KnownTwice},
	{"B04_unknown_parameter_twice", b04UnknownTwice},
	{"B05_resource_may_repeat", b05Resource},
	{"B06_names_have_case", b06NameCase},
	{"B07_grant_type_without_value", b07EmptyGrantType},
	{"B08_scope_without_value", b08EmptyScope},
	{"B09_code_verifier_without_value", b09EmptyVerifier},
	{"B10_client_secret_without_value", b10EmptySecret},
	{"B11_broken_percent_escape", b11BrokenEscape},
	{"B12_semicolon_separator", b12Semicolon},
	{"B13_semicolon_in_the_query", b13SemicolonInQuery},
	{"B14_nul", b14NUL},
	{"B15_invalid_utf8", b15InvalidUTF8},
	{"B16_characters_outside_a_parameter's_syntax", b16Characters},
	{"B17_over_long_values", b17LongValues},
	{"B18_plus_is_a_space", b18Plus},
	{"B19_grant_type_is_exact", b19ExactGrantType},
	{"B20_byte_order_mark", b20ByteOrderMark},
}

func b01SameGrantType(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(both(clientCredentials(f.c1).and("grant_type", "client_credentials"))...)
}

func b02OtherGrantType(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(both(clientCredentials(f.c1).and("grant_type", "refresh_token"))...)
	f.refusedUnread(both(form("grant_type", "nope").and("grant_type", "client_credentials").by(f.c1))...)
}

// b03KnownTwice doubles each parameter of a request that is right, and then
// sends that one.
func b03KnownTwice(t *testing.T, open opener) {
	f := newFixture(t, open)
	redeem := f.redeem(f.c1, f.code(f.c1))
	renew := refresh(f.c1, f.refreshToken(f.c1))
	key := presentKey(f.c1, f.apiKey(f.c1)).with("scope", "read")
	for _, r := range []*request{redeem, renew, key, posted(f.c1)} {
		for i := 0; i < len(r.params); i += 2 {
			name, value := r.params[i], r.params[i+1]
			f.refusedUnread(both(r.and(name, value))...)
			f.refusedUnread(both(r.and(name, value+"2"))...)
		}
	}
	for _, name := range []string{"client_assertion", "client_assertion_type", "subject_token", "device_code"} {
		f.refusedUnread(both(clientCredentials(f.c1).and(name, "value-1", name, "value-1"))...)
		f.refusedUnread(both(clientCredentials(f.c1).and(name, "value-1", name, "value-2"))...)
		f.refusedUnread(both(redeem.and(name, "value-1", name, "value-2"))...)
	}
	f.send(redeem).tokens()
	f.send(renew).tokens()
	f.send(key).tokens()
}

func b04UnknownTwice(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1).and("foo", "1", "foo", "2", "bar", "1", "bar", "1", "foo", "3")) {
		f.send(r).tokens()
	}
}

func b05Resource(t *testing.T, open opener) {
	resources := []string{"https://a.test", "https://b.test"}
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.Audience = resources })
	r := clientCredentials(f.c1).and("resource", resources[0], "resource", resources[1])
	array := rawJSON(`{"grant_type":"client_credentials","resource":["https://a.test","https://b.test"]}`).by(f.c1)
	for _, r := range []*request{r, r.json(), array} {
		if aud := f.send(r).tokens().claims["aud"]; !sameList(aud, resources) {
			t.Errorf("%s: aud is %v, want %q", r.text(), aud, resources)
		}
	}
	for _, r := range both(clientCredentials(f.c1).and("resource", "https://a.test", "resource", "https://c.test")) {
		f.send(r).refused("invalid_target")
	}
	for _, r := range both(clientCredentials(f.c1).and("audience", "https://a.test", "audience", "https://c.test")) {
		f.send(r).tokens() // that of RFC 8693, which is not here
	}
}

// sameList reports whether a claim is a list of strings, in any order.
func sameList(claim any, want []string) bool {
	list, _ := claim.([]any)
	for _, s := range want {
		if !slices.Contains(list, any(s)) {
			return false
		}
	}
	return len(list) == len(want)
}

func b06NameCase(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, name := range []string{"Grant_Type", "GRANT_TYPE", "grant_Type", "grant_type ", " grant_type", "grant_type[]"} {
		r := form(name, "client_credentials").by(f.c1)
		f.refusedUnread(both(r)...)
		f.send(r).names("grant_type")
	}
}

func b07EmptyGrantType(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{"grant_type=&scope=", "grant_type&scope", "&&", "grant_type="} {
		r := rawForm(body).by(f.c1)
		f.refusedUnread(r)
		f.send(r).names("grant_type")
	}
	r := form("grant_type", "", "scope", "").by(f.c1).json()
	f.refusedUnread(r)
	f.send(r).names("grant_type")
}

func b08EmptyScope(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := f.send(clientCredentials(f.c1)).tokens().scope
	if want == "" {
		t.Fatal("a request without a scope got none")
	}
	bare := rawForm("grant_type=client_credentials&scope").by(f.c1)
	for _, r := range append(both(clientCredentials(f.c1).with("scope", "")), bare) {
		if got := f.send(r).tokens().scope; got != want {
			t.Errorf("%s: scope is %q, want %q as without it", r.text(), got, want)
		}
	}
}

func b09EmptyVerifier(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.pub} {
		r := f.redeem(p, f.code(p))
		for _, wrong := range append(both(r.with("code_verifier", "")), both(r.without("code_verifier"))...) {
			f.send(wrong).refused("invalid_grant")
		}
		f.send(r).tokens()
	}
}

func b10EmptySecret(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1).with("client_secret", "")) {
		f.send(r).tokens()
	}
	f.send(rawForm("grant_type=client_credentials&client_secret").by(f.c1)).tokens()
	f.send(rawJSON(`{"grant_type":"client_credentials","client_secret":null}`).by(f.c1)).tokens()
	f.refusedUnread(both(clientCredentials(f.c1).with("client_secret", f.c1.secret))...) // a second mechanism
}

func b11BrokenEscape(t *testing.T, open opener) {
	f := newFixture(t, open)
	code := f.redeem(f.c1, f.code(f.c1))
	for _, pair := range []string{"scope=%zz", "scope=%", "scope=%2", "scope=read%4", "scope=%%41", "scope=%u0041", "foo=%zz", "sc%zzope=read", "%=", "scope=% 41"} {
		r := code.clone()
		r.body = code.text() + "&" + pair
		f.refusedUnread(rawForm("grant_type=client_credentials&"+pair).by(f.c1), rawForm(pair+"&grant_type=client_credentials").by(f.c1), r)
	}
	f.send(code).tokens()
}

func b12Semicolon(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{
		"grant_type=client_credentials;scope=admin:x",
		"grant_type=client_credentials&scope=read;scope=admin:x",
		"grant_type=client_credentials&foo=1;bar=2",
		"grant_type=client_credentials;",
		";grant_type=client_credentials",
	} {
		f.refusedUnread(rawForm(body).by(f.c1))
	}
	f.send(clientCredentials(f.c1).and("foo", "1;bar=2")).tokens() // encoded, it separates nothing
}

// b13SemicolonInQuery pins that a query which says nothing to the endpoint does
// not matter, whatever its syntax.
func b13SemicolonInQuery(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, query := range []string{"a;b", "a=%zz", ";", "&;&", "a=1;a=2"} {
		for _, r := range both(clientCredentials(f.c1)) {
			r.query = query
			f.send(r).tokens()
		}
	}
	for _, query := range []string{"a;grant_type=x", "a;grant_type", strings.Repeat("a;", 100) + "code=x"} {
		for _, r := range both(clientCredentials(f.c1)) {
			r.query = query
			f.refusedUnread(r)
		}
	}
}
