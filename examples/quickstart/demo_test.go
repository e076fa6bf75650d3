package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func decode(t testing.TB, r io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestDemoPages(t *testing.T) {
	const redirect = "&redirect_uri=" + redirectURI
	const pkce = "&code_challenge=" + challenge + "&code_challenge_method=S256"
	for _, test := range []struct{ name, path, want string }{
		{"a code", "/demo/code?client_id=my-app-id" + redirect, "code"},
		{"a code with a scope", "/demo/code?client_id=my-app-id&scope=read+write" + redirect, "code"},
		{"the one redirect_uri may be left out", "/demo/code?client_id=my-app-id", "code"},
		{"a code with PKCE", "/demo/code?client_id=my-public-app" + redirect + pkce, "code"},
		{"an API key", "/demo/api-key?client_id=my-public-app", "api_key"},

		{"client_id is needed", "/demo/code?scope=read", "invalid_request"},
		{"an unknown client gets no code", "/demo/code?client_id=nobody", "invalid_client"},
		{"another redirect_uri", "/demo/code?client_id=my-app-id&redirect_uri=https://evil.example", "invalid_request"},
		{"a scope that nobody has", "/demo/code?client_id=my-app-id&scope=admin", "invalid_scope"},
		{"two spaces in a scope", "/demo/code?client_id=my-app-id&scope=read++write", "invalid_scope"},
		{"a public client needs PKCE", "/demo/code?client_id=my-public-app" + redirect, "invalid_request"},
		{"plain is no method", "/demo/code?client_id=my-app-id&code_challenge_method=plain&code_challenge=" + challenge, "invalid_request"},
		{"a repeated parameter", "/demo/code?client_id=my-app-id&client_id=my-app-id", "invalid_request"},
		{"a broken query", "/demo/code?client_id=%zz", "invalid_request"},
		{"an unknown client gets no API key", "/demo/api-key?client_id=nobody", "invalid_request"},
		{"an API key needs a client_id", "/demo/api-key", "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, err := http.Get(shared.url + test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var answer map[string]string
			decode(t, resp.Body, &answer)
			prefix := map[string]string{"code": "ac_", "api_key": "ck_demo_"}[test.want]
			switch {
			case resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Cache-Control") != "no-store":
				t.Errorf("headers = %v, want JSON that is not stored", resp.Header)
			case prefix != "" && (resp.StatusCode != 200 || !strings.HasPrefix(answer[test.want], prefix)):
				t.Errorf("%d %v, want 200 with %s %s…", resp.StatusCode, answer, test.want, prefix)
			case prefix == "" && (resp.StatusCode != 400 || answer["error"] != test.want):
				t.Errorf("%d %v, want 400 %s", resp.StatusCode, answer, test.want)
			}
		})
	}
}

func TestEachAPIKeyIsFresh(t *testing.T) {
	_, first := get(t, shared.url+"/demo/api-key?client_id=my-app-id")
	_, second := get(t, shared.url+"/demo/api-key?client_id=my-app-id")
	if first == second {
		t.Errorf("two requests gave %s, want two keys", first)
	}
}
