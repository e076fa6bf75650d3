package clientmetadata_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
)

func sealingKey(fill byte) string {
	return base64.StdEncoding.EncodeToString(slices.Repeat([]byte{fill}, 32))
}

// manyLetters are letters that do not pack.
func manyLetters(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}

func registration(t *testing.T, change ...func(*clientmetadata.RegistrationConfig)) *clientmetadata.Registration {
	t.Helper()
	c := clientmetadata.RegistrationConfig{URL: "https://as.test/connect/register", Keys: []string{sealingKey(1)}, Bounds: clientmetadata.Bounds{Scope: []string{"read"}}}
	for _, f := range change {
		f(&c)
	}
	r, err := clientmetadata.NewRegistration(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func register(t *testing.T, r http.Handler, body string) (int, map[string]any) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/connect/register", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("the answer is %s: %v", w.Body, err)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", w.Header())
	}
	return w.Code, got
}

const mcpClient = `{"client_name":"Editor","redirect_uris":["http://127.0.0.1/cb","http://localhost/cb","cursor://cb"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"read admin"}`

// A client that registers itself gets an identifier that holds its metadata.
func TestT10(t *testing.T) {
	r := registration(t)
	status, got := register(t, r, mcpClient)
	id, _ := got["client_id"].(string)
	if status != http.StatusCreated || id == "" {
		t.Fatalf("got %d %v", status, got)
	}
	c, err := r.Client(t.Context(), id)
	if err != nil || c.ID != id || !c.Public() || !slices.Equal(c.Scope, []string{"read"}) || len(c.RedirectURIs) != 3 {
		t.Errorf("got %+v, %v", c, err)
	}
	if len(id) > 512 || r.Name(id) != "Editor" || r.Name("x") != "" {
		t.Errorf("the identifier has %d bytes, and the name %q", len(id), r.Name(id))
	}
	tight := registration(t, func(c *clientmetadata.RegistrationConfig) { c.MaxClientID = 200 })
	_, long := register(t, tight, strings.Replace(mcpClient, "Editor", manyLetters(200), 1))
	if id, _ := long["client_id"].(string); id == "" || len(id) > 200 || tight.Name(id) != "" {
		t.Errorf("with a name that does not fit: %v", long)
	}
	if _, other := register(t, r, mcpClient); other["client_id"] == id {
		t.Error("two registrations have one client_id")
	}
	// Another replica with the key knows the client, and one with a new key beside it.
	for _, keys := range [][]string{{sealingKey(1)}, {sealingKey(2), sealingKey(1)}} {
		if _, err := registration(t, func(c *clientmetadata.RegistrationConfig) { c.Keys = keys }).Client(t.Context(), id); err != nil {
			t.Errorf("another replica: %v", err)
		}
	}
	if _, err := registration(t, func(c *clientmetadata.RegistrationConfig) { c.Keys = []string{sealingKey(2)} }).Client(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("without the key: %v, want an unknown client", err)
	}
	for i := range len(id) {
		for _, c := range []byte{'A', 'b', '-', '\n', '.'} {
			if id[i] == c {
				continue
			}
			if got, err := r.Client(t.Context(), id[:i]+string(c)+id[i+1:]); !errors.Is(err, storage.ErrNotFound) {
				t.Fatalf("with another byte %d: %+v, %v, want an unknown client", i, got, err)
			}
		}
	}
	for _, other := range []string{"", "reg_", "reg_AAAA", id + "A", id[:len(id)-1], id + "=", "x" + id, id + "\n"} {
		if _, err := r.Client(t.Context(), other); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q: got %v, want an unknown client", other, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := registration(t, func(c *clientmetadata.RegistrationConfig) { c.Lifetime = time.Hour })
		_, got := register(t, r, mcpClient)
		id := got["client_id"].(string)
		time.Sleep(59 * time.Minute)
		if _, err := r.Client(t.Context(), id); err != nil {
			t.Errorf("within its lifetime: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := r.Client(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("after its lifetime: %v", err)
		}
	})
}

// Answers and errors as RFC 7591 §3.2 has them.
func TestT11(t *testing.T) {
	r := registration(t)
	_, got := register(t, r, mcpClient)
	for name, want := range map[string]any{
		"client_name": "Editor", "token_endpoint_auth_method": "none", "scope": "read",
		"grant_types": []any{"authorization_code", "refresh_token"}, "response_types": []any{"code"},
		"redirect_uris": []any{"http://127.0.0.1/cb", "http://localhost/cb", "cursor://cb"},
	} {
		if a, _ := json.Marshal(got[name]); string(a) != string(func() []byte { b, _ := json.Marshal(want); return b }()) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if _, there := got["client_secret"]; there || got["client_id_issued_at"] == nil {
		t.Errorf("got %v, want the time and no secret", got)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		status, got := register(t, r, `{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"`+method+`"}`)
		if _, there := got["client_secret"]; there || status != http.StatusCreated || got["token_endpoint_auth_method"] != "none" {
			t.Errorf("%s: got %d %v, want the method none and no secret", method, status, got)
		}
		id, _ := got["client_id"].(string)
		if client, err := r.Client(t.Context(), id); err != nil || !client.Public() {
			t.Errorf("%s: got %+v, %v, want a public client", method, client, err)
		}
	}
	for body, want := range map[string]string{
		``:     "invalid_client_metadata",
		`[]`:   "invalid_client_metadata",
		`null`: "invalid_client_metadata",
		`{}`:   "invalid_redirect_uri",
		`{"redirect_uris":["https://a.test/cb#x"]}`:                                                                                                         "invalid_redirect_uri",
		`{"redirect_uris":["http://a.test/cb"]}`:                                                                                                            "invalid_redirect_uri",
		`{"redirect_uris":["javascript:alert(1)"]}`:                                                                                                         "invalid_redirect_uri",
		`{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"client_secret_jwt"}`:                                                          "invalid_client_metadata",
		`{"redirect_uris":["https://a.test/cb"],"token_endpoint_auth_method":"private_key_jwt"}`:                                                            "invalid_client_metadata",
		`{"redirect_uris":["https://a.test/cb"],"client_name":"` + strings.Repeat("a", 201) + `"}`:                                                          "invalid_client_metadata",
		`{"redirect_uris":["https://a.test/` + manyLetters(980) + `","https://a.test/` + manyLetters(980) + `","https://a.test/` + manyLetters(980) + `"]}`: "invalid_client_metadata",
		`{"redirect_uris":["https://a.test/` + strings.Repeat(strings.Repeat("a", 900)+`","https://a.test/`, 12) + `"]}`:                                    "invalid_client_metadata", // it packs into a short client_id that would not open
		`{"redirect_uris":["https://a.test/cb"],"x":"` + strings.Repeat("a", 16<<10) + `"}`:                                                                 "invalid_client_metadata",
	} {
		status, got := register(t, r, body)
		description, _ := got["error_description"].(string)
		if status != http.StatusBadRequest || got["error"] != want || description == "" {
			t.Errorf("%.80s: got %d %v, want 400 %s with a sentence", body, status, got, want)
		}
	}
	for _, tt := range []struct {
		method, kind string
		status       int
	}{
		{http.MethodGet, "", 405}, {http.MethodOptions, "", 204}, {http.MethodPost, "text/plain", 400}, {http.MethodPost, "application/json; charset=utf-8", 201},
	} {
		request := httptest.NewRequest(tt.method, "/", strings.NewReader(mcpClient))
		request.Header.Set("Content-Type", tt.kind)
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, request); w.Code != tt.status {
			t.Errorf("%s with %q: got %d, want %d", tt.method, tt.kind, w.Code, tt.status)
		}
	}
	if got := r.ServerMetadata(); len(got) != 1 || got["registration_endpoint"] != "https://as.test/connect/register" {
		t.Errorf("the metadata say %v, want the address", got)
	}
	_, err := clientmetadata.NewRegistration(clientmetadata.RegistrationConfig{URL: "http://as.test/register", Keys: []string{"short", sealingKey(1)}, Lifetime: -1, MaxClientID: 4096, Bounds: clientmetadata.Bounds{GrantTypes: []string{"client_credentials"}, Scope: []string{"read write"}}})
	for _, want := range []string{"URL is http", "Keys[0]", "Lifetime", "MaxClientID", "client_credentials", "Scope[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "short") {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
