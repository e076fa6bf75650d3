package reference_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// nameless is a grant of a host's that describes nothing.
var nameless = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
	return nil, grants.InvalidGrant
})

// everything is the description of an endpoint with all grants and a host's own.
func everything(t testing.TB) tokenendpoint.Description {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	store := new(memory.Store)
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"}, Keys: keys, Storage: store, Revocations: store,
		AuthorizationEndpoint: "https://auth.example.com/login", ClientAssertions: new(clientauth.Assertions),
		Grants: map[string]grants.Grant{
			grants.TypeClientCredentials: grants.ClientCredentials{}, grants.TypeRefreshToken: grants.RefreshToken{},
			grants.TypeAPIKey: grants.APIKey{}, grants.TypeAuthorizationCode: grants.AuthorizationCode{}, "urn:example:pairing": nameless,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return endpoint.Describe()
}

func full(t testing.TB) reference.Config {
	t.Helper()
	return reference.Config{
		Description: everything(t),
		Title:       "Example API",
		Scopes:      []reference.Scope{{Name: "read", Description: "Read \"your\" <orders>."}},
		Prefill:     map[string]string{"client_id": "</script><b>'\"$&`"},
		Playground:  reference.Playground{ClientID: "page", Scope: "read"},
	}
}

func serve(t testing.TB, c reference.Config) *reference.Reference {
	t.Helper()
	docs, err := reference.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// linked finds the addresses of the files of a page.
func linked(t testing.TB, body string) (all []string) {
	t.Helper()
	for _, before := range []string{`<link rel="stylesheet" href="`, `<link rel="icon" href="`, `<script src="`} {
		_, rest, found := strings.Cut(body, before)
		if !found {
			t.Fatalf("the page has no %s", before)
		}
		address, _, _ := strings.Cut(rest, `"`)
		all = append(all, address)
	}
	return all
}

func TestPage(t *testing.T) {
	docs := serve(t, full(t))
	w := get(docs, "/docs")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s, want the page", w.Code, w.Header())
	}
	const policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; " +
		"connect-src https://auth.example.com/connect/token https://auth.example.com/connect/revocation https://auth.example.com/connect/introspect https://auth.example.com/.well-known/jwks.json; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for name, want := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-cache", "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if again := get(docs, "/docs", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same ETag gets %d, want 304", again.Code)
	}
	for _, path := range []string{"/docs/", "/", ""} { // with a slash, and where a router has stripped the path
		if other := get(docs, "http://x"+path); other.Body.String() != w.Body.String() {
			t.Errorf("%q: got %d, want the page", path, other.Code)
		}
	}
	for _, path := range []string{"/docsx", "/docs/nothing", "/docs/errors/nothing", "/docs/errors"} {
		if other := get(docs, path); other.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, other.Code)
		}
	}
	post := httptest.NewRecorder()
	docs.ServeHTTP(post, httptest.NewRequest(http.MethodPost, "/docs", nil))
	if post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d %s, want 405", post.Code, post.Header())
	}
}

// TestFiles: a browser keeps the files for ever, since their names tell their content, and all
// of the page together is small.
func TestFiles(t *testing.T) {
	docs := serve(t, full(t))
	body := get(docs, "/docs").Body
	size := body.Len()
	for _, address := range linked(t, body.String()) {
		w := get(docs, address)
		if w.Code != 200 || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("ETag") == "" {
			t.Errorf("%s: got %d %s, want a file that a browser can keep", address, w.Code, w.Header())
		}
		size += w.Body.Len()
	}
	if size > 120_000 {
		t.Errorf("the page with its files has %d bytes, want 120000 at most", size)
	}
	c := full(t)
	c.Accent = "#7a1f1f"
	if changed := linked(t, get(serve(t, c), "/docs").Body.String()); changed[0] == linked(t, body.String())[0] {
		t.Error("another colour has the same address: browsers would keep the old one")
	}
}

func TestSameBytes(t *testing.T) {
	one, other := serve(t, full(t)), serve(t, full(t))
	for _, path := range []string{"/docs", "/docs/reference.md", "/docs/llms.txt", "/docs/openapi.json"} {
		if a, b := get(one, path), get(other, path); a.Header().Get("ETag") != b.Header().Get("ETag") || a.Header().Get("ETag") == "" {
			t.Errorf("%s: two replicas have the ETags %q and %q", path, a.Header().Get("ETag"), b.Header().Get("ETag"))
		}
	}
}

// TestEveryErrorHasAPage reads the codes from the source of package grants.
func TestEveryErrorHasAPage(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../grants/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	docs := serve(t, full(t))
	front, markdown, llms := get(docs, "/docs").Body.String(), get(docs, "/docs/reference.md").Body.String(), get(docs, "/docs/llms.txt").Body.String()
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "ErrorCode" {
			return true
		}
		codes++
		code := strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`)
		w := get(docs, "/docs/errors/"+code)
		text := w.Body.String()
		_, advice, _ := strings.Cut(text, "What you should do")
		if w.Code != 200 || !strings.Contains(text, "What it means") || !strings.Contains(advice, "<p>") || !strings.Contains(text, code) {
			t.Errorf("%s: got %d, want a page with advice:\n%s", code, w.Code, text)
		}
		if w.Header().Get("Content-Security-Policy") != "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: the policy is %s", code, w.Header().Get("Content-Security-Policy"))
		}
		for name, document := range map[string]string{"the page": front, "reference.md": markdown, "llms.txt": llms} {
			if !strings.Contains(document, code) {
				t.Errorf("%s lacks %s", name, code)
			}
		}
		return true
	})
	if codes < 12 {
		t.Errorf("the test has found %d codes, want 12 at least", codes)
	}
}

// TestNothingIsMissing: the page and the Markdown name everything that the description has.
func TestNothingIsMissing(t *testing.T) {
	c := full(t)
	docs, d := serve(t, c), c.Description
	want := []string{d.Issuer, d.Token, d.Revocation, d.Introspection, d.JWKS, d.Metadata, d.Authorization, "Example API", "read", "X-Api-Key"}
	for _, g := range d.Grants {
		want = append(append(want, g.Type, g.Summary), g.Aliases...)
		for _, p := range g.Parameters {
			want = append(want, p.Name, p.Description)
		}
	}
	want = append(want, "grant_type", "client_secret", "scope", "resource", "200", "400", "401", "429", "503", "Retry-After", "expires_in", "family")
	want = append(want, "curl", "C#", "JavaScript", "Python", "Go", ".http")
	for _, path := range []string{"/docs", "/docs/reference.md"} {
		text := get(docs, path).Body.String()
		for _, w := range want {
			if !strings.Contains(text, w) && !strings.Contains(text, strings.ReplaceAll(w, "'", "&#39;")) {
				t.Errorf("%s lacks %q", path, w)
			}
		}
	}
	llms := get(docs, "/docs/llms.txt").Body.String()
	for _, w := range []string{d.Token, "urn:example:pairing", "code_verifier", d.JWKS, "https://auth.example.com/docs/openapi.json"} {
		if !strings.Contains(llms, w) {
			t.Errorf("llms.txt lacks %q:\n%s", w, llms)
		}
	}
	if w := get(docs, "/docs/openapi.json"); w.Code != 200 || !strings.Contains(w.Body.String(), `"Example API"`) {
		t.Errorf("openapi.json: got %d %s, want the document with the title", w.Code, w.Body)
	}
}

// TestWellFormed reads every HTML document as XML, which forgives nothing.
func TestWellFormed(t *testing.T) {
	docs := serve(t, full(t))
	for _, path := range []string{"/docs", "/docs/callback", "/docs/errors/invalid_grant"} {
		d := xml.NewDecoder(bytes.NewReader(get(docs, path).Body.Bytes()))
		ids := make(map[string]bool)
		var links []string
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			element, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range element.Attr {
				switch {
				case a.Name.Local == "id" && ids[a.Value]:
					t.Errorf("%s: the id %q is there twice", path, a.Value)
				case a.Name.Local == "id":
					ids[a.Value] = true
				case a.Name.Local == "href" && strings.HasPrefix(a.Value, "#"):
					links = append(links, strings.ReplaceAll(a.Value[1:], "%3a", ":"))
				case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
					t.Errorf("%s: <%s> has %s, which the policy forbids", path, element.Name.Local, a.Name.Local)
				}
			}
		}
		for _, id := range links {
			if !ids[id] {
				t.Errorf("%s: a link leads to #%s, which is not there", path, id)
			}
		}
	}
}

func TestCallback(t *testing.T) {
	w := get(serve(t, full(t)), "/docs/callback?code=ac_x")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" || w.Header().Get("Cross-Origin-Opener-Policy") != "" {
		t.Errorf("got %d %s, want a page that nobody keeps, in the group of its opener", w.Code, w.Header())
	}
	if strings.Contains(w.Body.String(), "ac_x") {
		t.Error("the page has the code in it")
	}
	c := full(t)
	c.Playground = reference.Playground{}
	docs := serve(t, c)
	if w := get(docs, "/docs/callback"); w.Code != http.StatusNotFound {
		t.Errorf("without a playground: got %d, want 404", w.Code)
	}
	if strings.Contains(get(docs, "/docs").Body.String(), "#playground") {
		t.Error("without a playground the page leads to it")
	}
}

func TestErrorOfTheHost(t *testing.T) {
	c := full(t)
	c.Errors = []reference.Error{{Code: "out_of_stock", Means: "The user <has> to come back.", Do: "Open the login page."}}
	docs := serve(t, c)
	page := get(docs, "/docs/errors/out_of_stock").Body.String()
	for _, want := range []string{"The user &lt;has&gt; to come back.", "Open the login page.", "400 Bad Request"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if front := get(docs, "/docs").Body.String(); !strings.Contains(front, `href="/docs/errors/out_of_stock"`) {
		t.Error("the front page does not lead to it")
	}
}

func TestLogo(t *testing.T) {
	c := full(t)
	c.Logo = []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	docs := serve(t, c)
	_, rest, _ := strings.Cut(get(docs, "/docs").Body.String(), `<img src="`)
	address, _, _ := strings.Cut(rest, `"`)
	w := get(docs, address)
	if w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the logo at %q: got %d %s, want an image that runs nothing", address, w.Code, w.Header())
	}
}

// TestOrder: the grants of the library come first, the simplest at the top.
func TestOrder(t *testing.T) {
	text := get(serve(t, full(t)), "/docs/reference.md").Body.String()
	var at []int
	for _, name := range []string{"client_credentials", "refresh_token", "api_key", "authorization_code", "urn:example:pairing"} {
		at = append(at, strings.Index(text, "\n### "+name+"\n"))
	}
	if !slices.IsSorted(at) || at[0] < 0 {
		t.Errorf("the grants stand at %v", at)
	}
}

// No address of the endpoint ends the policy of the page or begins another.
func TestPolicyOfAnAddress(t *testing.T) {
	c := full(t)
	c.Description.Token, c.Description.JWKS = "https://auth.example.com/a;b,c/token", "https://auth.example.com/keys?v=1"
	got := get(serve(t, c), "/docs").Header().Get("Content-Security-Policy")
	if strings.Contains(got, ",") || !strings.Contains(got, "connect-src https://auth.example.com/a%3Bb%2Cc/token https://") || !strings.Contains(got, " https://auth.example.com/keys; base-uri") {
		t.Errorf("the policy is %s", got)
	}
}

// TestExamplesFit: the example of an answer answers the example of a request, and a sample
// has no client_id where the reader needs none.
func TestExamplesFit(t *testing.T) {
	c := full(t)
	c.Prefill, c.Scopes[0].Name = nil, "orders:read"
	body := get(serve(t, c), "/docs").Body.String()
	_, answer, _ := strings.Cut(body, "HTTP/1.1 200 OK")
	if answer, _, _ = strings.Cut(answer, "</code>"); strings.Contains(answer, "refresh_token") || !strings.Contains(answer, `"scope": "orders:read"`) {
		t.Errorf("the answer to client_credentials is %s, want no refresh token and a scope of the host's", answer)
	}
	const alone = "-d 'grant_type=api_key' \\\n  -d 'api_key=YOUR_API_KEY'"
	if strings.Contains(body, alone) {
		t.Error("the sample of a key whose client must be named does not name it")
	}
	for i := range c.Description.Grants {
		if c.Description.Grants[i].Type == grants.TypeAPIKey {
			c.Description.Grants[i].ClientAuthentication = grants.ClientIDOptional
		}
	}
	if body = get(serve(t, c), "/docs").Body.String(); !strings.Contains(body, alone) {
		t.Error("the sample of a key that names its client has more than the key")
	}
}
