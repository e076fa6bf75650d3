package jws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

const claims = `{"iss":"https://as.test","sub":"u1","aud":"https://api.test","exp":1700003600,"iat":1700000000,"jti":"j1","client_id":"c1"}`

// parsed is the token that claims describe.
func parsed(change func(*jws.AccessToken)) *jws.AccessToken {
	a := valid()
	a.IssuedAt, a.ExpiresAt = time.Unix(1_700_000_000, 0).UTC(), time.Unix(1_700_003_600, 0).UTC()
	if change != nil {
		change(&a)
	}
	return &a
}

// add puts members into claims.
func add(members string) string { return strings.TrimSuffix(claims, "}") + "," + members + "}" }

// swap puts another value in the place of a claim's.
func swap(name, value string) string {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(claims), &all); err != nil {
		panic(err)
	}
	return strings.Replace(claims, fmt.Sprintf(`%q:%s`, name, all[name]), fmt.Sprintf(`%q:%s`, name, value), 1)
}

func TestParseAccessToken(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       *jws.AccessToken
	}{
		{"the required claims", claims, parsed(nil)},
		{"spaces around and within", " \n" + strings.ReplaceAll(claims, ",", " ,\t") + "\r\n ", parsed(nil)},
		{"several audiences", swap("aud", `["a","b"]`), parsed(func(a *jws.AccessToken) { a.Audience = []string{"a", "b"} })},
		{"a list of one audience", swap("aud", `["a"]`), parsed(func(a *jws.AccessToken) { a.Audience = []string{"a"} })},
		{"a scope", add(`"scope":"read"`), parsed(func(a *jws.AccessToken) { a.Scope = []string{"read"} })},
		{"scopes", add(`"scope":"read write"`), parsed(func(a *jws.AccessToken) { a.Scope = []string{"read", "write"} })},
		{"a family", add(`"family":"f1"`), parsed(func(a *jws.AccessToken) { a.Family = "f1" })},
		{"further claims", add(`"tenant":"t1","n":12345678901234567890,"x":null,"deep":{"a":[1.50,true]}`), parsed(func(a *jws.AccessToken) {
			a.Claims = map[string]any{"tenant": "t1", "n": json.Number("12345678901234567890"), "x": nil, "deep": map[string]any{"a": []any{json.Number("1.50"), true}}}
		})},
		{"names that differ by case are further claims", add(`"Sub":"root","SCOPE":"admin"`), parsed(func(a *jws.AccessToken) {
			a.Claims = map[string]any{"Sub": "root", "SCOPE": "admin"}
		})},
		{"registered claims of no field are left out", add(`"nbf":1,"cnf":{"jkt":"x"},"act":{"sub":"y"}`), parsed(nil)},
		{"escapes", swap("sub", `"\u0075\u0031\"\\\ud83d\ude00"`), parsed(func(a *jws.AccessToken) { a.Subject = `u1"\😀` })},
		{"instants long ago", swap("iat", "-5"), parsed(func(a *jws.AccessToken) { a.IssuedAt = time.Unix(-5, 0).UTC() })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := jws.ParseAccessToken([]byte(tt.text))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseAccessToken = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseAccessTokenRefuses(t *testing.T) {
	texts := map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a list of one": "[" + claims + "]", "a string": `"x"`, "a number": "1", "an empty object": "{}", "no JSON": "sub=u1",
		"an object cut short": claims[:len(claims)-1], "two objects": claims + claims, "text after it": claims + "x",
		"a bracket after it": claims + "]", "a brace after it": claims + "}", "a comma after it": claims + ",", "a zero byte after it": claims + "\x00", "a byte order mark": "\ufeff" + claims,
	}
	for _, name := range []string{"iss", "sub", "client_id", "jti", "aud", "exp", "iat"} {
		texts["no "+name] = strings.Replace(claims, `"`+name+`"`, `"x"`, 1)
		texts[name+" in capitals"] = strings.Replace(claims, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1)
		for _, value := range []string{"null", "true", "{}", `""`, `[[]]`} {
			texts[name+" "+value] = swap(name, value)
		}
	}
	for _, name := range []string{"iss", "sub", "client_id", "jti"} {
		texts[name+" a number"], texts[name+" a list"] = swap(name, "1"), swap(name, `["x"]`)
	}
	for _, value := range []string{"1", "[]", `["a",1]`, `["a",""]`, `["a",null]`, `["a",["b"]]`} {
		texts["aud "+value] = swap("aud", value)
	}
	for _, name := range []string{"exp", "iat"} {
		for _, value := range []string{`"1700000000"`, "1700000000.5", "1.7e9", "1e400", "9223372036854775808", "[1700000000]"} {
			texts[name+" "+value] = swap(name, value)
		}
	}
	for _, name := range []string{"scope", "family"} {
		for _, value := range []string{"null", `""`, "1", `["read"]`, "{}"} {
			texts[name+" "+value] = add(fmt.Sprintf("%q:%s", name, value))
		}
	}
	for name, text := range texts {
		if text == claims {
			t.Errorf("%s: the case changes nothing", name)
		}
		if got, err := jws.ParseAccessToken([]byte(text)); !errors.Is(err, jws.ErrInvalid) || got != nil {
			t.Errorf("%s: ParseAccessToken = %+v, %v, want ErrInvalid", name, got, err)
		}
	}
}

// Verify does not read the payload, and ParseAccessToken does.
func TestPayloadThatIsNoToken(t *testing.T) {
	s := newKeySet(t, signingKey(jws.EdDSA))
	for _, body := range []string{"null", "[]", "", "no JSON", "\x00\xff"} {
		got, _, err := jws.Verify(t.Context(), s, sign(t, s, jws.TypeAccessToken, body), jws.TypeAccessToken, start)
		if err != nil || string(got) != body {
			t.Errorf("Verify = %q, %v, want %q", got, err, body)
		}
		if a, err := jws.ParseAccessToken(got); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("ParseAccessToken of %q = %+v, %v, want ErrInvalid", body, a, err)
		}
	}
}

func TestHasScope(t *testing.T) {
	a := parsed(func(a *jws.AccessToken) { a.Scope = []string{"read", "write"} })
	for scope, want := range map[string]bool{"read": true, "write": true, "rea": false, "Read": false, "read write": false, "": false} {
		if got := a.HasScope(scope); got != want {
			t.Errorf("HasScope(%q) = %t, want %t", scope, got, want)
		}
	}
	if parsed(nil).HasScope("") {
		t.Error("a token without a scope has the empty one")
	}
}
