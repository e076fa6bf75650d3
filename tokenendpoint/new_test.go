package tokenendpoint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/sqlstore"
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

func openID(c *tokenendpoint.Config) { c.OpenIDConfiguration = true }

const noPage = `AuthorizationEndpoint is missing: the grant "authorization_code" needs it in the metadata (RFC 8414 §2). Set it to the URL of your login page, or switch the metadata off (Paths.Metadata)`

var emptyStore = new(memory.Store)

var faulty = []faultyConfig{
	{"an issuer is required", issuedBy(""), "Issuer is missing"},
	{"an issuer is a URL", issuedBy("as.test"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has a host", issuedBy("https:///token"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer can be parsed", issuedBy("https://as.test:x"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has no query", issuedBy("https://as.test?a=b"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has no empty query", issuedBy("https://as.test?"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has no fragment", issuedBy("https://as.test#"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has no space", issuedBy("https://as.test/a b"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer is ASCII", issuedBy("https://as.test/\xff"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has a port, if there is a colon", issuedBy("https://as.test:"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has a port that exists", issuedBy("https://as.test:99999999999"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an issuer has no port 0", issuedBy("https://as.test:0"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"an audience is text", func(c *tokenendpoint.Config) { c.Audience = []string{"a\xff"} }, `Audience: "a\xff" is not UTF-8 without control characters`},
	{"a store is no nil pointer", func(c *tokenendpoint.Config) { c.Storage = (*memory.Store)(nil) }, "Storage is a nil pointer"},
	{"a store is no zero value that only its constructor makes", func(c *tokenendpoint.Config) { c.Storage = new(sqlstore.Store) }, "Storage: sqlstore: the store was not made by Open"},
	{"a part of a store is no such zero value", func(c *tokenendpoint.Config) {
		c.Storage = storage.Parts{Clients: emptyStore, Credentials: new(redisstore.Store), APIKeys: emptyStore}
	}, "Storage: redisstore: the store was not made by New"},
	{"revocations are no such zero value", func(c *tokenendpoint.Config) { c.Revocations = new(sqlstore.Store) }, "Revocations: sqlstore: the store was not made by Open"},
	{"a validator is no nil function", func(c *tokenendpoint.Config) { c.ClientValidator = tokenendpoint.ClientValidatorFunc(nil) }, "ClientValidator is a nil pointer or function"},
	{"a validator of secrets has clients", func(c *tokenendpoint.Config) { c.ClientValidator = &clientauth.Secrets{} }, "ClientValidator is a clientauth.Secrets whose own Clients is nil"},
	{"a validator of secrets has no nil clients", func(c *tokenendpoint.Config) { c.ClientValidator = &clientauth.Secrets{Clients: (*memory.Store)(nil)} }, "ClientValidator is a clientauth.Secrets whose own Clients is nil"},
	{"a validator of secrets has a part with clients", func(c *tokenendpoint.Config) {
		c.ClientValidator = &clientauth.Secrets{Clients: storage.Parts{Credentials: emptyStore}}
	}, "ClientValidator is a clientauth.Secrets whose own Clients is nil"},
	{"a ready validator is no nil pointer", func(c *tokenendpoint.Config) { c.ClientValidator = (*clientauth.Secrets)(nil) }, "ClientValidator is a nil pointer or function"},
	{"a part of a store is no nil pointer", func(c *tokenendpoint.Config) {
		c.Storage = storage.Parts{Clients: emptyStore, Credentials: (*memory.Store)(nil)}
	}, "Storage.Credentials is a nil pointer"},
	{"a limiter is no nil pointer", func(c *tokenendpoint.Config) { c.Limiter = (*nobodysLimiter)(nil) }, "Limiter is a nil pointer"},
	{"a grant is no nil function", oneGrant("own", grants.Func(nil)), `the grant "own" is nil`},
	{"an issuer has no user", issuedBy("https://me@as.test"), "Issuer is not a URL without query and fragment, such as https://auth.example.com"},
	{"http is for a loopback address", issuedBy("http://as.test"), "Issuer is http: only a loopback address may be"},
	{"http is not for an address that begins like one", issuedBy("http://127.0.0.1.as.test"), "Issuer is http: only a loopback address may be"},
	{"an issuer is not of another scheme", issuedBy("ftp://as.test"), "Issuer is not an https URL"},
	{"an audience is required", func(c *tokenendpoint.Config) { c.Audience = nil }, "Audience is missing"},
	{"an audience is not empty", func(c *tokenendpoint.Config) { c.Audience = []string{"https://api.test", ""} }, "Audience is missing"},
	{"keys are required", func(c *tokenendpoint.Config) { c.Keys = nil }, "Keys is nil"},
	{"keys are made", func(c *tokenendpoint.Config) { c.Keys = new(jws.KeySet) }, "Keys was not made by jws.NewKeySet or jws.OpenKeySet"},
	{"clients are required", func(c *tokenendpoint.Config) { c.Storage = nil }, "ClientValidator is nil and Storage has no clients"},
	{"an empty map has no grants", func(c *tokenendpoint.Config) { c.Grants = map[string]grants.Grant{} }, "Grants is empty: nil means the grants that the rest of the configuration can serve"},
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
	{"the authorization_code grant needs credentials", func(c *tokenendpoint.Config) {
		without("authorization_code", grants.AuthorizationCode{}, storage.Parts{Clients: emptyStore})(c)
		c.AuthorizationEndpoint = "https://as.test/login"
	},
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
	{"an origin has a port, if there is a colon", fromOrigin("https://a.test:"), `AllowedOrigins: "https://a.test:" is not an origin such as https://spa.example.com`},
	{"an origin has a port that exists", fromOrigin("https://a.test:65536"), `AllowedOrigins: "https://a.test:65536" is not an origin such as https://spa.example.com`},
	{"an origin has no user", fromOrigin("https://me@a.test"), `AllowedOrigins: "https://me@a.test" is not an origin such as https://spa.example.com`},
	{"revocations are no nil pointer", func(c *tokenendpoint.Config) { c.Revocations = (*memory.Store)(nil) }, "Revocations is a nil pointer"},
	{"revocations hold within a minute", func(c *tokenendpoint.Config) { c.RevocationStaleness = time.Minute + 1 }, "RevocationStaleness is over a minute"},
	{"a base is a URL", func(c *tokenendpoint.Config) { c.BaseURL = "/auth" }, "BaseURL is not a URL without query and fragment, such as https://auth.example.com"},
	{"a base has no query", func(c *tokenendpoint.Config) { c.BaseURL = "https://as.test/?a" }, "BaseURL is not a URL without query and fragment, such as https://auth.example.com"},
	{"a base is no http", func(c *tokenendpoint.Config) { c.BaseURL = "http://as.test" }, "BaseURL is http: only a loopback address may be"},
	{"the token endpoint is on", at(tokenendpoint.Paths{Token: "-"}), "Paths.Token switches the token endpoint off"},
	{"a path begins with a slash", at(tokenendpoint.Paths{Token: "token"}), "Paths.Token is not a path such as /connect/token"},
	{"a path does not end with one", at(tokenendpoint.Paths{Revocation: "/revoke/"}), "Paths.Revocation is not a path such as /connect/revocation"},
	{"a path is more than a slash", at(tokenendpoint.Paths{JWKS: "/"}), "Paths.JWKS is not a path such as /.well-known/jwks.json"},
	{"a path has one spelling", at(tokenendpoint.Paths{Metadata: "/a/../b"}), "Paths.Metadata is not a path such as /.well-known/oauth-authorization-server"},
	{"a path has no escapes", at(tokenendpoint.Paths{Token: "/%74oken"}), "Paths.Token is not a path such as /connect/token"},
	{"a path is no pattern", at(tokenendpoint.Paths{Token: "/{tenant}/token"}), "Paths.Token is not a path such as /connect/token"},
	{"a path is no pattern of another kind", at(tokenendpoint.Paths{Token: "/:tenant/*"}), "Paths.Token is not a path such as /connect/token"},
	{"introspection needs to know what is revoked", at(tokenendpoint.Paths{Introspection: "/introspect"}), "Paths.Introspection needs Revocations: it would call a revoked token active"},
	{"two endpoints have two paths", at(tokenendpoint.Paths{Token: "/a", Revocation: "/a"}), `Paths: two endpoints are at "/a"`},
	{"metadata has no path of another", at(tokenendpoint.Paths{Metadata: "/connect/token"}), `Paths: two endpoints are at "/connect/token"`},
	{"a member is not the endpoint's", saying("issuer", "https://as.test"), `Metadata: "issuer" is said by the endpoint itself`},
	{"a member is not the endpoint's in another case", saying("Token_Endpoint", "x"), `Metadata: "Token_Endpoint" is said by the endpoint itself`},
	{"PKCE is the endpoint's", saying("code_challenge_methods_supported", "plain"), `Metadata: "code_challenge_methods_supported" is said by the endpoint itself`},
	{"the page has a field of its own", saying("Authorization_endpoint", "https://as.test/login"), `Metadata: "Authorization_endpoint" is AuthorizationEndpoint`},
	{"the pages of errors are at a URL", func(c *tokenendpoint.Config) { c.ErrorURI = "/docs" }, "ErrorURI is not a URL without query and fragment, such as https://auth.example.com"},
	{"an error_uri is overheard by nobody", func(c *tokenendpoint.Config) { c.ErrorURI = "http://as.test/docs" }, "ErrorURI is http: only a loopback address may be"},
	{"an error_uri keeps to its characters", func(c *tokenendpoint.Config) { c.ErrorURI = `https://as.test/"docs` }, "ErrorURI has a character that an error_uri cannot have (RFC 6749 §5.2)"},
	{"scopes have a field of their own", saying("scopes_supported", []string{"read"}), `Metadata: "scopes_supported" is ScopesSupported`},
	{"so has iss", saying("authorization_response_iss_parameter_supported", true), `Metadata: "authorization_response_iss_parameter_supported" is AuthorizationResponseWithoutIss`},
	{"clients can ask for a scope", func(c *tokenendpoint.Config) { c.ScopesSupported = []string{"a b"} }, `ScopesSupported: "a b" is no scope (RFC 6749 §3.3)`},
	{"a scope stands there once", func(c *tokenendpoint.Config) { c.ScopesSupported = []string{"a", "b", "a"} }, `ScopesSupported: "a" stands there twice`},
	{"a member is not an empty list", saying("ui_locales_supported", []string{}), `Metadata: "ui_locales_supported" is empty: leave it out (RFC 8414 §3.2)`},
	{"a member is not null", saying("ui_locales_supported", []string(nil)), `Metadata: "ui_locales_supported" is empty: leave it out (RFC 8414 §3.2)`},
	{"a member that is an endpoint is a URL", saying("registration_endpoint", "/register"), `Metadata: "registration_endpoint" is not a URL without a fragment`},
	{"a member that is an endpoint is no list", saying("registration_endpoint", []string{"https://as.test"}), `Metadata: "registration_endpoint" is not a URL without a fragment`},
	{"a member that is an endpoint is no http", saying("userinfo_endpoint", "http://as.test/me"), `Metadata: "userinfo_endpoint" is http: only a loopback address may be`},
	{"codes come from a page", oneGrant("authorization_code", grants.AuthorizationCode{}), noPage},
	{"codes come from a page, also for a grant of the host's", oneGrant("authorization_code", grants.Func(grants.AuthorizationCode{}.Authorize)), noPage},
	{"codes come from a page, where OpenID clients look", func(c *tokenendpoint.Config) {
		oneGrant("authorization_code", grants.AuthorizationCode{})(c)
		openID(c)
		c.Paths.Metadata = "-"
	}, noPage},
	{"the page is a URL", func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "/login" }, "AuthorizationEndpoint is not a URL without a fragment, such as https://www.example.com/login"},
	{"the page has no fragment", func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "https://as.test/#login" }, "AuthorizationEndpoint is not a URL without a fragment, such as https://www.example.com/login"},
	{"the page is no http", func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "http://as.test/login" }, "AuthorizationEndpoint is http: only a loopback address may be"},
	{"OpenID clients require a page", openID, "OpenIDConfiguration needs AuthorizationEndpoint (OpenID Connect Discovery 1.0 §3)"},
	{"OpenID clients require keys", func(c *tokenendpoint.Config) {
		openID(c)
		c.AuthorizationEndpoint, c.Paths.JWKS = "https://as.test/login", "-"
	}, "OpenIDConfiguration needs a jwks_uri (OpenID Connect Discovery 1.0 §3): Paths.JWKS is off and Metadata has none"},
	{"a member is JSON", saying("x", func() {}), "Metadata: json: unsupported type: func()"},
}

func at(p tokenendpoint.Paths) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Paths = p }
}

func saying(name string, value any) func(*tokenendpoint.Config) {
	return func(c *tokenendpoint.Config) { c.Metadata = map[string]any{name: value} }
}

func TestNewRefusesAFault(t *testing.T) {
	for _, tt := range slices.Concat(faulty, faultyAssertions) {
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

// Every fault is named in one error, in any order.
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
		"Issuer is http", "Audience is missing", "Keys is nil", "ClientValidator is nil",
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
	clients := tokenendpoint.ClientValidatorFunc(func(context.Context, clientauth.Request) (*storage.Client, error) {
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
		{"clients and no store for client_credentials", func(c *tokenendpoint.Config) { c.Storage, c.ClientValidator = nil, clients }},
		{"a store in parts", without("refresh_token", grants.RefreshToken{}, storage.Parts{Clients: emptyStore, Credentials: emptyStore})},
		{"clients beside a store without them", func(c *tokenendpoint.Config) {
			c.ClientValidator = clients
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
		{"members of its own", saying("device_authorization_endpoint", "https://as.test/device?a=b")},
		{"a page for nobody", func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "https://as.test/login?a=b" }},
		{"a page on a loopback address", func(c *tokenendpoint.Config) { c.AuthorizationEndpoint = "http://[::1]:8080/login" }},
		{"codes without a page, and no metadata", func(c *tokenendpoint.Config) {
			oneGrant("authorization_code", grants.AuthorizationCode{})(c)
			c.Paths.Metadata = "-"
		}},
		{"OpenID clients, with keys elsewhere", func(c *tokenendpoint.Config) {
			openID(c)
			c.Paths.JWKS, c.AuthorizationEndpoint = "-", "https://as.test/login"
			c.Metadata = map[string]any{"jwks_uri": "https://as.test/keys"}
		}},
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

// The caller may change its slices and maps later, without effect.
func TestNewCopies(t *testing.T) {
	c := goodConfig(t)
	c.AllowedOrigins, c.Logger = []string{"https://spa.test"}, discard
	secret, h := aClient(t, c), newHandler(t, c)
	c.Audience[0], c.AllowedOrigins[0] = "https://evil.test", "https://evil.test"
	delete(c.Grants, grants.TypeClientCredentials)
	c.Grants["own"] = grants.ClientCredentials{}

	w := ask(h, secret, "grant_type=client_credentials")
	if _, claims := token(t, w); claims["aud"] != "https://api.test" {
		t.Errorf("aud is %v, want the configured audience", claims["aud"])
	}
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "https://spa.test" {
		t.Errorf("Access-Control-Allow-Origin is %q, want the configured origin", got)
	}
	if w = ask(h, secret, "grant_type=own"); !strings.Contains(w.Body.String(), "unsupported_grant_type") {
		t.Errorf("a grant that was added later: got %d %s, want unsupported_grant_type", w.Code, w.Body)
	}
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

type nobodysLimiter struct{ tokenendpoint.Limiter }

// Without Config.Grants, the endpoint has those that the rest of the configuration
// can serve.
func TestGrantsThatTheConfigurationCanServe(t *testing.T) {
	store := new(memory.Store)
	for _, tt := range []struct {
		name    string
		storage storage.Storage
		page    string
		want    string
	}{
		{"with all that there is", store, "https://as.test/login", `["api_key","authorization_code","client_credentials","refresh_token","` + grants.TypeAPIKeyURN + `"]`},
		{"no page gives codes", store, "", `["api_key","client_credentials","refresh_token","` + grants.TypeAPIKeyURN + `"]`},
		{"no API keys", storage.Parts{Clients: store, Credentials: store}, "https://as.test/login", `["authorization_code","client_credentials","refresh_token"]`},
		{"no credentials", storage.Parts{Clients: store, APIKeys: store}, "https://as.test/login", `["api_key","client_credentials","` + grants.TypeAPIKeyURN + `"]`},
		{"clients alone", storage.Parts{Clients: store}, "https://as.test/login", `["client_credentials"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig(t)
			c.Storage, c.AuthorizationEndpoint, c.Grants = tt.storage, tt.page, nil
			w := httptest.NewRecorder()
			newHandler(t, c).Metadata().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			var m struct {
				Grants json.RawMessage `json:"grant_types_supported"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || string(m.Grants) != tt.want {
				t.Errorf("grant_types_supported is %s, %v, want %s", m.Grants, err, tt.want)
			}
			if c.Grants != nil {
				t.Errorf("New has changed the configuration")
			}
		})
	}
}
