package tokenendpoint_test

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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// metadataRules are about the server's metadata (RFC 8414).
var metadataRules = []rule{
	{"P10_every_value_of_the_metadata_is_true_and_no_other", p10},
	{"P10_the_host_adds_what_is_its_own", p10Further},
	{"P10_metadata_can_be_kept_and_read_by_browsers", p10Cached},
	{"P15_the_scripts_of_every_origin_may_read_the_public_documents", p15},
	{"P11_the_path_of_an_issuer_is_inserted", p11},
	{"P16_no_code_without_a_page_that_gives_it", p16},
	{"P18_each_audience_that_is_a_URL_describes_itself", p18},
	{"P18_P19_a_challenge_leads_to_the_server", p18Challenge},
	{"P17_OpenID_clients_find_all_that_they_require", p17},
}

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	openIDPath   = "/.well-known/openid-configuration"
	resourcePath = "/.well-known/oauth-protected-resource"
)

// A server is a configuration and the metadata that must follow from it.
type server struct {
	name    string
	options []testbed.Option
	issuer  string // as configured
	base    string // of the URLs
	scopes  []string
	silent  bool // the login page answers without iss

	certificates bool // clients show certificates

	strangers *unregistered // nil: every client is registered by hand
}

func withIssuer(text string) testbed.Option { return func(c *tokenendpoint.Config) { c.Issuer = text } }

func withPaths(p tokenendpoint.Paths) testbed.Option {
	return func(c *tokenendpoint.Config) { c.Paths = p }
}

// withoutGrants removes grants.
func withoutGrants(types ...string) testbed.Option {
	return func(c *tokenendpoint.Config) {
		c.Grants = maps.Clone(c.Grants)
		for _, name := range types {
			delete(c.Grants, name)
		}
	}
}

// servers are configurations, each with other true metadata.
func servers() []server {
	const code, refresh, key = grants.TypeAuthorizationCode, grants.TypeRefreshToken, grants.TypeAPIKey
	at := func(base string) testbed.Option { return func(c *tokenendpoint.Config) { c.BaseURL = base } }
	offline := func(c *tokenendpoint.Config) { c.Revocations = nil }
	keysElsewhere := func(c *tokenendpoint.Config) {
		c.Metadata = map[string]any{"jwks_uri": testbed.Issuer + "/keys-elsewhere"}
	}
	scopes := func(c *tokenendpoint.Config) { c.ScopesSupported = []string{"read", "rare"} }
	silent := func(c *tokenendpoint.Config) { c.AuthorizationResponseWithoutIss = true }
	open := new(unregistered)
	aliases := func(c *tokenendpoint.Config) { c.MTLSBaseURL = "https://mtls.as.test/" }
	return []server{
		{name: "open to strangers", options: []testbed.Option{open.serve, testbed.WithAssertions}, issuer: testbed.Issuer, base: testbed.Issuer, strangers: open},
		{name: "with certificates", options: []testbed.Option{testbed.WithCertificates, aliases}, issuer: testbed.Issuer, base: testbed.Issuer, certificates: true},
		{name: "by default", issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "with assertions", options: []testbed.Option{testbed.WithAssertions}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "with a host's own grants", options: []testbed.Option{testbed.WithOwnGrants}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "with client_credentials alone", options: []testbed.Option{withoutGrants(code, refresh, key)}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "without codes", options: []testbed.Option{withoutGrants(code)}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "without secrets", options: []testbed.Option{withoutGrants(grants.TypeClientCredentials, key)}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "without Revocations", options: []testbed.Option{offline}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "an issuer with a slash", options: []testbed.Option{withIssuer(testbed.Issuer + "/")}, issuer: testbed.Issuer + "/", base: testbed.Issuer},
		{name: "an issuer with a path", options: []testbed.Option{withIssuer(testbed.Issuer + "/tenant/1")}, issuer: testbed.Issuer + "/tenant/1", base: testbed.Issuer + "/tenant/1"},
		{name: "an issuer with a path and a slash", options: []testbed.Option{withIssuer(testbed.Issuer + "/tenant/1/")}, issuer: testbed.Issuer + "/tenant/1/", base: testbed.Issuer + "/tenant/1"},
		{name: "an issuer with odd characters", options: []testbed.Option{withIssuer(testbed.Issuer + "/a%2Fb&c")}, issuer: testbed.Issuer + "/a%2Fb&c", base: testbed.Issuer + "/a%2Fb&c"},
		{name: "a base elsewhere", options: []testbed.Option{at("https://api.test:8443/auth/")}, issuer: testbed.Issuer, base: "https://api.test:8443/auth"},
		{name: "a base elsewhere and a path", options: []testbed.Option{withIssuer(testbed.Issuer + "/t"), at("https://api.test")}, issuer: testbed.Issuer + "/t", base: "https://api.test"},
		{name: "paths of its own", options: []testbed.Option{withPaths(tokenendpoint.Paths{Token: "/token", Revocation: "/revoke", Introspection: "/o/introspect", JWKS: "/keys"})}, issuer: testbed.Issuer, base: testbed.Issuer},
		{name: "with scopes to know of", options: []testbed.Option{scopes}, issuer: testbed.Issuer, base: testbed.Issuer, scopes: []string{"read", "rare"}},
		{name: "a page that answers without iss", options: []testbed.Option{silent}, issuer: testbed.Issuer, base: testbed.Issuer, silent: true},
		{name: "with what can be switched off", options: []testbed.Option{withPaths(tokenendpoint.Paths{Revocation: "-", Introspection: "-", JWKS: "-"}), keysElsewhere}, issuer: testbed.Issuer, base: testbed.Issuer},
	}
}

// p10 walks through the metadata of each server: it tries every value that the
// metadata lists, and every value that they could list and do not. A member
// without a trial is an error.
func p10(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			f := testbed.New(t, openMemory, append(s.options, func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true })...)
			w := &witness{Fixture: f, server: s}
			for _, route := range f.Handler.Routes() {
				switch {
				case strings.HasPrefix(route.Path, metadataPath):
					w.said = document(f, route.Path)
				case strings.HasPrefix(route.Path, openIDPath), strings.HasSuffix(route.Path, openIDPath):
					w.openID = append(w.openID, document(f, route.Path))
				}
			}
			w.openIDSaysTheSame()
			w.use = w.usable()
			for name := range w.said {
				if trials[name] == nil {
					t.Errorf("the metadata has %s, and no test says whether that is true", name)
				}
			}
			for name, try := range trials {
				f.Sub(name, func() { try(w, name) })
			}
			w.onlyWhatIsSaid()
		})
	}
}

// openIDSaysTheSame: the documents for OpenID clients have two members more.
func (w *witness) openIDSaysTheSame() {
	w.Helper()
	if len(w.openID) == 0 || w.said == nil {
		w.Fatalf("the documents are %v and %v, want both", w.said, w.openID)
	}
	for _, document := range w.openID {
		for _, name := range []string{"subject_types_supported", "id_token_signing_alg_values_supported"} {
			if document[name] == nil || w.said[name] != nil {
				w.Errorf("%s is %v for OpenID clients and %v elsewhere, want it there alone", name, document[name], w.said[name])
			}
			delete(document, name)
		}
		if !reflect.DeepEqual(document, w.said) {
			w.Errorf("OpenID clients are told %v, and others %v", document, w.said)
		}
	}
}

// document reads a document of the server.
func document(f *testbed.Fixture, path string) map[string]any {
	f.Helper()
	r := get(f, path)
	if r.Status != http.StatusOK || r.Header.Get("Content-Type") != "application/json" {
		f.Fatalf("GET %s: got %d %s %s, want JSON", path, r.Status, r.Header.Get("Content-Type"), r.Body)
	}
	m, err := testbed.Members(r.Body)
	if err != nil {
		f.Fatalf("GET %s: %q is not one JSON object: %v", path, r.Body, err)
	}
	return m
}

func get(f *testbed.Fixture, path string) *testbed.Reply {
	f.Helper()
	r := testbed.Form().To(path)
	r.Method, r.Header = http.MethodGet, http.Header{}
	return f.Send(r)
}

// p10Further: New refuses members that would override the endpoint's, see its
// own tests.
func p10Further(t *testing.T) {
	further := map[string]any{
		"service_languages":        []string{"de", "en"},
		"service_documentation":    "https://as.test/docs?a=b&c=<d>",
		"ui_locales_supported":     []any{"de", "en"},
		"authorization_response_x": map[string]any{"a": 1.5},
		"jwks_uri":                 "https://cdn.test/keys.json",
	}
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.Metadata, c.Paths.JWKS = further, "-" })
	further["service_languages"].([]string)[0] = "changed"
	delete(further, "jwks_uri")
	m := document(f, metadataPath)
	for name, want := range map[string]any{
		"service_languages":     []any{"de", "en"},
		"service_documentation": "https://as.test/docs?a=b&c=<d>",
		"jwks_uri":              "https://cdn.test/keys.json",
		"issuer":                testbed.Issuer,
	} {
		if !reflect.DeepEqual(m[name], want) {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	if r := get(f, "/.well-known/jwks.json"); r.Status != http.StatusNotFound {
		t.Errorf("the keys: got %d, want 404", r.Status)
	}
	f.Send(f.Redeem(f.C1, f.Code(f.C1))).Tokens()
}

func p10Cached(t *testing.T) {
	f := testbed.New(t, openMemory)
	first := get(f, metadataPath)
	etag := first.Header.Get("ETag")
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff",
		"Content-Type": "application/json", "Access-Control-Allow-Credentials": "", "Set-Cookie": "",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	again := testbed.Form().To(metadataPath).Set("If-None-Match", etag)
	again.Method = http.MethodGet
	if r := f.Send(again); r.Status != http.StatusNotModified || r.Body != "" || etag == "" {
		t.Errorf("with the ETag %q: got %d %q, want 304 and no body", etag, r.Status, r.Body)
	}
	if other := get(testbed.New(t, openMemory, withoutGrants(grants.TypeAPIKey)), metadataPath).Header.Get("ETag"); other == etag {
		t.Errorf("another document has the same ETag %q", etag)
	}
	if same := get(testbed.New(t, openMemory), metadataPath); same.Header.Get("ETag") != etag || same.Body != first.Body {
		t.Errorf("another replica has the document %q %s, want %q %s", same.Header.Get("ETag"), same.Body, etag, first.Body)
	}
	for method, status := range map[string]int{
		http.MethodHead: 200, http.MethodOptions: 204, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405,
	} {
		r := testbed.Form().To(metadataPath).Set("Origin", "https://evil.test")
		r.Method = method
		got := f.Send(r)
		if got.Status != status || got.Header.Get("Access-Control-Allow-Origin") != "*" || status == 405 && got.Header.Get("Allow") == "" {
			t.Errorf("%s: got %d %v, want %d for all origins", method, got.Status, got.Header, status)
		}
	}
}

// p15 is about every document that everybody may read, with every
// Config.AllowedOrigins for the endpoints of clients.
func p15(t *testing.T) {
	for name, options := range map[string][]testbed.Option{"CORS off": nil, "CORS on": {allowSPA}} {
		f := testbed.New(t, openMemory, append(options, func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true })...)
		clients := []string{testbed.TokenPath, testbed.RevocationPath, testbed.IntrospectionPath}
		for _, route := range f.Handler.Routes() {
			if slices.Contains(clients, route.Path) {
				continue
			}
			what := name + ", " + route.Path
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
				r := preflight("https://any.test").To(route.Path).Set("Access-Control-Request-Headers", "mcp-protocol-version")
				r.Method = method
				got := f.Send(r)
				want := map[string]int{http.MethodOptions: http.StatusNoContent, http.MethodPost: http.StatusMethodNotAllowed}[method]
				if want == 0 {
					want = http.StatusOK
				}
				if got.Status != want {
					t.Errorf("%s: %s is %d, want %d", what, method, got.Status, want)
				}
				allows(got, "*")
				switch allow := got.Header.Get("Allow"); {
				case want != http.StatusOK && allow != "GET, HEAD, OPTIONS":
					t.Errorf("%s: %s: Allow is %q, want GET, HEAD, OPTIONS", what, method, allow)
				case method == http.MethodOptions && !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "*"):
					t.Errorf("%s: a preflight is told %v, want any header", what, got.Header)
				case method == http.MethodPost && !strings.HasPrefix(got.Body, `{"error":"invalid_request"`):
					t.Errorf("%s: POST is answered with %s, want a JSON error", what, got.Body)
				}
			}
		}
	}
}

// p11 is RFC 8414 §3.1, which inserts the well-known path; some clients append it.
// OpenID Connect Discovery 1.0 §4 appends it, and RFC 8414 §5 inserts that one too.
func p11(t *testing.T) {
	for path, want := range map[string][]string{
		"":              {metadataPath, openIDPath},
		"/":             {metadataPath, openIDPath},
		"/tenant":       {metadataPath + "/tenant", "/tenant" + metadataPath, "/tenant" + openIDPath, openIDPath + "/tenant"},
		"/tenant/":      {metadataPath + "/tenant", "/tenant" + metadataPath, "/tenant" + openIDPath, openIDPath + "/tenant"},
		"/a/b":          {metadataPath + "/a/b", "/a/b" + metadataPath, "/a/b" + openIDPath, openIDPath + "/a/b"},
		"/a%2Fb":        {metadataPath + "/a%2Fb", "/a%2Fb" + metadataPath, "/a%2Fb" + openIDPath, openIDPath + "/a%2Fb"},
		"/.well-known":  {metadataPath + "/.well-known", "/.well-known" + metadataPath, "/.well-known" + openIDPath, openIDPath + "/.well-known"},
		"/connect/oidc": {metadataPath + "/connect/oidc", "/connect/oidc" + metadataPath, "/connect/oidc" + openIDPath, openIDPath + "/connect/oidc"},
	} {
		t.Run(url.PathEscape(path), func(t *testing.T) {
			f := testbed.New(t, openMemory, withIssuer(testbed.Issuer+path), func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true })
			for _, at := range want {
				if got := document(f, at)["issuer"]; got != testbed.Issuer+path {
					t.Errorf("%s: issuer is %v, want %s", at, got, testbed.Issuer+path)
				}
			}
			// Without the path of the issuer the appended one is that of a proxy which
			// strips it.
			if got := document(f, metadataPath)["issuer"]; got != testbed.Issuer+path {
				t.Errorf("behind a proxy that strips the path: issuer is %v, want %s", got, testbed.Issuer+path)
			}
			others := []string{metadataPath + "/other", metadataPath + path + "/", openIDPath + "/other"}
			for _, at := range others {
				if r := get(f, at); !slices.Contains(want, at) && r.Status != http.StatusNotFound {
					t.Errorf("%s: got %d, want 404", at, r.Status)
				}
			}
		})
	}
	f := testbed.New(t, openMemory, withPaths(tokenendpoint.Paths{Metadata: "/metadata"}))
	document(f, "/metadata")
	for _, at := range []string{metadataPath, openIDPath} { // the latter is off by default
		if r := get(f, at); r.Status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", at, r.Status)
		}
	}
}

// p16: RFC 8414 §2 requires the page of a server that has the response type
// code. The tests of New show that New wants it.
func p16(t *testing.T) {
	const code = grants.TypeAuthorizationCode
	nowhere := func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "" }
	unpublished := withPaths(tokenendpoint.Paths{Metadata: "-"})
	for name, tt := range map[string]struct {
		options []testbed.Option
		page    any
		types   []any
	}{
		"with codes":               {nil, testbed.AuthorizationEndpoint, []any{"code"}},
		"without codes":            {[]testbed.Option{withoutGrants(code), nowhere}, nil, []any{}},
		"without codes, and asked": {[]testbed.Option{withoutGrants(code)}, testbed.AuthorizationEndpoint, []any{}},
	} {
		m := document(testbed.New(t, openMemory, tt.options...), metadataPath)
		if m["authorization_endpoint"] != tt.page || !reflect.DeepEqual(m["response_types_supported"], tt.types) {
			t.Errorf("%s: the page is %v and the types are %v, want %v and %v", name, m["authorization_endpoint"], m["response_types_supported"], tt.page, tt.types)
		}
	}
	f := testbed.New(t, openMemory, nowhere, unpublished)
	f.Send(f.Redeem(f.C1, f.Code(f.C1))).Tokens()
}

// p17 is OpenID Connect Discovery 1.0 §3.
func p17(t *testing.T) {
	openID := func(c *tokenendpoint.Config) { c.OpenIDConfiguration = true }
	m := document(testbed.New(t, openMemory, openID), openIDPath)
	for _, name := range []string{
		"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
		"subject_types_supported", "id_token_signing_alg_values_supported",
	} {
		if m[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	if algorithms, _ := m["id_token_signing_alg_values_supported"].([]any); !slices.Contains(algorithms, any("RS256")) {
		t.Errorf("the algorithms are %v, want RS256 among them", algorithms)
	}
	further := map[string]any{"subject_types_supported": []string{"pairwise"}}
	m = document(testbed.New(t, openMemory, openID, func(c *tokenendpoint.Config) { c.Metadata = further }), openIDPath)
	if !reflect.DeepEqual(m["subject_types_supported"], []any{"pairwise"}) {
		t.Errorf("subject_types_supported is %v, want that of Config.Metadata", m["subject_types_supported"])
	}
}

// mayDo registers a client of every grant that authenticates in one way.
func mayDo(f *testbed.Fixture, method string) *testbed.Party {
	f.Helper()
	return f.NewWideClient(func(c *storage.Client) {
		if c.AuthMethod = method; method == storage.PrivateKeyJWT {
			c.Assertion.JWKS = testbed.PublicKeys("ES256", 0)
		}
		switch method {
		case storage.TLSClientAuth:
			c.Certificate.SANDNS = "billing.test"
		case storage.SelfSignedTLSClientAuth:
			c.Assertion.JWKS = testbed.PublicKeys("ES256", 0)
		}
	})
}
