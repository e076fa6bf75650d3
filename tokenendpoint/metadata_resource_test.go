package tokenendpoint_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// p18: an audience has its metadata where RFC 9728 §3.1 has clients look, and other
// audiences have none.
func p18(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.ScopesSupported = []string{"read", "write"}
		c.Audience = []string{
			"orders-api", "https://as.test/api", "https://a.test", "https://B.test:443/", "https://b.test/?tenant=1",
			"https://a.test/mcp/", "https://b.test/mcp/", "https://as.test/v1/", "https://as.test/v1", "http://internal.test/x",
			"https://A.test", // R27: another spelling of one above
		}
	})
	for _, tt := range []struct{ host, at, want string }{
		{"as.test", "/api", "https://as.test/api"},
		{"a.test", "", "https://a.test"},
		{"b.test", "", "https://B.test:443/"},
		{"b.test", "?tenant=1", "https://b.test/?tenant=1"},
		{"b.test", "?tenant=2", "https://a.test"}, // nobody's, so the first at this path
		{"changed-by-a-proxy", "", "https://a.test"},
		{"a.test", "/mcp/", "https://a.test/mcp/"},
		{"b.test", "/mcp/", "https://b.test/mcp/"},
		{"b.test", "/mcp", "https://b.test/mcp/"}, // as many clients ask
		{"as.test", "/v1/", "https://as.test/v1/"},
		{"as.test", "/v1", "https://as.test/v1"},
		{"as.test", "/api/", ""},
		{"internal.test", "/x", ""},
		{"as.test", "/orders-api", ""},
	} {
		r := httptest.NewRequest("GET", "https://"+tt.host+resourcePath+tt.at, nil)
		w := httptest.NewRecorder()
		f.Handler.ServeHTTP(w, r)
		if tt.want == "" {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: got %d %s, want 404", r.URL, w.Code, w.Body)
			}
			continue
		}
		got, err := testbed.Members(w.Body.String())
		want := map[string]any{
			"resource": tt.want, "authorization_servers": []any{testbed.Issuer},
			"scopes_supported": []any{"read", "write"}, "bearer_methods_supported": []any{"header"},
		}
		if w.Code != http.StatusOK || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %d %s, want %v", r.URL, w.Code, w.Body, want)
		}
	}
}

// p18Challenge goes the way of a client that knows nothing but the API: from the
// challenge to the metadata of the API, and on to those of the server.
func p18Challenge(t *testing.T) {
	const issuer, audience = "https://as.test/tenant", "https://as.test/mcp"
	f := testbed.New(t, openMemory, withIssuer(issuer), func(c *tokenendpoint.Config) {
		c.Audience = []string{audience, "https://as.test/other"}
	})
	other, err := f.Handler.Verifier("https://as.test/other")
	if err != nil {
		t.Fatal(err)
	}
	for want, protect := range map[string]func(http.Handler) http.Handler{
		audience: f.Handler.RequireToken("read", "write"), "https://as.test/other": other.RequireToken("read", "write"),
	} {
		w := httptest.NewRecorder()
		protect(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", want, nil))
		challenge := w.Header().Get("WWW-Authenticate")
		_, at, _ := strings.Cut(challenge, `resource_metadata="https://as.test`)
		if w.Code != http.StatusUnauthorized || !strings.Contains(challenge, `scope="read write"`) || at == "" {
			t.Fatalf("%s: got %d %s, want 401 with the scopes and the metadata", want, w.Code, challenge)
		}
		resource := document(f, strings.TrimSuffix(at, `"`))
		if resource["resource"] != want || !reflect.DeepEqual(resource["authorization_servers"], []any{issuer}) {
			t.Errorf("the metadata are %v, want those of %s, with the issuer", resource, want)
		}
		if server := document(f, metadataPath+"/tenant"); server["issuer"] != issuer || server["token_endpoint"] != issuer+testbed.TokenPath {
			t.Errorf("the server says of itself %v, want the issuer %s", server, issuer)
		}
	}
}
