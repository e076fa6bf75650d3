package tokenendpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// goodConfig is the least that New accepts, with a store of its own.
func goodConfig(t testing.TB) tokenendpoint.Config {
	t.Helper()
	return tokenendpoint.Config{
		Issuer:   "https://as.test",
		Audience: []string{"https://api.test"},
		Keys:     testKeys(t),
		Storage:  new(memory.Store),
		Grants:   map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}},
	}
}

// oneGrant configures one grant under a name.
func oneGrant(name string, g grants.Grant) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Grants = map[string]grants.Grant{name: g} }
}

// without configures a store that lacks a part.
func without(grantType string, g grants.Grant, parts storage.Parts) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) {
		c.Storage, c.Grants = parts, map[string]grants.Grant{grantType: g}
	}
}

func issuedBy(issuer string) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Issuer = issuer }
}

func fromOrigin(origin string) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.AllowedOrigins = []string{"https://spa.test", origin} }
}

var emptyStore = new(memory.Store)

// faulty are configurations with one fault each.
var faulty = []struct {
	name   string
	change func(*tokenendpoint.Config)
	want   string
}{
	{"an issuer is required", issuedBy(""), "Issuer is missing"},
	{"an issuer is a URL", issuedBy("as.test"), "Issuer is not a URL without query and fragment"},
	{"an issuer has a host", issuedBy("https:///token"), "Issuer is not a URL without query and fragment"},
	{"an issuer can be parsed", issuedBy("https://as.test:x"), "Issuer is not a URL without query and fragment"},
	{"an issuer has no query", issuedBy("https://as.test?a=b"), "Issuer is not a URL without query and fragment"},
	{"an issuer has no empty query", issuedBy("https://as.test?"), "Issuer is not a URL without query and fragment"},
	{"an issuer has no fragment", issuedBy("https://as.test#"), "Issuer is not a URL without query and fragment"},
	{"an issuer has no space", issuedBy("https://as.test/a b"), "Issuer is not a URL without query and fragment"},
	{"an issuer is ASCII", issuedBy("https://as.test/\xff"), "Issuer is not a URL without query and fragment"},
	{"an audience is text", func(c *tokenendpoint.Config) { c.Audience = []string{"a\xff"} }, `Audience: "a\xff" is not UTF-8 without control characters`},
	{"a store is no nil pointer", func(c *tokenendpoint.Config) { c.Storage = (*memory.Store)(nil) }, "Storage is a nil pointer"},
	{"a validator is no nil function", func(c *tokenendpoint.Config) { c.Clients = tokenendpoint.ClientValidatorFunc(nil) }, "Clients is a nil pointer or function"},
	{"a grant is no nil function", oneGrant("own", grants.Func(nil)), `the grant "own" is nil`},
	{"an issuer has no user", issuedBy("https://me@as.test"), "Issuer is not a URL without query and fragment"},
	{"http is for a loopback address", issuedBy("http://as.test"), "Issuer is http: only a loopback address may be"},
	{"http is not for an address that begins like one", issuedBy("http://127.0.0.1.as.test"), "Issuer is http: only a loopback address may be"},
	{"an issuer is not of another scheme", issuedBy("ftp://as.test"), "Issuer is not an https URL"},
	{"an audience is required", func(c *tokenendpoint.Config) { c.Audience = nil }, "Audience is missing"},
	{"an audience is not empty", func(c *tokenendpoint.Config) { c.Audience = []string{"https://api.test", ""} }, "Audience is missing"},
	{"keys are required", func(c *tokenendpoint.Config) { c.Keys = nil }, "Keys is nil"},
	{"keys are made", func(c *tokenendpoint.Config) { c.Keys = new(jws.KeySet) }, "Keys was not made by jws.NewKeySet or jws.OpenKeySet"},
	{"clients are required", func(c *tokenendpoint.Config) { c.Storage = nil }, "Clients is nil and Storage has no clients"},
	{"grants are required", func(c *tokenendpoint.Config) { c.Grants = nil }, "Grants is empty"},
	{"a grant is not nil", oneGrant("own", nil), `the grant "own" is nil`},
	{"a grant has a name", oneGrant("", grants.RefreshToken{}), `"" is not a grant_type`},
	{"a grant's name is printable", oneGrant("a\n", grants.RefreshToken{}), `"a\n" is not a grant_type`},
	{"there is no password grant", oneGrant("password", grants.RefreshToken{}), `the grant "password" is unsafe (RFC 9700 §2.1.2, §2.4)`},
	{"there is no implicit grant", oneGrant("implicit", grants.RefreshToken{}), `the grant "implicit" is unsafe (RFC 9700 §2.1.2, §2.4)`},
	{"the api_key grant has one name here", oneGrant(grants.TypeAPIKeyURN, grants.APIKey{}),
		`the grant "urn:contit:params:oauth:grant-type:api-key" is configured under its other name, "api_key"`},
	{"the api_key grant needs API keys", without("api_key", grants.APIKey{}, storage.Parts{Clients: emptyStore, Credentials: emptyStore}),
		`the grant "api_key" needs API keys, and Storage has none`},
	{"the refresh_token grant needs credentials", without("refresh_token", grants.RefreshToken{}, storage.Parts{Clients: emptyStore, APIKeys: emptyStore}),
		`the grant "refresh_token" needs credentials, and Storage has none`},
	{"the authorization_code grant needs credentials", without("authorization_code", grants.AuthorizationCode{}, storage.Parts{Clients: emptyStore}),
		`the grant "authorization_code" needs credentials, and Storage has none`},
	{"a type is one of two", func(c *tokenendpoint.Config) { c.TokenType = "jwt" }, "TokenType is neither at+jwt nor JWT"},
	{"a token has a size", func(c *tokenendpoint.Config) { c.MaxTokenSize = -1 }, "MaxTokenSize is not between 1 and 16384"},
	{"a token can be revoked", func(c *tokenendpoint.Config) { c.MaxTokenSize = 16385 }, "MaxTokenSize is not between 1 and 16384"},
	{"repeats have a number", func(c *tokenendpoint.Config) { c.RefreshRetries = -1 }, "RefreshRetries is not between 1 and 1048576"},
	{"an access token lives", func(c *tokenendpoint.Config) { c.AccessTokenLifetime = -time.Hour }, "AccessTokenLifetime is not between 1s and 8760h0m0s"},
	{"an access token lives a second", func(c *tokenendpoint.Config) { c.AccessTokenLifetime = 999 * time.Millisecond }, "AccessTokenLifetime is not between 1s and 8760h0m0s"},
	{"an access token lives at most a year", func(c *tokenendpoint.Config) { c.AccessTokenLifetime = 8760*time.Hour + 1 }, "AccessTokenLifetime is not between 1s and 8760h0m0s"},
	{"a chain lives at most ten years", func(c *tokenendpoint.Config) { c.RefreshTokenLifetime = 87600*time.Hour + 1 }, "RefreshTokenLifetime is not between 1s and 87600h0m0s"},
	{"a refresh token lies unused for some time", func(c *tokenendpoint.Config) { c.RefreshTokenIdle = -1 }, "RefreshTokenIdle is not between 1s and 87600h0m0s"},
	{"the grace window is at most a minute", func(c *tokenendpoint.Config) { c.RefreshGrace = time.Minute + 1 }, "RefreshGrace is over a minute"},
	{"the window for codes is at most a minute", func(c *tokenendpoint.Config) { c.CodeReuseWindow = time.Minute + 1 }, "CodeReuseWindow is over a minute"},
	{"there is some time", func(c *tokenendpoint.Config) { c.Timeout = -1 }, "Timeout is not between 1s and 1m0s"},
	{"there is some time to read", func(c *tokenendpoint.Config) { c.ReadTimeout = time.Hour }, "ReadTimeout is not between 1s and 10m0s"},
	{"a token given again has some life left", func(c *tokenendpoint.Config) { c.ReuseAccessTokens = time.Hour }, "ReuseAccessTokens must be shorter than AccessTokenLifetime"},
	{"a token is given again within an hour", func(c *tokenendpoint.Config) {
		c.ReuseAccessTokens, c.AccessTokenLifetime = time.Hour+1, 2*time.Hour
	}, "ReuseAccessTokens is not between 1s and 1h0m0s"},
	{"an origin is not all of them", fromOrigin("*"), `AllowedOrigins: "*" is not an origin such as https://spa.example.com`},
	{"an origin is not null", fromOrigin("null"), `AllowedOrigins: "null" is not an origin such as https://spa.example.com`},
	{"an origin is not empty", fromOrigin(""), `AllowedOrigins: "" is not an origin such as https://spa.example.com`},
	{"an origin has no path", fromOrigin("https://a.test/"), `AllowedOrigins: "https://a.test/" is not an origin such as https://spa.example.com`},
	{"an origin is in lower case", fromOrigin("https://A.test"), `AllowedOrigins: "https://A.test" is not an origin such as https://spa.example.com`},
	{"an origin leaves out the port of its scheme", fromOrigin("https://a.test:443"), `AllowedOrigins: "https://a.test:443" is not an origin such as https://spa.example.com`},
	{"an origin has no user", fromOrigin("https://me@a.test"), `AllowedOrigins: "https://me@a.test" is not an origin such as https://spa.example.com`},
	{"revocations are no nil pointer", func(c *tokenendpoint.Config) { c.Revocations = (*memory.Store)(nil) }, "Revocations is a nil pointer"},
	{"revocations hold within a minute", func(c *tokenendpoint.Config) { c.RevocationStaleness = time.Minute + 1 }, "RevocationStaleness is over a minute"},
	{"a base is a URL", func(c *tokenendpoint.Config) { c.BaseURL = "/auth" }, "BaseURL is not a URL without query and fragment"},
	{"a base has no query", func(c *tokenendpoint.Config) { c.BaseURL = "https://as.test/?a" }, "BaseURL is not a URL without query and fragment"},
	{"a base is no http", func(c *tokenendpoint.Config) { c.BaseURL = "http://as.test" }, "BaseURL is http: only a loopback address may be"},
	{"the token endpoint is on", at(tokenendpoint.Paths{Token: "-"}), "Paths.Token switches the token endpoint off"},
	{"a path begins with a slash", at(tokenendpoint.Paths{Token: "token"}), "Paths.Token is not a path such as /connect/token"},
	{"a path does not end with one", at(tokenendpoint.Paths{Revocation: "/revoke/"}), "Paths.Revocation is not a path such as /connect/revocation"},
	{"a path is more than a slash", at(tokenendpoint.Paths{JWKS: "/"}), "Paths.JWKS is not a path such as /.well-known/jwks.json"},
	{"a path has one spelling", at(tokenendpoint.Paths{Metadata: "/a/../b"}), "Paths.Metadata is not a path such as /.well-known/oauth-authorization-server"},
	{"a path has no escapes", at(tokenendpoint.Paths{Token: "/%74oken"}), "Paths.Token is not a path such as /connect/token"},
	{"a path is no pattern", at(tokenendpoint.Paths{Token: "/{tenant}/token"}), "Paths.Token is not a path such as /connect/token"},
	{"a path is no pattern of another kind", at(tokenendpoint.Paths{Token: "/:tenant/*"}), "Paths.Token is not a path such as /connect/token"},
	{"introspection needs to know what is revoked", at(tokenendpoint.Paths{Introspection: "/introspect"}),
		"Paths.Introspection needs Revocations: it would call a revoked token active"},
	{"two endpoints have two paths", at(tokenendpoint.Paths{Token: "/a", Revocation: "/a"}), `Paths: two endpoints are at "/a"`},
	{"metadata has no path of another", at(tokenendpoint.Paths{Metadata: "/connect/token"}), `Paths: two endpoints are at "/connect/token"`},
	{"a member is not the endpoint's", saying("issuer", "https://as.test"), `Metadata: "issuer" is said by the endpoint itself`},
	{"a member is not the endpoint's in another case", saying("Token_Endpoint", "x"), `Metadata: "Token_Endpoint" is said by the endpoint itself`},
	{"PKCE is the endpoint's", saying("code_challenge_methods_supported", "plain"), `Metadata: "code_challenge_methods_supported" is said by the endpoint itself`},
	{"a member is JSON", saying("x", func() {}), "Metadata: json: unsupported type: func()"},
}

func at(p tokenendpoint.Paths) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Paths = p }
}

func saying(name string, value any) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Metadata = map[string]any{name: value} }
}

func TestNewRefusesAFault(t *testing.T) {
	for _, tt := range faulty {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig(t)
			tt.change(&c)
			h, err := tokenendpoint.New(c)
			if want := "tokenendpoint: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if h != nil {
				t.Error("there is a handler beside the error")
			}
		})
	}
}

// Every fault is named in one error, in whatever order.
func TestNewNamesEveryFault(t *testing.T) {
	_, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:   "http://as.test",
		Audience: []string{""},
		Grants: map[string]grants.Grant{
			"password": grants.RefreshToken{}, "own": nil, "a\tb": grants.RefreshToken{},
			"refresh_token": grants.RefreshToken{}, "api_key": grants.APIKey{},
		},
		AccessTokenLifetime: -1, RefreshTokenLifetime: -1, RefreshTokenIdle: -1, Timeout: -1, ReadTimeout: -1,
		RefreshGrace: time.Hour, CodeReuseWindow: time.Hour, RefreshRetries: -1, MaxTokenSize: -1,
		TokenType: "none", AllowedOrigins: []string{"*", "spa.test"},
		BaseURL: "https://", Paths: tokenendpoint.Paths{Token: "x", Introspection: "/x"}, Metadata: map[string]any{"issuer": ""},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	got := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		"Issuer is http", "Audience is missing", "Keys is nil", "Clients is nil",
		`"password" is unsafe`, `"own" is nil`, `"a\tb" is not a grant_type`, `"refresh_token" needs credentials`, `"api_key" needs API keys`,
		"AccessTokenLifetime is", "RefreshTokenLifetime is", "RefreshTokenIdle is", ": Timeout is", "ReadTimeout is",
		"RefreshGrace is", "CodeReuseWindow is", "RefreshRetries is", "MaxTokenSize is", "TokenType is", `"*" is not an origin`, `"spa.test" is not an origin`,
		"BaseURL is", "Paths.Token is", "Paths.Introspection needs", `Metadata: "issuer"`,
	} {
		i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, want) })
		if i < 0 {
			t.Errorf("the error does not say %q", want)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		t.Errorf("the error says also %q", got)
	}
}

func TestNewAccepts(t *testing.T) {
	clients := tokenendpoint.ClientValidatorFunc(func(context.Context, clientauth.Credentials) (*storage.Client, error) {
		return nil, grants.InvalidClient
	})
	for _, tt := range []struct {
		name   string
		change func(*tokenendpoint.Config)
	}{
		{"the least", func(*tokenendpoint.Config) {}},
		{"an issuer with a path", issuedBy("https://as.test/a/")},
		{"http for localhost", issuedBy("http://localhost:8080")},
		{"http for 127.0.0.1", issuedBy("http://127.0.0.1:8080")},
		{"http for ::1", issuedBy("http://[::1]:8080")},
		{"clients and no store for client_credentials", func(c *tokenendpoint.Config) { c.Storage, c.Clients = nil, clients }},
		{"a store in parts", without("refresh_token", grants.RefreshToken{}, storage.Parts{Clients: emptyStore, Credentials: emptyStore})},
		{"clients beside a store without them", func(c *tokenendpoint.Config) {
			c.Clients = clients
			without("api_key", grants.APIKey{}, storage.Parts{APIKeys: emptyStore})(c)
		}},
		{"no windows", func(c *tokenendpoint.Config) { c.RefreshGrace, c.CodeReuseWindow = -1, -1 }},
		{"windows of a minute", func(c *tokenendpoint.Config) { c.RefreshGrace, c.CodeReuseWindow = time.Minute, time.Minute }},
		{"lifetimes of a second", func(c *tokenendpoint.Config) {
			c.AccessTokenLifetime, c.RefreshTokenLifetime, c.RefreshTokenIdle, c.Timeout = time.Second, time.Second, time.Second, time.Second
		}},
		{"an access token of a year", func(c *tokenendpoint.Config) { c.AccessTokenLifetime = 8760 * time.Hour }},
		{"a base elsewhere", func(c *tokenendpoint.Config) { c.BaseURL = "http://localhost:8080/auth/" }},
		{"what can be switched off", at(tokenendpoint.Paths{Revocation: "-", Introspection: "-", JWKS: "-", Metadata: "-"})},
		{"introspection elsewhere", func(c *tokenendpoint.Config) { c.Revocations, c.Paths.Introspection = emptyStore, "/a.b/c-d_e~/F9" }},
		{"members of its own", saying("authorization_endpoint", "https://as.test/login")},
		{"the type JWT", func(c *tokenendpoint.Config) { c.TokenType = jws.TypeJWT }},
		{"an origin with a port", fromOrigin("http://localhost:3000")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig(t)
			tt.change(&c)
			if h, err := tokenendpoint.New(c); err != nil || h == nil {
				t.Errorf("got %v and %v, want a handler", h, err)
			}
		})
	}
}

// aClient adds a client of all grants to the configured store, and returns its
// secret.
func aClient(t testing.TB, c tokenendpoint.Config) string {
	t.Helper()
	secret, hash := clientauth.NewSecret()
	err := c.Storage.(*memory.Store).PutClient(t.Context(), &storage.Client{
		ID: "c1", Secrets: []storage.ClientSecret{{Hash: hash}}, Scope: []string{"read"},
		GrantTypes: []string{"client_credentials", "refresh_token", "authorization_code", "own"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

// ask asks h as the client c1.
func ask(h http.Handler, secret, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/connect/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://spa.test")
	r.SetBasicAuth("c1", secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newHandler(t testing.TB, c tokenendpoint.Config) *tokenendpoint.Handler {
	t.Helper()
	h, err := tokenendpoint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What the caller does to its slices and maps later has no effect.
func TestNewCopies(t *testing.T) {
	c := goodConfig(t)
	c.AllowedOrigins, c.Logger = []string{"https://spa.test"}, discard
	secret, h := aClient(t, c), newHandler(t, c)
	c.Audience[0], c.AllowedOrigins[0] = "https://evil.test", "https://evil.test"
	delete(c.Grants, grants.TypeClientCredentials)
	c.Grants["own"] = grants.ClientCredentials{}

	w := ask(h, secret, "grant_type=client_credentials")
	if _, claims := token(t, w); claims["aud"] != "https://api.test" {
		t.Errorf("aud is %v, want what was configured", claims["aud"])
	}
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "https://spa.test" {
		t.Errorf("Access-Control-Allow-Origin is %q, want what was configured", got)
	}
	if w = ask(h, secret, "grant_type=own"); !strings.Contains(w.Body.String(), "unsupported_grant_type") {
		t.Errorf("a grant that was added later: got %d %s, want unsupported_grant_type", w.Code, w.Body)
	}
}

// token reads a response that issued tokens.
func token(t testing.TB, w *httptest.ResponseRecorder) (response, claims map[string]any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil || w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want tokens", w.Code, w.Body)
	}
	text, _ := response["access_token"].(string)
	return response, payload(t, text)
}

// The zero values are those that the documentation names. Those of the windows
// and of the limiter are rules of the specification.
func TestNewZeroValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		defer slog.SetDefault(slog.Default())
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		c := goodConfig(t)
		c.Grants = map[string]grants.Grant{"client_credentials": grants.ClientCredentials{Refresh: true}, "refresh_token": grants.RefreshToken{}}
		secret, h := aClient(t, c), newHandler(t, c)
		response, claims := token(t, ask(h, secret, "grant_type=client_credentials"))
		if response["expires_in"] != 3600.0 || claims["aud"] != "https://api.test" || claims["iss"] != "https://as.test" {
			t.Errorf("the response is %v with the claims %v, want an hour", response, claims)
		}
		if !strings.Contains(log.String(), "outcome=issued") {
			t.Errorf("slog.Default has got %q, want a line for the request", log.String())
		}
		refresh, _ := response["refresh_token"].(string)
		got, err := c.Storage.Credential(t.Context(), storage.PresentedSecret(refresh).Digest(storage.KindRefreshToken))
		if err != nil {
			t.Fatal(err)
		}
		const day = 24 * time.Hour
		if now := time.Now(); got.ExpiresAt.Sub(now) != 14*day || got.FamilyExpiresAt.Sub(now) != 30*day || got.MaxUses != 101 {
			t.Errorf("the refresh token is %+v, want 14 and 30 days and 101 uses", got)
		}
	})
}

// hanging is a store that answers nothing before its context ends.
type hanging struct{ storage.Storage }

func (hanging) Client(ctx context.Context, _ string) (*storage.Client, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestNewBoundsTheStoreByTwoSeconds(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := goodConfig(t)
			c.Storage, c.Timeout, c.Logger = hanging{c.Storage}, configured, discard
			start := time.Now()
			w := ask(newHandler(t, c), "secret", "grant_type=client_credentials")
			if got := time.Since(start); w.Code != http.StatusServiceUnavailable || got != want {
				t.Errorf("got %d after %s, want 503 after %s", w.Code, got, want)
			}
		})
	}
}
