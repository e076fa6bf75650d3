package reference_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// parametersOf lists the parameters of the schemas of a document.
func parametersOf(t *testing.T, d tokenendpoint.Description) map[string]map[string]any {
	t.Helper()
	b, err := reference.OpenAPI(d, reference.Info{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]any)
	for name, s := range doc.Components.Schemas {
		all[name] = s.Properties
	}
	return all
}

// TestAssertions: the page and the document show the parameters of a client with a key where
// the endpoint takes them, and nowhere else.
func TestAssertions(t *testing.T) {
	c := full(t)
	text := get(serve(t, c), "/docs/reference.md").Body.String()
	for _, want := range []string{
		"| `client_assertion` |", "`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`", "`private_key_jwt`", "RS256, PS256, ES256, EdDSA", "its `aud` is `https://auth.example.com`",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("reference.md lacks %q", want)
		}
	}
	_, row, _ := strings.Cut(text, "| `client_assertion` |")
	row, _, _ = strings.Cut(row, "\n")
	for name, want := range map[string]bool{"client_credentials": true, "refresh_token": true, "authorization_code": true, "api_key": false} {
		if got := strings.Contains(row, "`"+name+"`"); got != want {
			t.Errorf("the row of client_assertion names %s: got %t, want %t, since an assertion beside an API key is a second way", name, got, want)
		}
	}
	if strings.Contains(text, "client_assertion=") {
		t.Error("a sample has an assertion beside the secret")
	}
	front := get(serve(t, c), "/docs").Body.String()
	if got := strings.Count(front, `{"name":"client_assertion",`); got != 4 {
		t.Errorf("the form has the assertion for %d grants, want all but api_key", got)
	}
	schemas := parametersOf(t, c.Description)
	for name, want := range map[string]bool{
		"Grant_client_credentials": true, "Grant_refresh_token": true, "Grant_api_key": false, "RevocationRequest": true, "IntrospectionRequest": true,
	} {
		if _, got := schemas[name]["client_assertion"]; got != want {
			t.Errorf("%s has a client_assertion: got %t, want %t", name, got, want)
		}
	}

	c.Description.AssertionAlgorithms, c.Description.AuthMethods = nil, []string{storage.ClientSecretBasic, storage.AuthNone}
	docs := serve(t, c)
	for _, path := range []string{"/docs/reference.md", "/docs/openapi.json"} {
		if text := get(docs, path).Body.String(); strings.Contains(text, "| `client_assertion` |") || strings.Contains(text, `"client_assertion"`) || strings.Contains(text, "private_key_jwt") {
			t.Errorf("%s tells of assertions, and the endpoint takes none", path)
		}
	}
}

// TestJWTBearerIsDescribed: the description of the grant names its parameters, and how often each may come.
func TestJWTBearerIsDescribed(t *testing.T) {
	c := full(t)
	bearer := new(assertion.JWTBearer)
	c.Description.Grants = append(c.Description.Grants, tokenendpoint.GrantDescription{Type: assertion.TypeJWTBearer, Description: bearer.Describe()})
	docs := serve(t, c)
	for path, want := range map[string]string{
		"/docs":              `data-try="urn:ietf:params:oauth:grant-type:jwt-bearer"`,
		"/docs/reference.md": "| `assertion` | string | required | The assertion, a signed JWT. It can be used once. |",
		"/docs/openapi.json": `"Grant_urn_ietf_params_oauth_grant-type_jwt-bearer"`,
	} {
		if text := get(docs, path).Body.String(); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
}

// TestScopesSupported: a page without sentences about scopes lists those that the metadata
// list.
func TestScopesSupported(t *testing.T) {
	c := full(t)
	c.Description.ScopesSupported = []string{"write", "read"}
	if text := get(serve(t, c), "/docs/reference.md").Body.String(); strings.Contains(text, "`write`") {
		t.Error("the page has a scope beside those of its Config")
	}
	c.Scopes = nil
	docs := serve(t, c)
	for path, want := range map[string]string{
		"/docs/reference.md": "| `write` |  |  |  |\n| `read` |", "/docs/openapi.json": `- ` + "`write`",
	} {
		if text := get(docs, path).Body.String(); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	if _, ok := parametersOf(t, c.Description)["Error"]["error_uri"]; ok {
		t.Error("the document has an error_uri, and the endpoint has none")
	}
	c.Description.ErrorURI = "https://auth.example.com/docs"
	for _, name := range []string{"Error", "ErrorUnauthorized"} {
		if _, ok := parametersOf(t, c.Description)[name]["error_uri"]; !ok {
			t.Errorf("%s lacks error_uri", name)
		}
	}
}

// TestCertificates: the page and the document tell of certificates where clients show them.
func TestCertificates(t *testing.T) {
	for _, method := range []string{storage.TLSClientAuth, storage.SelfSignedTLSClientAuth, ""} {
		c := full(t)
		c.Description.AuthMethods = []string{storage.ClientSecretBasic, storage.AuthNone}
		if method != "" {
			c.Description.AuthMethods = append(c.Description.AuthMethods, method)
		}
		docs := serve(t, c)
		var doc struct {
			Paths map[string]struct {
				Post *struct{ Security []map[string][]string }
			}
			Components struct {
				SecuritySchemes map[string]struct{ Type string }
			}
		}
		if err := json.Unmarshal(get(docs, "/docs/openapi.json").Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if got := doc.Components.SecuritySchemes["client_certificate"].Type; (got == "mutualTLS") != (method != "") {
			t.Errorf("%q: the type of the scheme is %q", method, got)
		}
		operations := 0
		for path, item := range doc.Paths {
			if item.Post == nil {
				continue
			}
			operations++
			found := false
			for _, one := range item.Post.Security {
				_, has := one["client_certificate"]
				found = found || has
			}
			if found != (method != "") {
				t.Errorf("%q: %s has the certificate: %t", method, path, found)
			}
		}
		if operations != 3 {
			t.Errorf("%d operations were looked at, want those of the three endpoints", operations)
		}
		if got := strings.Contains(get(docs, "/docs/reference.md").Body.String(), "By a certificate (`"+method+"`)"); got != (method != "") {
			t.Errorf("%q: the page tells of it: %t", method, got)
		}
	}
}
