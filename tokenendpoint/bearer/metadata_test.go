package bearer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// An API elsewhere mounts its metadata at the path that its challenges name, and
// scripts of every origin may read them.
func TestP18ResourceMetadata(t *testing.T) {
	for name, tt := range map[string]struct {
		audience, at string
		scopes       []string
		want         map[string]any
	}{
		"a host": {"https://api.test", "https://api.test/.well-known/oauth-protected-resource", []string{"read", "write"}, map[string]any{
			"scopes_supported": []any{"read", "write"},
		}},
		"a path":         {"https://api.test:8443/v1/mcp", "https://api.test:8443/.well-known/oauth-protected-resource/v1/mcp", nil, nil},
		"as it is spelt": {"HTTPS://Api.test/V1?a=b&c", "https://Api.test/.well-known/oauth-protected-resource/V1?a=b&c", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, edKeys(t), func(c *bearer.Config) { c.Audience, c.ScopesSupported = tt.audience, tt.scopes })
			challenge := ask(v, []string{"read"}, "/").Header.Get("WWW-Authenticate")
			if want := `Bearer realm="api", scope="read", resource_metadata="` + tt.at + `"`; challenge != want {
				t.Errorf("the challenge is %s, want %s", challenge, want)
			}
			mux := http.NewServeMux()
			mux.Handle(v.ResourceMetadata())
			r := httptest.NewRequest("GET", tt.at, nil)
			r.Header.Set("Origin", "https://any.test")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("ETag") == "" ||
				w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "public, max-age=3600" {
				t.Errorf("GET %s: %d %v, want a document for every origin", tt.at, w.Code, w.Header())
			}
			want := map[string]any{"resource": tt.audience, "authorization_servers": []any{issuer}, "bearer_methods_supported": []any{"header"}}
			for name, value := range tt.want {
				want[name] = value
			}
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("the metadata are %s, want %v", w.Body, want)
			}
		})
	}
}

func TestP18NoMetadataWhereNoClientFindsThem(t *testing.T) {
	for name, audience := range map[string]string{
		"a name":                 "orders-api",
		"a URN":                  "urn:example:api",
		"http":                   "http://api.test",
		"a fragment":             "https://api.test/#a",
		"a user":                 "https://me@api.test",
		"a port that is none":    "https://api.test:0",
		"a quote in the host":    `https://api.test".evil.test`,
		"a quote in the query":   `https://api.test/?a="`,
		"a backslash":            `https://api.test\evil.test`,
		"a path that is cleaned": "https://api.test/a/../b",
		"two slashes":            "https://api.test//b",
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, edKeys(t), func(c *bearer.Config) { c.Audience = audience })
			if challenge := ask(v, []string{"read"}, "/").Header.Get("WWW-Authenticate"); challenge != `Bearer realm="api", scope="read"` {
				t.Errorf("the challenge is %s, want none that names metadata", challenge)
			}
			path, handler := v.ResourceMetadata()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/oauth-protected-resource", nil))
			if path != "" || w.Code != 404 {
				t.Errorf("the path is %q and the answer %d, want none and 404", path, w.Code)
			}
		})
	}
	loopback := newVerifier(t, edKeys(t), func(c *bearer.Config) { c.Audience = "http://127.0.0.1:8080/api" })
	if path, _ := loopback.ResourceMetadata(); !strings.HasSuffix(path, "/api") {
		t.Errorf("http on a loopback address: the path is %q, want one", path)
	}
}
