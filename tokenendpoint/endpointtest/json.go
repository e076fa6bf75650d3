package endpointtest

import (
	"strings"
	"testing"
)

var jsonRules = []rule{
	{"C01_same_answer_as_form", c01SameAsForm},
	{"C02_charset_utf8", c02Charset},
	{"C03_other_json_types", c03OtherTypes},
	{"C04_duplicate_key", c04Duplicate},
	{"C05_duplicate_key_through_escapes", c05EscapedDuplicate},
	{"C06_case_variant_is_unknown", c06CaseVariant},
	{"C07_unicode_folded_variant_is_unknown", c07FoldedVariant},
	{"C08_not_a_string", c08NotAString},
	{"C09_null_is_omitted", c09Null},
	{"C10_not_an_object", c10NotAnObject},
	{"C11_trailing_data", c11TrailingData},
	{"C12_deep_nesting", c12DeepNesting},
	{"C13_very_many_keys", c13ManyKeys},
	{"C14_invalid_utf8", c14InvalidUTF8},
	{"C15_lone_surrogate", c15LoneSurrogate},
	{"C16_escaped_nul", c16NUL},
	{"C17_no_other_dialect", c17Dialects},
	{"C18_mislabelled_body", c18Mislabelled},
	{"C19_credentials_in_the_body", c19Credentials},
	{"C20_numbers_in_ignored_keys", c20Numbers},
}

// object is a request with a JSON body as it is, by c1.
func (f *fixture) object(body string) *request { return rawJSON(body).by(f.c1) }

// objects are several of them.
func (f *fixture) objects(bodies ...string) []*request {
	var all []*request
	for _, b := range bodies {
		all = append(all, f.object(b))
	}
	return all
}

func c01SameAsForm(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{
		`{"grant_type":"client_credentials","scope":"read"}`,
		" {\r\n\t\"grant_type\" : \"client_credentials\" ,\n \"scope\":\"read\" } \r\n",
		`{"\u0067rant\u005Ftype":"client\u005fcredentials","scope":"r\u0065ad"}`,
	} {
		got := f.send(f.object(body)).tokens()
		if got.scope != "read" || got.claims["client_id"] != f.c1.id {
			t.Errorf("%s: got scope %q of client %v, want read of %s", body, got.scope, got.claims["client_id"], f.c1.id)
		}
	}
	f.send(f.redeem(f.c1, f.code(f.c1)).json()).tokens()
	f.send(refresh(f.c1, f.refreshToken(f.c1)).json()).tokens()
	f.send(presentKey(f.c1, f.apiKey(f.c1)).json()).tokens()
	for _, wrong := range []*request{
		form("grant_type", "nope").by(f.c1),
		clientCredentials(f.c1).with("scope", "unknown"),
		f.redeem(f.c1, f.code(f.c2)),
		clientCredentials(f.c1).basic(f.c1.id, "wrong"),
		clientCredentials(f.cc).with("grant_type", "refresh_token", "refresh_token", "rt_unknown"),
	} {
		a, b := f.send(wrong), f.send(wrong.json())
		if a.status < 400 || a.status != b.status || a.body != b.body {
			t.Errorf("%s: got %d %s as a form and %d %s as JSON, want one refusal", wrong.text(), a.status, a.body, b.status, b.body)
		}
	}
}

func c02Charset(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, contentType := range []string{"application/json; charset=utf-8", "application/json;charset=UTF-8", `application/json; charset="utf-8"`} {
		f.send(f.object(`{"grant_type":"client_credentials","scope":"read"}`).set("Content-Type", contentType)).tokens()
	}
	f.refusedUnread(clientCredentials(f.c1).json().set("Content-Type", "application/json; charset=utf-16"))
}

func c03OtherTypes(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, contentType := range []string{
		"application/foo+json", "text/json", "application/jsonp", "application/json5", "application/jwt", "application/x-json", "json", "application/json+json",
	} {
		f.refusedUnread(clientCredentials(f.c1).json().set("Content-Type", contentType))
	}
}

func c04Duplicate(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(f.objects(
		`{"grant_type":"client_credentials","grant_type":"refresh_token"}`,
		`{"grant_type":"refresh_token","grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","scope":"read","scope":"admin:x"}`,
		`{"grant_type":"client_credentials","grant_type":null}`,
		`{"grant_type":null,"grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","scope":{},"scope":"read"}`,
	)...)
}

func c05EscapedDuplicate(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.refusedUnread(f.objects(
		`{"grant_type":"client_credentials","grant\u005ftype":"refresh_token"}`,
		`{"grant\u005ftype":"client_credentials","grant\u005Ftype":"refresh_token"}`,
		`{"\u0067rant_type":"client_credentials","grant_type":"client_credentials"}`,
	)...)
}

func c06CaseVariant(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{
		`{"grant_type":"client_credentials","GRANT_TYPE":"refresh_token"}`,
		`{"GRANT_TYPE":"refresh_token","grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","Grant_Type":["refresh_token"],"Client_Id":1,"Client_secret":"x"}`,
	} {
		if got := f.send(f.object(body)).tokens(); got.claims["sub"] != f.c1.id {
			t.Errorf("%s: sub is %v, want the client %s", body, got.claims["sub"], f.c1.id)
		}
	}
	f.refusedUnread(f.object(`{"Grant_Type":"client_credentials"}`))
}

func c07FoldedVariant(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{
		`{"grant_type":"client_credentials","ſcope":"admin:x"}`,
		`{"ſcope":"admin:x","grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","\u017fcope":"admin:x"}`,
		`{"grant_type":"client_credentials","client_ſecret":"x","api_\u212Aey":"x"}`,
	} {
		if got := f.send(rawJSON(body).by(f.cc)).tokens().scope; got != "read" {
			t.Errorf("%s: scope is %q, want read", body, got)
		}
	}
	// The folded name does not serve in place of the right one either.
	key := presentKey(f.c1, f.apiKey(f.c1))
	f.refusedUnread(key.json().without("api_key").and("api_\u212aey", key.params[5]))
}

// everyName are the names whose values are strings.
var everyName = []string{
	"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token",
	"scope", "api_key", "client_assertion", "client_assertion_type", "subject_token", "device_code",
}

func c08NotAString(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, name := range everyName {
		for _, value := range []string{`1`, `0`, `true`, `false`, `["client_credentials"]`, `[]`, `{"a":1}`, `{}`, `[null]`, `1e400`} {
			rest := `,"grant_type":"client_credentials"}`
			if name == "grant_type" {
				rest = `}`
			}
			f.refusedUnread(f.object(`{"` + name + `":` + value + rest))
		}
	}
	f.refusedUnread(f.objects(
		`{"grant_type":"client_credentials","resource":1}`,
		`{"grant_type":"client_credentials","resource":{"a":"b"}}`,
		`{"grant_type":"client_credentials","resource":[1]}`,
		`{"grant_type":"client_credentials","resource":[["https://api.test"]]}`,
	)...)
}

func c09Null(t *testing.T, open opener) {
	f := newFixture(t, open)
	want := f.send(clientCredentials(f.c1)).tokens().scope
	for _, body := range []string{
		`{"grant_type":"client_credentials","scope":null}`,
		`{"scope": null ,"grant_type":"client_credentials"}`,
		`{"grant_type":"client_credentials","scope":""}`,
		`{"grant_type":"client_credentials","scope":null,"code":null,"refresh_token":null,"client_secret":null,"client_id":null,"resource":null,"foo":null}`,
	} {
		if got := f.send(f.object(body)).tokens().scope; got != want || got == "" {
			t.Errorf("%s: scope is %q, want %q as without it", body, got, want)
		}
	}
	missing := f.object(`{"grant_type":null}`)
	f.refusedUnread(missing)
	f.send(missing).names("grant_type")
	r := f.redeem(f.c1, f.code(f.c1))
	f.send(f.object(strings.Replace(r.json().text(), `"`+verifier+`"`, "null", 1))).refused("invalid_grant")
	f.send(r.json()).tokens()
}
