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
)

// servers start each framework with the routes mounted.
var servers = map[string]func(*testing.T, *tokenendpoint.Handler) (base string){
	"net/http": func(t *testing.T, endpoint *tokenendpoint.Handler) string {
		mux := http.NewServeMux()
		frameworks.ServeMux(mux, endpoint)
		return serve(t, mux)
	},
	"chi": func(t *testing.T, endpoint *tokenendpoint.Handler) string {
		router := chi.NewRouter()
		frameworks.Chi(router, endpoint)
		return serve(t, router)
	},
	"gin": func(t *testing.T, endpoint *tokenendpoint.Handler) string {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		frameworks.Gin(router, endpoint)
		return serve(t, router)
	},
	"echo": func(t *testing.T, endpoint *tokenendpoint.Handler) string {
		router := echo.New()
		frameworks.Echo(router, endpoint)
		return serve(t, router)
	},
	"fiber": func(t *testing.T, endpoint *tokenendpoint.Handler) string {
		app := fiber.New()
		frameworks.Fiber(app, endpoint)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
		// Not app.Shutdown: in fasthttp it writes without a lock what the context of
		// a request that is over may still read.
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
				base := start(t, endpoint)
				checkRoutes(t, base, prefix, secret)
			})
		}
	}
}

// checkRoutes does at every path what it is there for.
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
