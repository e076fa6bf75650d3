package jws_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

var issued = time.Unix(1_700_000_000, 999_999_999)

// valid returns a token to spoil.
func valid() jws.AccessToken {
	return jws.AccessToken{
		Issuer: "https://as.test", Subject: "u1", ClientID: "c1", ID: "j1", Audience: []string{"https://api.test"},
		IssuedAt: issued, ExpiresAt: issued.Add(time.Hour),
	}
}

func with(change func(*jws.AccessToken)) jws.AccessToken {
	a := valid()
	change(&a)
	return a
}

func TestAppendJSON(t *testing.T) {
	const head = `{"iss":"https://as.test","sub":"u1","aud":"https://api.test","exp":1700003600,"iat":1700000000,"jti":"j1","client_id":"c1"`
	for _, tt := range []struct {
		name  string
		token jws.AccessToken
		want  string
	}{
		{"the required claims, in whole seconds", valid(), head + `}`},
		{"one scope", with(func(a *jws.AccessToken) { a.Scope = []string{"read"} }), head + `,"scope":"read"}`},
		{"scopes are joined by spaces", with(func(a *jws.AccessToken) { a.Scope = []string{"read", "admin:x"} }), head + `,"scope":"read admin:x"}`},
		{"an empty scope is omitted", with(func(a *jws.AccessToken) { a.Scope = []string{} }), head + `}`},
		{"claims come in the order of their names", with(func(a *jws.AccessToken) {
			a.Scope = []string{"read"}
			a.Claims = map[string]any{"b": true, "a": 1, "c": []string{"x"}, "d": map[string]any{"z": nil, "y": 1.5}, "B": nil}
		}), head + `,"scope":"read","B":null,"a":1,"b":true,"c":["x"],"d":{"y":1.5,"z":null}}`},
		{"a name is escaped", with(func(a *jws.AccessToken) { a.Claims = map[string]any{`https://"\` + "\n": 1} }), head + `,"https://\"\\\u000a":1}`},
		{"a name that only begins like a registered one", with(func(a *jws.AccessToken) { a.Claims = map[string]any{"subject": 1, "su": 2, "": 3} }),
			head + `,"":3,"su":2,"subject":1}`},
		{"a json.Marshaler's text is taken", with(func(a *jws.AccessToken) { a.Claims = map[string]any{"a": json.RawMessage(`{"x": 1}`)} }),
			head + `,"a":{"x":1}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.token.AppendJSON([]byte("before"))
			if err != nil || string(got) != "before"+tt.want {
				t.Errorf("AppendJSON = %s, %v, want before%s", got, err, tt.want)
			}
			sameAsReflection(t, &tt.token, got[len("before"):])
		})
	}
}

func TestAppendJSONWithSeveralAudiences(t *testing.T) {
	a := with(func(a *jws.AccessToken) { a.Audience = []string{"https://a.test", `"b"`, "c"} })
	got := must(a.AppendJSON(nil))
	if want := `"aud":["https://a.test","\"b\"","c"],`; !strings.Contains(string(got), want) {
		t.Errorf("AppendJSON = %s, want %s in it", got, want)
	}
	sameAsReflection(t, &a, got)
}

func TestAppendJSONEscapes(t *testing.T) {
	var control strings.Builder
	for c := rune(0); c <= 0x20; c++ {
		control.WriteRune(c)
	}
	for name, s := range map[string]string{
		"control characters": control.String(), "quotation mark": `a"b"`, "backslash": `\a\\`, "HTML": "<script>&</script>",
		"DEL": "\x7f", "line separators": "\u2028\u2029", "beyond the basic plane": "😀é中", "replacement character": "\ufffd",
		"noncharacter": "\uffff", "looks like an escape": `\u0000`,
	} {
		t.Run(name, func(t *testing.T) {
			a := with(func(a *jws.AccessToken) {
				a.Issuer, a.Subject, a.ClientID, a.ID, a.Audience = s, s, s, s, []string{s}
				a.Claims = map[string]any{s: s, "nested": []any{s}}
			})
			got, err := a.AppendJSON(nil)
			if err != nil {
				t.Fatalf("AppendJSON = %v, want no error", err)
			}
			sameAsReflection(t, &a, got)
		})
	}
}

// sameAsReflection compares with the JSON that encoding/json writes for the same claims.
func sameAsReflection(t *testing.T, a *jws.AccessToken, got []byte) {
	t.Helper()
	claims := map[string]any{
		"iss": a.Issuer, "sub": a.Subject, "aud": a.Audience, "exp": a.ExpiresAt.Unix(), "iat": a.IssuedAt.Unix(),
		"jti": a.ID, "client_id": a.ClientID,
	}
	if len(a.Audience) == 1 {
		claims["aud"] = a.Audience[0]
	}
	if len(a.Scope) > 0 {
		claims["scope"] = strings.Join(a.Scope, " ")
	}
	for name, value := range a.Claims {
		claims[name] = value
	}
	var gotValue, wantValue any
	if err := json.Unmarshal(got, &gotValue); err != nil {
		t.Fatalf("AppendJSON = %s: %v", got, err)
	}
	if err := json.Unmarshal(must(json.Marshal(claims)), &wantValue); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotValue, wantValue) {
		t.Errorf("AppendJSON means %v, want %v", gotValue, wantValue)
	}
}

type invalidText struct{}

func (invalidText) MarshalJSON() ([]byte, error) { return []byte("\"\xff\""), nil }

func claim(name string, value any) jws.AccessToken {
	return with(func(a *jws.AccessToken) { a.Claims = map[string]any{name: value} })
}

type tokenRefusal struct {
	name  string
	token jws.AccessToken
	want  string
}

func (tt tokenRefusal) run(t *testing.T) {
	t.Helper()
	got, err := tt.token.AppendJSON([]byte("before"))
	if err == nil || !strings.HasPrefix(err.Error(), "jws: access token: ") || !strings.Contains(err.Error(), tt.want) {
		t.Errorf("AppendJSON = %v, want jws: access token: … %s", err, tt.want)
	}
	if string(got) != "before" {
		t.Errorf("AppendJSON with an error = %q, want the bytes given", got)
	}
}

func TestAppendJSONRefuses(t *testing.T) {
	for _, tt := range []tokenRefusal{
		{"exp that is iat", with(func(a *jws.AccessToken) { a.ExpiresAt = a.IssuedAt }), `"exp": not after iat`},
		{"exp within the second of iat", with(func(a *jws.AccessToken) { a.IssuedAt = issued.Truncate(time.Second); a.ExpiresAt = issued }), `"exp": not after iat`},
		{"exp before iat", with(func(a *jws.AccessToken) { a.ExpiresAt = issued.Add(-time.Hour) }), `"exp": not after iat`},
		{"invalid UTF-8 in iss", with(func(a *jws.AccessToken) { a.Issuer = "a\xff" }), `"iss": invalid UTF-8`},
		{"invalid UTF-8 in sub", with(func(a *jws.AccessToken) { a.Subject = "\xc3" }), `"sub": invalid UTF-8`},
		{"a surrogate in client_id", with(func(a *jws.AccessToken) { a.ClientID = "\xed\xa0\x80" }), `"client_id": invalid UTF-8`},
		{"an overlong form in jti", with(func(a *jws.AccessToken) { a.ID = "\xc0\xaf" }), `"jti": invalid UTF-8`},
		{"invalid UTF-8 in one of two audiences", with(func(a *jws.AccessToken) { a.Audience = []string{"a", "\xff"} }), `"aud": invalid UTF-8`},
		{"invalid UTF-8 in a claim", claim("a", "\xff"), `"a": invalid UTF-8`},
		{"invalid UTF-8 in the name of a claim", claim("a\xff", 1), "the name of a claim is invalid UTF-8"},
		{"invalid UTF-8 in a scope", with(func(a *jws.AccessToken) { a.Scope = []string{"\xff"} }), `"scope": not a scope`},
		{"a scope with a space", with(func(a *jws.AccessToken) { a.Scope = []string{"read admin"} }), `"scope": not a scope`},
		{"an empty scope among others", with(func(a *jws.AccessToken) { a.Scope = []string{"read", ""} }), `"scope": not a scope`},
		{"a scope with a quotation mark", with(func(a *jws.AccessToken) { a.Scope = []string{`a"`} }), `"scope": not a scope`},
		{"a scope with a backslash", with(func(a *jws.AccessToken) { a.Scope = []string{`a\`} }), `"scope": not a scope`},
		{"a scope outside ASCII", with(func(a *jws.AccessToken) { a.Scope = []string{"é"} }), `"scope": not a scope`},
	} {
		t.Run(tt.name, tt.run)
	}
}

// specAccessToken has the rows K and P that this package can fulfil by itself.
func specAccessToken(t *testing.T) {
	for _, tt := range []tokenRefusal{
		{"K02_iss_is_required", with(func(a *jws.AccessToken) { a.Issuer = "" }), `"iss": missing`},
		{"K02_sub_is_required", with(func(a *jws.AccessToken) { a.Subject = "" }), `"sub": missing`},
		{"K02_client_id_is_required", with(func(a *jws.AccessToken) { a.ClientID = "" }), `"client_id": missing`},
		{"K02_jti_is_required", with(func(a *jws.AccessToken) { a.ID = "" }), `"jti": missing`},
		{"K02_exp_is_required", with(func(a *jws.AccessToken) { a.ExpiresAt = time.Time{} }), `"exp": missing`},
		{"K02_iat_is_required", with(func(a *jws.AccessToken) { a.IssuedAt = time.Time{} }), `"iat": missing`},
		{"K02_aud_is_required", with(func(a *jws.AccessToken) { a.Audience = nil }), `"aud": missing`},
		{"K02_an_empty_aud_is_refused", with(func(a *jws.AccessToken) { a.Audience = []string{""} }), `"aud": missing`},
		{"K02_an_empty_aud_among_others_is_refused", with(func(a *jws.AccessToken) { a.Audience = []string{"a", ""} }), `"aud": missing`},
		{"K08_a_channel_is_refused", claim("a", make(chan int)), `"a": json: unsupported type`},
		{"K08_a_nested_function_is_refused", claim("a", []any{map[string]any{"f": func() {}}}), `"a": json: unsupported type`},
		{"K08_NaN_is_refused", claim("a", math.NaN()), `"a": json: unsupported value`},
		{"K08_text_that_is_not_JSON_is_refused", claim("a", json.RawMessage(`1,"sub":"root"`)), `"a": json: `},
		{"K08_text_that_is_not_UTF8_is_refused", claim("a", invalidText{}), `"a": `},
	} {
		t.Run(tt.name, tt.run)
	}
	for _, name := range strings.Fields("iss sub aud exp iat nbf jti client_id scope cnf act") {
		t.Run("K07_"+name+"_is_refused", tokenRefusal{token: claim(name, "x"), want: `"` + name + `": a registered name`}.run)
		t.Run("K07_"+name+"_is_refused_in_upper_case", tokenRefusal{token: claim(strings.ToUpper(name), nil), want: `"` + name + `": a registered name`}.run)
	}
	// U+017F folds to s: encoding/json reads the name as sub.
	t.Run("K07_a_look-alike_of_sub_is_refused", tokenRefusal{token: claim("ſub", "root"), want: `"sub": a registered name`}.run)
}

// The thumbprint of a certificate is written as RFC 8705 §3.1 has it, and read back.
func TestM03CertificateThumbprint(t *testing.T) {
	const thumbprint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	token := with(func(a *jws.AccessToken) { a.CertificateThumbprint = thumbprint })
	text := must(token.AppendJSON(nil))
	if !strings.Contains(string(text), `,"cnf":{"x5t#S256":"`+thumbprint+`"}`) {
		t.Errorf("the claims are %s", text)
	}
	got, err := jws.ParseAccessToken(text)
	if err != nil || got.CertificateThumbprint != thumbprint || got.Claims["cnf"] != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}
