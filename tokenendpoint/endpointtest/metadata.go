package endpointtest

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// metadataRules is what the server says of itself (RFC 8414).
var metadataRules = []rule{
	{"P10_every_value_of_the_metadata_is_true_and_no_other", p10},
	{"P10_the_host_adds_what_is_its_own", p10Further},
	{"P10_metadata_can_be_kept_and_read_by_browsers", p10Cached},
	{"P11_the_path_of_an_issuer_is_inserted", p11},
}

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	openIDPath   = "/.well-known/openid-configuration"
)

// A server is a configuration and what follows from it.
type server struct {
	name    string
	options []option
	issuer  string // as configured
	base    string // of the URLs
}

func withIssuer(text string) option { return func(c *tokenendpoint.Config) { c.Issuer = text } }

func withPaths(p tokenendpoint.Paths) option {
	return func(c *tokenendpoint.Config) { c.Paths = p }
}

// without removes grants.
func without(types ...string) option {
	return func(c *tokenendpoint.Config) {
		c.Grants = maps.Clone(c.Grants)
		for _, name := range types {
			delete(c.Grants, name)
		}
	}
}

// servers are configurations that differ in what is true of them.
func servers() []server {
	const code, refresh, key = grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeAPIKey
	at := func(base string) option { return func(c *tokenendpoint.Config) { c.BaseURL = base } }
	offline := func(c *tokenendpoint.Config) { c.Revocations = nil }
	return []server{
		{"by default", nil, issuer, issuer},
		{"with a host's own grants", []option{withOwnGrants}, issuer, issuer},
		{"with client_credentials alone", []option{without(code, refresh, key)}, issuer, issuer},
		{"without codes", []option{without(code)}, issuer, issuer},
		{"without secrets", []option{without(grants.TypeClientCredentials, key)}, issuer, issuer},
		{"without Revocations", []option{offline}, issuer, issuer},
		{"an issuer with a slash", []option{withIssuer(issuer + "/")}, issuer + "/", issuer},
		{"an issuer with a path", []option{withIssuer(issuer + "/tenant/1")}, issuer + "/tenant/1", issuer + "/tenant/1"},
		{"an issuer with a path and a slash", []option{withIssuer(issuer + "/tenant/1/")}, issuer + "/tenant/1/", issuer + "/tenant/1"},
		{"an issuer with odd characters", []option{withIssuer(issuer + "/a%2Fb&c")}, issuer + "/a%2Fb&c", issuer + "/a%2Fb&c"},
		{"a base elsewhere", []option{at("https://api.test:8443/auth/")}, issuer, "https://api.test:8443/auth"},
		{"a base elsewhere and a path", []option{withIssuer(issuer + "/t"), at("https://api.test")}, issuer + "/t", "https://api.test"},
		{"paths of its own", []option{withPaths(tokenendpoint.Paths{Token: "/token", Revocation: "/revoke", Introspection: "/o/introspect", JWKS: "/keys"})}, issuer, issuer},
		{"with what can be switched off", []option{withPaths(tokenendpoint.Paths{Revocation: "-", Introspection: "-", JWKS: "-"})}, issuer, issuer},
	}
}

// p10 walks through the metadata of each server: what it says is tried, and so
// is what it could say and does not. A member that nobody knows how to try is an
// error.
func p10(t *testing.T, open opener) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			f := newFixture(t, open, append(s.options, func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true })...)
			w := &witness{fixture: f, server: s}
			for _, route := range f.handler.Routes() {
				if strings.HasPrefix(route.Path, metadataPath) || strings.HasSuffix(route.Path, openIDPath) {
					w.documents = append(w.documents, f.document(route.Path))
				}
			}
			if len(w.documents) != 2 || !reflect.DeepEqual(w.documents[0], w.documents[1]) {
				t.Fatalf("the documents are %v, want two and the same", w.documents)
			}
			w.said = w.documents[0]
			w.use = w.usable()
			for name := range w.said {
				if trials[name] == nil {
					t.Errorf("the metadata has %s, and no test says whether that is true", name)
				}
			}
			for name, try := range trials {
				f.sub(name, func() { try(w, name) })
			}
			w.onlyWhatIsSaid()
		})
	}
}

// document reads a document of the server.
func (f *fixture) document(path string) map[string]any {
	f.Helper()
	r := f.get(path)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json" {
		f.Fatalf("GET %s: got %d %s %s, want JSON", path, r.status, r.header.Get("Content-Type"), r.body)
	}
	m, err := members(r.body)
	if err != nil {
		f.Fatalf("GET %s: %q is not one JSON object: %v", path, r.body, err)
	}
	return m
}

func (f *fixture) get(path string) *reply {
	f.Helper()
	r := form().to(path)
	r.method, r.header = http.MethodGet, http.Header{}
	return f.send(r)
}

// p10Further: New refuses what would override the endpoint, see its own tests.
func p10Further(t *testing.T, open opener) {
	further := map[string]any{
		"authorization_endpoint":   "https://as.test/authorize",
		"scopes_supported":         []string{"read", "write"},
		"service_documentation":    "https://as.test/docs?a=b&c=<d>",
		"ui_locales_supported":     []any{"de", "en"},
		"authorization_response_x": map[string]any{"a": 1.5},
		"jwks_uri":                 "https://cdn.test/keys.json",
	}
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.Metadata, c.Paths.JWKS = further, "-" })
	further["scopes_supported"].([]string)[0] = "changed"
	delete(further, "authorization_endpoint")
	m := f.document(metadataPath)
	for name, want := range map[string]any{
		"authorization_endpoint": "https://as.test/authorize",
		"scopes_supported":       []any{"read", "write"},
		"service_documentation":  "https://as.test/docs?a=b&c=<d>",
		"jwks_uri":               "https://cdn.test/keys.json",
		"issuer":                 issuer,
	} {
		if !reflect.DeepEqual(m[name], want) {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	if r := f.get("/.well-known/jwks.json"); r.status != http.StatusNotFound {
		t.Errorf("the keys: got %d, want 404", r.status)
	}
	f.send(f.redeem(f.c1, f.code(f.c1))).tokens()
}

func p10Cached(t *testing.T, open opener) {
	f := newFixture(t, open)
	first := f.get(metadataPath)
	etag := first.header.Get("ETag")
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff",
		"Content-Type": "application/json", "Access-Control-Allow-Credentials": "", "Set-Cookie": "",
	} {
		if got := first.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	again := form().to(metadataPath).set("If-None-Match", etag)
	again.method = http.MethodGet
	if r := f.send(again); r.status != http.StatusNotModified || r.body != "" || etag == "" {
		t.Errorf("with the ETag %q: got %d %q, want 304 and no body", etag, r.status, r.body)
	}
	if other := newFixture(t, open, without(grants.TypeAPIKey)).get(metadataPath).header.Get("ETag"); other == etag {
		t.Errorf("another document has the same ETag %q", etag)
	}
	if same := newFixture(t, open).get(metadataPath); same.header.Get("ETag") != etag || same.body != first.body {
		t.Errorf("another replica has the document %q %s, want %q %s", same.header.Get("ETag"), same.body, etag, first.body)
	}
	for method, status := range map[string]int{
		http.MethodHead: 200, http.MethodOptions: 204, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405,
	} {
		r := form().to(metadataPath).set("Origin", "https://evil.test")
		r.method = method
		got := f.send(r)
		if got.status != status || got.header.Get("Access-Control-Allow-Origin") != "*" || status == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s: got %d %v, want %d for all origins", method, got.status, got.header, status)
		}
	}
}

// p11 is RFC 8414 §3.1, and OpenID Connect Discovery 1.0 §4 beside it, which
// appends.
func p11(t *testing.T, open opener) {
	for path, want := range map[string][2]string{
		"":              {metadataPath, openIDPath},
		"/":             {metadataPath, openIDPath},
		"/tenant":       {metadataPath + "/tenant", "/tenant" + openIDPath},
		"/tenant/":      {metadataPath + "/tenant", "/tenant" + openIDPath},
		"/a/b":          {metadataPath + "/a/b", "/a/b" + openIDPath},
		"/a%2Fb":        {metadataPath + "/a%2Fb", "/a%2Fb" + openIDPath},
		"/.well-known":  {metadataPath + "/.well-known", "/.well-known" + openIDPath},
		"/connect/oidc": {metadataPath + "/connect/oidc", "/connect/oidc" + openIDPath},
	} {
		t.Run(url.PathEscape(path), func(t *testing.T) {
			f := newFixture(t, open, withIssuer(issuer+path), func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true })
			for _, at := range want {
				if got := f.document(at)["issuer"]; got != issuer+path {
					t.Errorf("%s: issuer is %v, want %s", at, got, issuer+path)
				}
			}
			others := []string{metadataPath, path + metadataPath, openIDPath + path, metadataPath + "/other", metadataPath + path + "/"}
			for _, at := range others {
				if r := f.get(at); !slices.Contains(want[:], at) && r.status != http.StatusNotFound {
					t.Errorf("%s: got %d, want 404", at, r.status)
				}
			}
		})
	}
	f := newFixture(t, open, withPaths(tokenendpoint.Paths{Metadata: "/metadata"}))
	f.document("/metadata")
	for _, at := range []string{metadataPath, openIDPath} { // the latter is off by default
		if r := f.get(at); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", at, r.status)
		}
	}
}

// mayDo registers a client of every grant that authenticates in one way.
func (f *fixture) mayDo(method string) *party {
	f.Helper()
	return f.newWideClient(func(c *storage.Client) { c.AuthMethod = method })
}
