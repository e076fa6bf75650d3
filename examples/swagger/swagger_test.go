package swagger_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/examples/swagger"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// TestMount: the page of Swagger UI names the document, all that the page loads is
// here, and the endpoint still answers beside it.
func TestMount(t *testing.T) {
	keys, err := jws.NewKeySet(jws.Key{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: "https://as.test", Audience: []string{"https://api.test"}, Keys: keys, Storage: new(memory.Store),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	if err := swagger.Mount(mux, endpoint); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	get := func(path string) (status int, body string) {
		t.Helper()
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(b)
	}

	status, page := get("/swagger/")
	if status != http.StatusOK || !strings.Contains(page, "/openapi.json") || !strings.Contains(page, "Sign in with Example") {
		t.Fatalf("got %d %s, want a page with the title and the address of the document", status, page)
	}
	files := regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(page, -1)
	if len(files) < 2 {
		t.Fatalf("the page loads %q, want scripts and a style", files)
	}
	for _, file := range files {
		if !strings.HasPrefix(file[1], "/swagger/") {
			t.Errorf("the page loads %s, want all from here", file[1])
			continue
		}
		if status, body := get(file[1]); status != http.StatusOK || body == "" {
			t.Errorf("%s: got %d, want the file", file[1], status)
		}
	}
	if status, document := get("/openapi.json"); status != http.StatusOK || !strings.Contains(document, "https://as.test") || !strings.Contains(document, "See your orders.") {
		t.Errorf("got %d %.300s, want the document of the endpoint", status, document)
	}
	if status, _ := get("/.well-known/jwks.json"); status != http.StatusOK {
		t.Errorf("the keys: got %d, want 200", status)
	}
}
