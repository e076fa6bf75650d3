package params

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzForm compares the form reader with net/url: net/url reads every form that
// the reader accepts alike, and the reader accepts every form that net/url reads
// and the rules allow. A body that begins as a JSON object is no form.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"grant_type=client_credentials&scope=read+write", "a=1&a=2", "scope=%zz", "a;b", "code=%00", "x=%C3%A9&client_id=%C3%A9",
		"grant_type=a&grant_type=a", "&&a&=b&c=", "resource=a&resource=b", "%67rant_type=x", "a=%", "a=%4", "+=+", "scope=\x00",
		"{", " \t{a=b", "%7B", "+{",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parseForm(body)
		want, urlErr := url.ParseQuery(body)
		if err != nil {
			begins := strings.TrimLeft(body, " \t\r\n")
			if urlErr == nil && allowed(want) && !strings.HasPrefix(begins, "{") {
				t.Errorf("parseForm(%q): %v, and net/url reads %v", body, err, want)
			}
			return
		}
		if urlErr != nil {
			t.Fatalf("parseForm accepts %q, and net/url says %v", body, urlErr)
		}
		checkMeaning(t, body, p, want)
	})
}

// allowed says which parameters the rules of form.go let through.
func allowed(v url.Values) bool {
	n := 0
	for name, values := range v {
		n += len(values)
		if len(values) > 1 && known(name) != undefined && name != "resource" {
			return false
		}
		for _, value := range values {
			if checkEncoding(name, value) != nil || checkValue(known(name), value, false) != nil {
				return false
			}
		}
	}
	return n <= maxParameters
}

// checkMeaning compares the result of the reader with everything that was sent.
func checkMeaning(t *testing.T, body string, got Params, sent url.Values) {
	t.Helper()
	want := make(map[string]string)
	for name, values := range sent {
		if name != "resource" && len(values) == 1 && values[0] != "" {
			want[name] = values[0]
		}
	}
	if !maps.Equal(got.Form, want) {
		t.Errorf("%q is read as %q, want %q", body, map[string]string(got.Form), want)
	}
	resource := slices.DeleteFunc(slices.Clone(sent["resource"]), func(s string) bool { return s == "" })
	if !slices.Equal(got.Resource, resource) {
		t.Errorf("%q has the resources %q, want %q", body, got.Resource, resource)
	}
}

// FuzzJSON holds the JSON reader against encoding/json, and against the form
// reader: the same parameters mean the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"grant_type":"client_credentials","scope":null}`, `{"a":1,"a":[{"b":[]}]}`, `{"code":"\ud800"}`, `{"code":"\ud83d\ude00"}`,
		`{"grant\u005ftype":"x","grant_type":"y"}`, `{"x":-0.5e+10,"y":true,"z":false}`, `{} {}`, "{}\x00", `{"a":"\u0000"}`, `[]`, `{"a":01}`,
		`{"resource":["a","b"]}`, `{"scope":{"a":1}}`, "{\"a\":\"\xff\"}", `{"a":"\/\b\f\n\r\t\"\\"}`, `{"a":"b",}`, ` { "a" : "b" } `, `{"a":nullx}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parseJSON(body)
		sent, plain := decodeObject(body)
		if err != nil {
			if plain && allowed(sent) {
				t.Errorf("parseJSON(%q): %v, and encoding/json reads %v", body, err, sent)
			}
			return
		}
		if !json.Valid([]byte(body)) || !utf8.ValidString(body) {
			t.Fatalf("parseJSON accepts %q, and encoding/json does not", body)
		}
		if plain {
			checkMeaning(t, body, p, sent)
		}
		if twin, err := parseForm(sent.Encode()); plain && (err != nil || !maps.Equal(twin.Form, p.Form)) {
			t.Errorf("%q is read as %q, and as a form as %q, %v", body, map[string]string(p.Form), map[string]string(twin.Form), err)
		}
	})
}

// decodeObject reads a flat object of strings and nulls with encoding/json. It
// reports whether that is all that it is, and that nothing was replaced.
func decodeObject(body string) (url.Values, bool) {
	d := json.NewDecoder(strings.NewReader(body))
	if token, err := d.Token(); err != nil || token != json.Delim('{') || !json.Valid([]byte(body)) || strings.Contains(body, "\uFFFD") {
		return nil, false
	}
	v := make(url.Values)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value *string
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		if value == nil {
			value = new(string)
		}
		if strings.Contains(name.(string)+*value, "\uFFFD") { // encoding/json replaced something
			return nil, false
		}
		v.Add(name.(string), *value)
	}
	return v, true
}

// FuzzBasic compares the reader of the Authorization header with net/http:
// net/http reads every header that the reader accepts alike, up to the form
// encoding, which net/http does not decode.
func FuzzBasic(f *testing.F) {
	for _, seed := range []string{"id:secret", "a%3Ab+%C3%A9:p%2Bss", "id:", ":x", "id", "id:100%", "a:b:c", "\x00:x", "id:\xff"} {
		f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte(seed)), seed, seed)
	}
	f.Add("basic Yg==", "é", "%+ :")
	f.Add("Basic  Yg==", "", "")
	f.Add("Basic YTpi\nYTpi", "", "")
	f.Fuzz(func(t *testing.T, header, id, password string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got, err := parseBasic(header); err == nil {
			user, pass, ok := r.BasicAuth()
			wantID, err1 := url.QueryUnescape(user)
			wantPassword, err2 := url.QueryUnescape(pass)
			if !ok || err1 != nil || err2 != nil || got != (basic{wantID, wantPassword, pass}) || got.id == "" {
				t.Errorf("parseBasic(%q) = %q; net/http reads %q, %q", header, got, user, pass)
			}
		}
		if id == "" || !IsText(id) || !IsText(password) {
			return
		}
		encoded := url.QueryEscape(id) + ":" + url.QueryEscape(password)
		got, err := parseBasic("BASIC " + base64.StdEncoding.EncodeToString([]byte(encoded)))
		if err != nil || got.id != id || got.password != password {
			t.Errorf("encoded %q, %q; parseBasic reads %q, %v", id, password, got, err)
		}
	})
}
