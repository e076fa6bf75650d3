package tokenendpoint_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// One call mounts all endpoints, and the metadata says where they are.
func ExampleHandler() {
	_, privateKey, _ := ed25519.GenerateKey(nil)
	keys, err := jws.NewKeySet(jws.Key{Signer: privateKey})
	if err != nil {
		log.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	store := new(memory.Store)
	err = store.PutClient(context.Background(), &storage.Client{
		ID:         "reports",
		Secrets:    []storage.ClientSecret{{ID: "2026", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials},
		Scope:      []string{"read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:      "https://auth.example.com",
		Audience:    []string{"https://api.example.com"},
		Keys:        keys,
		Storage:     store,
		Revocations: store,
		Grants:      map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
		Metadata:    map[string]any{"service_documentation": "https://auth.example.com/docs"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint)
	server := httptest.NewServer(mux)
	defer server.Close()

	metadata, err := http.Get(server.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		log.Fatal(err)
	}
	defer metadata.Body.Close()
	var document struct {
		Introspection string `json:"introspection_endpoint"`
	}
	if err := json.NewDecoder(metadata.Body).Decode(&document); err != nil {
		log.Fatal(err)
	}
	fmt.Println(document.Introspection)

	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"reports"}, "client_secret": {secret.Reveal()}}
	form.Set("token", post(server.URL+"/connect/token", form)["access_token"].(string))
	fmt.Println(post(server.URL+"/connect/introspect", form)["scope"])
	post(server.URL+"/connect/revocation", form)
	fmt.Println(post(server.URL+"/connect/introspect", form))
	// Output:
	// https://auth.example.com/connect/introspect
	// read
	// map[active:false]
}

// The handler answers at the paths of its routes and nowhere else, and the token
// endpoint alone at every path.
func TestHandlerAnswersAtItsRoutes(t *testing.T) {
	c := goodConfig(t)
	c.Logger, c.BaseURL = discard, "https://as.test/auth"
	h := newHandler(t, c)
	for _, tt := range []struct {
		name    string
		handler http.Handler
		path    string
		want    int
	}{
		{"the token endpoint", h, "/auth/connect/token", http.StatusBadRequest},
		{"and without the path of BaseURL, which was stripped", h, "/connect/token", http.StatusBadRequest},
		{"revocation", h, "/auth/connect/revocation", http.StatusBadRequest},
		{"the keys", h, "/auth/.well-known/jwks.json", http.StatusMethodNotAllowed},
		{"no other path", h, "/", http.StatusNotFound},
		{"nor one that only begins like it", h, "/auth/connect/token/", http.StatusNotFound},
		{"the token endpoint alone, at its path", h.Token(), "/auth/connect/token", http.StatusBadRequest},
		{"and at every other one", h.Token(), "/oauth", http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", tt.path, strings.NewReader("a=b"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			tt.handler.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("POST %s: got %d %s, want %d", tt.path, w.Code, w.Body, tt.want)
			}
		})
	}
}

// A handler under a prefix that its configuration does not name answers 404, and says so
// once in the log. It repeats nothing of the request.
func TestAnUnknownPrefixIsLoggedOnce(t *testing.T) {
	var text bytes.Buffer
	c := goodConfig(t)
	c.Logger = slog.New(slog.NewTextHandler(&text, nil))
	h := newHandler(t, c)
	text.Reset() // of what New says
	for _, path := range []string{"/", "/other", "/connect", "/connect/token/"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, nil))
	}
	if text.Len() > 0 {
		t.Errorf("the log says %q of other paths, want nothing", text.String())
	}
	for _, path := range []string{"/stranger/connect/token", "/auth/connect/token", "/auth/.well-known/jwks.json"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, w.Code)
		}
	}
	got := text.String()
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "Config.BaseURL") || strings.Contains(got, "stranger") {
		t.Errorf("the log says %q, want one line at warn level, of the configuration alone", got)
	}
}

// A verifier for an audience that the endpoint does not have may take no token at all.
func TestVerifierOfAnotherAudienceIsLogged(t *testing.T) {
	var text bytes.Buffer
	c := goodConfig(t)
	c.Audience = []string{"https://api.test/v1", "https://api.test/v2"}
	c.Logger = slog.New(slog.NewTextHandler(&text, nil))
	h := newHandler(t, c)
	for audience, want := range map[string]string{
		"https://api.test/v2": "", "https://API.test/v1": "level=WARN", "https://nope.test": "level=INFO",
	} {
		text.Reset()
		if _, err := h.Verifier(audience); err != nil {
			t.Fatal(err)
		}
		if got := text.String(); (want == "") != (got == "") || !strings.Contains(got, want) || want != "" && !strings.Contains(got, audience) {
			t.Errorf("%s: the log says %q, want %q", audience, got, want)
		}
	}
}
