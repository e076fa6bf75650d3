package testbed

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

// Reply is a response, read.
type Reply struct {
	T      testing.TB
	Sent   *Request
	Status int
	Header http.Header
	Body   string
}

// Send sends a request and reads the response.
func (f *Fixture) Send(r *Request) *Reply {
	f.Helper()
	target := f.URL + r.path
	if r.Query != "" {
		target += "?" + r.Query
	}
	hr, err := http.NewRequestWithContext(f.Context(), r.Method, target, strings.NewReader(r.Text()))
	if err != nil {
		f.Fatal(err)
	}
	hr.Header = r.Header
	f.NoteSecrets(r)
	response, err := f.client.Do(hr)
	if err != nil {
		f.Fatalf("%s: %v", r.Text(), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.Fatal(err)
	}
	return &Reply{T: f.T, Sent: r, Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// NoteSecrets notes the secrets that a request shows, right or wrong.
func (f *Fixture) NoteSecrets(r *Request) {
	for i := 0; i+1 < len(r.Params); i += 2 {
		switch r.Params[i] {
		case "client_secret", "code", "code_verifier", "refresh_token", "api_key", "client_assertion", "assertion", "token":
			f.Secret(r.Params[i+1])
		}
	}
}

// Tokens is a successful response.
type Tokens struct {
	AccessToken, RefreshToken, Scope string
	ExpiresIn                        int64
	Header, Claims                   map[string]any
}

var printable = regexp.MustCompile(`^[\x20-\x7e]+$`)

// Tokens asserts the response OK of the specification and returns its tokens.
func (r *Reply) Tokens() Tokens {
	r.T.Helper()
	if r.Status != http.StatusOK {
		r.T.Fatalf("%s: got %d %s, want 200", r.Sent.Text(), r.Status, r.Body)
	}
	m := r.Envelope()
	got := Tokens{}
	got.AccessToken, _ = m["access_token"].(string)
	if !printable.MatchString(got.AccessToken) {
		r.T.Fatalf("access_token is %q", m["access_token"])
	}
	if m["token_type"] != "Bearer" {
		r.T.Errorf("token_type is %v, want Bearer", m["token_type"])
	}
	n, ok := m["expires_in"].(json.Number)
	seconds, err := n.Int64()
	if !ok || err != nil || seconds < 1 || seconds > 31536000 {
		r.T.Errorf("expires_in is %v, want an integer from 1 to 31536000", m["expires_in"])
	}
	got.ExpiresIn = seconds
	got.RefreshToken, _ = m["refresh_token"].(string)
	got.Scope, _ = m["scope"].(string)
	got.Header, got.Claims = Decode(r.T, got.AccessToken)
	return got
}

// Refused asserts the response E(code) of the specification.
func (r *Reply) Refused(code string) { r.T.Helper(); r.RefusedWith(http.StatusBadRequest, code) }

// Unauthorized asserts the response E401 of the specification.
func (r *Reply) Unauthorized() { r.T.Helper(); r.Challenged("Basic") }

// Challenged asserts E401 with the challenge of a scheme (ruling R33).
func (r *Reply) Challenged(scheme string) {
	r.T.Helper()
	r.RefusedWith(http.StatusUnauthorized, "invalid_client")
	want := regexp.MustCompile(`^` + scheme + ` realm="[^"]+", error="invalid_client"$`)
	if got := r.Header.Values("WWW-Authenticate"); len(got) != 1 || !want.MatchString(got[0]) {
		r.T.Errorf("%s: WWW-Authenticate is %q, want one %s challenge", r.Sent.Text(), got, scheme)
	}
}

// Unavailable asserts that an outage is said to be one.
func (r *Reply) Unavailable() {
	r.T.Helper()
	r.RefusedWith(http.StatusServiceUnavailable, "temporarily_unavailable")
	if r.Header.Get("Retry-After") == "" {
		r.T.Error("there is no Retry-After")
	}
}

var description = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]*$`)

// RefusedWith asserts the response E(status, code) of the specification.
func (r *Reply) RefusedWith(status int, code string) {
	r.T.Helper()
	if r.Status != status {
		r.T.Errorf("%s: got %d %s, want %d %s", r.Sent.Text(), r.Status, r.Body, status, code)
		return
	}
	m := r.Envelope()
	if m["error"] != code {
		r.T.Errorf("%s: error is %v, want %s", r.Sent.Text(), m["error"], code)
	}
	for name := range m {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			r.T.Errorf("the error has a member %q", name)
		}
	}
	text, _ := m["error_description"].(string)
	if !description.MatchString(text) {
		r.T.Errorf("error_description is %q", text)
	}
	for i := 1; i < len(r.Sent.Params); i += 2 {
		if v := r.Sent.Params[i]; len(v) > 3 && r.Sent.Params[i-1] != "grant_type" && strings.Contains(r.Body, v) {
			r.T.Errorf("the error %s echoes the value %q", r.Body, v)
		}
	}
}

// Names asserts that the error_description names a parameter.
func (r *Reply) Names(parameter string) {
	r.T.Helper()
	if text, _ := r.Envelope()["error_description"].(string); !strings.Contains(text, parameter) {
		r.T.Errorf("error_description is %q, want it to name %s", text, parameter)
	}
}

// Envelope asserts the rules for every response with a body, and returns its
// members.
func (r *Reply) Envelope() map[string]any {
	r.T.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
	} {
		if got := r.Header.Get(name); got != want {
			r.T.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" && !strings.EqualFold(got, "application/json; charset=utf-8") {
		r.T.Errorf("Content-Type is %q", got)
	}
	for _, name := range []string{"Set-Cookie", "Location"} {
		if got := r.Header.Get(name); got != "" {
			r.T.Errorf("%s is %q, want none", name, got)
		}
	}
	m, err := Members(r.Body)
	if err != nil {
		r.T.Fatalf("the body %q is not one JSON object: %v", r.Body, err)
	}
	return m
}

// Members decodes one JSON object whose names differ and whose values are not
// null.
func Members(body string) (map[string]any, error) {
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
