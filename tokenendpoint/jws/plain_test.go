package jws_test

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// The tokens of the endpoint are read without encoding/json, which would be a third of an
// RS256 verification.
func TestOwnTokensArePlain(t *testing.T) {
	a := valid()
	a.Audience, a.Scope, a.Family = []string{"https://a.test", "https://b.test"}, []string{"read", "write"}, "f1"
	a.Claims = map[string]any{"tenant": "Zürich", "level": 3, "roles": []string{"admin"}}
	payload, err := a.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := genuine().Sign(t.Context(), jws.TypeAccessToken, payload, start)
	if err != nil {
		t.Fatal(err)
	}
	for part, encoded := range strings.Split(token, ".")[:2] {
		text, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := jws.DecodePlain(text)
		if want := numbers(t, string(text)); !ok || !reflect.DeepEqual(any(got), want) {
			t.Errorf("part %d, %s, is read as %v, %v, want %v", part, text, got, ok, want)
		}
	}
}

// A text that encoding/json reads otherwise, or refuses, is left to it.
func TestNotPlain(t *testing.T) {
	for _, text := range []string{
		"", "{", "{}", "null", `[]`, `{"a":"b"`, `{"a":"b"}x`, `{"a":"b"} `, ` {"a":"b"}`, `{"a": "b"}`, `{"a":"b",}`, `{"a"}`, `{a:"b"}`, `{"a":}`,
		`{"a":"\u0062"}`, `{"\u0061":"b"}`, "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", `{"a":"b}`,
		`{"a":0}`, `{"a":01}`, `{"a":-1}`, `{"a":1.5}`, `{"a":1e3}`, `{"a":+1}`, `{"a":1x}`,
		`{"a":true}`, `{"a":null}`, `{"a":{}}`, `{"a":[]}`, `{"a":[1]}`, `{"a":["b",]}`, `{"a":["b"`, `{"a":["b" ]}`, `{"a":[["b"]]}`,
	} {
		if got, ok := jws.DecodePlain([]byte(text)); ok {
			t.Errorf("%q is read as %v without encoding/json", text, got)
		}
	}
}
