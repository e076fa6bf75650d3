package frameworks_test

import (
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v4"

	"github.com/contit/oauth/examples/frameworks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// servers start each framework with the routes mounted.
var servers = map[string]func(*testing.T, *tokenendpoint.Handler, *reference.Reference) (base string){
	"net/http": func(t *testing.T, endpoint *tokenendpoint.Handler, docs *reference.Reference) string {
		mux := http.NewServeMux()
		frameworks.ServeMux(mux, endpoint)
		frameworks.ServeMuxDocs(mux, docs)
		return serve(t, mux)
	},
	"chi": func(t *testing.T, endpoint *tokenendpoint.Handler, docs *reference.Reference) string {
		router := chi.NewRouter()
		frameworks.Chi(router, endpoint)
		frameworks.ChiDocs(router, docs)
		return serve(t, router)
	},
	"gin": func(t *testing.T, endpoint *tokenendpoint.Handler, docs *reference.Reference) string {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		frameworks.Gin(router, endpoint)
		frameworks.GinDocs(router, docs)
		return serve(t, router)
	},
	"echo": func(t *testing.T, endpoint *tokenendpoint.Handler, docs *reference.Reference) string {
		router := echo.New()
		frameworks.Echo(router, endpoint)
		frameworks.EchoDocs(router, docs)
		return serve(t, router)
	},
	"fiber": func(t *testing.T, endpoint *tokenendpoint.Handler, docs *reference.Reference) string {
		app := fiber.New()
		frameworks.Fiber(app, endpoint)
		frameworks.FiberDocs(app, docs)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
		// Not app.Shutdown: fasthttp writes without a lock to a field that the context
		// of an earlier request may still read.
		t.Cleanup(func() { l.Close() })
		return "http://" + l.Addr().String()
	},
}

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestEveryRoute(t *testing.T) {
	for name, start := range servers {
		for _, prefix := range []string{"", "/auth"} {
			t.Run(name+" at "+prefix+"/", func(t *testing.T) {
				endpoint, secret := newEndpoint(t, "https://as.example.com"+prefix)
				docs, err := reference.New(reference.Config{Description: endpoint.Describe()})
				if err != nil {
					t.Fatal(err)
				}
				base := start(t, endpoint, docs)
				checkDocs(t, base)
				checkRoutes(t, base, prefix, secret)
			})
		}
	}
}

// Mount of chi passes on the whole path, and nothing that is not below the prefix: so the
// metadata are not where clients look first, as the manual says.
func TestChiMount(t *testing.T) {
	endpoint, secret := newEndpoint(t, "https://as.example.com/auth")
	router := chi.NewRouter()
	router.Mount("/auth", endpoint)
	base := serve(t, router)
	post(t, base+"/auth/connect/token", "grant_type=client_credentials&client_id=app&client_secret="+secret, 200)
	get(t, base+"/auth/.well-known/oauth-authorization-server", 200)
	get(t, base+"/.well-known/oauth-authorization-server/auth", 404)
}

// checkDocs opens the reference page, and the pages that it links to.
func checkDocs(t *testing.T, base string) {
	t.Helper()
	for path, want := range map[string]string{
		"/docs": "<h1", "/docs/errors/invalid_grant": "invalid_grant", "/docs/openapi.json": `"3.1`, "/docs/llms.txt": "/connect/token",
	} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: got %d, %v, want 200 and %q in it", path, resp.StatusCode, err, want)
		}
	}
}

// checkRoutes uses every path for its purpose.
func checkRoutes(t *testing.T, base, prefix, secret string) {
	t.Helper()
	credentials := "&client_id=app&client_secret=" + secret
	answer := post(t, base+prefix+"/connect/token", "grant_type=client_credentials"+credentials, 200)
	token, _ := answer["access_token"].(string)
	if token == "" {
		t.Fatalf("the token endpoint answers %v, want an access token", answer)
	}
	if answer := post(t, base+prefix+"/connect/introspect", "token="+token+credentials, 200); answer["active"] != true {
		t.Errorf("introspection of a new token answers %v, want it active", answer)
	}
	post(t, base+prefix+"/connect/revocation", "token="+token+credentials, 200)
	if answer := post(t, base+prefix+"/connect/introspect", "token="+token+credentials, 200); answer["active"] != false {
		t.Errorf("introspection of a revoked token answers %v, want it inactive", answer)
	}
	post(t, base+prefix+"/connect/token", "grant_type=client_credentials&client_id=app&client_secret=wrong", 401)

	if answer := get(t, base+prefix+"/.well-known/jwks.json", 200); len(answer["keys"].([]any)) != 1 {
		t.Errorf("the key set is %v, want one key", answer)
	}
	metadata := get(t, base+"/.well-known/oauth-authorization-server"+prefix, 200)
	if metadata["issuer"] != "https://as.example.com"+prefix || metadata["token_endpoint"] != "https://as.example.com"+prefix+"/connect/token" {
		t.Errorf("the metadata are %v, want those of the issuer", metadata)
	}
	get(t, base+prefix+"/connect/token", 405)
	get(t, base+prefix+"/connect/other", 404)
}

func newEndpoint(t *testing.T, issuer string) (*tokenendpoint.Handler, string) {
	t.Helper()
	store := new(memory.Store)
	secret, hash := clientauth.NewSecret()
	err := store.PutClient(t.Context(), &storage.Client{
		ID: "app", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys,
		Storage: store, Revocations: store, Logger: slog.New(slog.DiscardHandler),
		Grants: map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return endpoint, secret.Reveal()
}

func post(t *testing.T, url, form string, status int) map[string]any {
	t.Helper()
	return decode(t, url, status)(http.Post(url, "application/x-www-form-urlencoded", strings.NewReader(form)))
}

func get(t *testing.T, url string, status int) map[string]any {
	t.Helper()
	return decode(t, url, status)(http.Get(url))
}

// decode reads an answer, which need not be JSON if it is an error.
func decode(t *testing.T, url string, status int) func(*http.Response, error) map[string]any {
	t.Helper()
	return func(resp *http.Response, err error) map[string]any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != status {
			t.Fatalf("%s: got status %d and %s, want %d", url, resp.StatusCode, body, status)
		}
		var answer map[string]any
		if err := json.Unmarshal(body, &answer); err != nil && status == 200 {
			t.Fatalf("%s: the answer is no JSON object: %s", url, body)
		}
		return answer
	}
}
