package endpointtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reply is a response, read.
type reply struct {
	t      testing.TB
	sent   *request
	status int
	header http.Header
	body   string
}

// send sends a request and reads the response.
func (f *fixture) send(r *request) *reply {
	f.Helper()
	target := f.url + r.path
	if r.query != "" {
		target += "?" + r.query
	}
	hr, err := http.NewRequestWithContext(f.Context(), r.method, target, strings.NewReader(r.text()))
	if err != nil {
		f.Fatal(err)
	}
	hr.Header = r.header
	f.noteSecrets(r)
	response, err := f.client.Do(hr)
	if err != nil {
		f.Fatalf("%s: %v", r.text(), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.Fatal(err)
	}
	return &reply{t: f.T, sent: r, status: response.StatusCode, header: response.Header, body: string(body)}
}

// noteSecrets takes down what a request shows, whether it is right or wrong.
func (f *fixture) noteSecrets(r *request) {
	for i := 0; i+1 < len(r.params); i += 2 {
		switch r.params[i] {
		case "client_secret", "code", "code_verifier", "refresh_token", "api_key", "client_assertion", "token":
			f.secret(r.params[i+1])
		}
	}
}

// tokens is a successful response.
type tokens struct {
	accessToken, refreshToken, scope string
	expiresIn                        int64
	header, claims                   map[string]any
}

var visible = regexp.MustCompile(`^[\x20-\x7e]+$`)

// tokens asserts the response OK of the specification and returns what it
// holds.
func (r *reply) tokens() tokens {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("%s: got %d %s, want 200", r.sent.text(), r.status, r.body)
	}
	m := r.envelope()
	got := tokens{}
	got.accessToken, _ = m["access_token"].(string)
	if !visible.MatchString(got.accessToken) {
		r.t.Fatalf("access_token is %q", m["access_token"])
	}
	if m["token_type"] != "Bearer" {
		r.t.Errorf("token_type is %v, want Bearer", m["token_type"])
	}
	n, ok := m["expires_in"].(json.Number)
	seconds, err := n.Int64()
	if !ok || err != nil || seconds < 1 || seconds > 31536000 {
		r.t.Errorf("expires_in is %v, want an integer from 1 to 31536000", m["expires_in"])
	}
	got.expiresIn = seconds
	got.refreshToken, _ = m["refresh_token"].(string)
	got.scope, _ = m["scope"].(string)
	got.header, got.claims = decode(r.t, got.accessToken)
	return got
}

// refused asserts the response E(code) of the specification.
func (r *reply) refused(code string) { r.t.Helper(); r.refusedWith(http.StatusBadRequest, code) }

// unauthorized asserts the response E401 of the specification.
func (r *reply) unauthorized() {
	r.t.Helper()
	r.refusedWith(http.StatusUnauthorized, "invalid_client")
	want := regexp.MustCompile(`^Basic realm="[^"]+", error="invalid_client"$`)
	if got := r.header.Values("WWW-Authenticate"); len(got) != 1 || !want.MatchString(got[0]) {
		r.t.Errorf("WWW-Authenticate is %q, want one Basic challenge", got)
	}
}

// unavailable asserts that an outage is said to be one.
func (r *reply) unavailable() {
	r.t.Helper()
	r.refusedWith(http.StatusServiceUnavailable, "temporarily_unavailable")
	if r.header.Get("Retry-After") == "" {
		r.t.Error("there is no Retry-After")
	}
}

var description = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]*$`)

// refusedWith asserts the response E(status, code) of the specification.
func (r *reply) refusedWith(status int, code string) {
	r.t.Helper()
	if r.status != status {
		r.t.Errorf("%s: got %d %s, want %d %s", r.sent.text(), r.status, r.body, status, code)
		return
	}
	m := r.envelope()
	if m["error"] != code {
		r.t.Errorf("%s: error is %v, want %s", r.sent.text(), m["error"], code)
	}
	for name := range m {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			r.t.Errorf("the error has a member %q", name)
		}
	}
	text, _ := m["error_description"].(string)
	if !description.MatchString(text) {
		r.t.Errorf("error_description is %q", text)
	}
	for i := 1; i < len(r.sent.params); i += 2 {
		if v := r.sent.params[i]; len(v) > 3 && r.sent.params[i-1] != "grant_type" && strings.Contains(r.body, v) {
			r.t.Errorf("the error %s echoes the value %q", r.body, v)
		}
	}
}

// names asserts that the error_description names a parameter.
func (r *reply) names(parameter string) {
	r.t.Helper()
	if text, _ := r.envelope()["error_description"].(string); !strings.Contains(text, parameter) {
		r.t.Errorf("error_description is %q, want it to name %s", text, parameter)
	}
}

// envelope asserts what holds for every response with a body, and returns its
// members.
func (r *reply) envelope() map[string]any {
	r.t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
	} {
		if got := r.header.Get(name); got != want {
			r.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := r.header.Get("Content-Type"); got != "application/json" && !strings.EqualFold(got, "application/json; charset=utf-8") {
		r.t.Errorf("Content-Type is %q", got)
	}
	for _, name := range []string{"Set-Cookie", "Location"} {
		if got := r.header.Get(name); got != "" {
			r.t.Errorf("%s is %q, want none", name, got)
		}
	}
	m, err := members(r.body)
	if err != nil {
		r.t.Fatalf("the body %q is not one JSON object: %v", r.body, err)
	}
	return m
}

// members decodes one JSON object whose names differ and whose values are not
// null.
func members(body string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	m := make(map[string]any)
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("no object: %v %v", token, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if _, twice := m[name.(string)]; twice || value == nil {
			return nil, fmt.Errorf("%v is there twice or null", name)
		}
		m[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	rest, _ := io.ReadAll(d.Buffered())
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("there is more behind it: %q", rest)
	}
	return m, nil
}
