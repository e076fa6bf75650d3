package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// found ends the challenges of an API whose audience is a URL.
const found = `, resource_metadata="https://api.test/.well-known/oauth-protected-resource"`

// TestRequireToken has the answers of RFC 6750 §3.
func TestRequireToken(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.Realm = "the shop" })
	token := access(t, keys, good(time.Now()))
	const (
		realm   = `Bearer realm="the shop"`
		request = realm + `, error="invalid_request"`
		invalid = realm + `, error="invalid_token"`
	)
	for _, tt := range []struct {
		name          string
		authorization []string
		target        string
		scope         []string
		status        int
		challenge     string
	}{
		{"a good token", []string{"Bearer " + token}, "/", []string{"read"}, 204, ""},
		{"for a route that asks for no scope", []string{"Bearer " + token}, "/", nil, 204, ""},
		{"that has both scopes", []string{"Bearer " + token}, "/", []string{"write", "read"}, 204, ""},
		{"the scheme in lower case", []string{"bearer " + token}, "/", nil, 204, ""},
		{"the scheme in capitals", []string{"BEARER " + token}, "/", nil, 204, ""},
		{"two spaces", []string{"Bearer  " + token}, "/", nil, 204, ""},
		{"a query without a token", []string{"Bearer " + token}, "/?a=b%20c&xaccess_token=1", nil, 204, ""},

		{"no header", nil, "/", nil, 401, realm},
		{"an empty header", []string{""}, "/", nil, 401, realm},
		{"another scheme", []string{"Basic YTpi"}, "/", nil, 401, realm},
		{"DPoP", []string{"DPoP " + token}, "/", nil, 401, realm},
		{"no scheme", []string{token}, "/", nil, 401, realm},
		{"a scheme that begins with Bearer", []string{"BearerX " + token}, "/", nil, 401, realm},
		{"a tab behind the scheme", []string{"Bearer\t" + token}, "/", nil, 401, realm},
		{"a token in the query alone", nil, "/?access_token=" + token, nil, 401, realm},

		{"no token behind the scheme", []string{"Bearer"}, "/", nil, 400, request},
		{"a space behind the scheme", []string{"Bearer "}, "/", nil, 400, request},
		{"two words", []string{"Bearer a b"}, "/", nil, 400, request},
		{"a trailing space", []string{"Bearer " + token + " "}, "/", nil, 400, request},
		{"two tokens in a header", []string{"Bearer " + token + ", Bearer " + token}, "/", nil, 400, request},
		{"two headers", []string{"Bearer " + token, "Bearer " + token}, "/", nil, 400, request},
		{"a second header of another scheme", []string{"Bearer " + token, "Basic YTpi"}, "/", nil, 400, request},
		{"a line break in the token", []string{"Bearer " + token[:9] + "\n" + token[9:]}, "/", nil, 400, request},
		{"a quote", []string{`Bearer "` + token + `"`}, "/", nil, 400, request},
		{"an equals sign within", []string{"Bearer a=b"}, "/", nil, 400, request},
		{"an equals sign before", []string{"Bearer =ab"}, "/", nil, 400, request},
		{"equals signs alone", []string{"Bearer =="}, "/", nil, 400, request},
		{"no ASCII", []string{"Bearer é"}, "/", nil, 400, request},
		{"another one in the query", []string{"Bearer " + token}, "/?a=b&access_token=" + token, nil, 400, request},
		{"an empty one in the query", []string{"Bearer " + token}, "/?access_token", nil, 400, request},
		{"one in the query under an escaped name", []string{"Bearer " + token}, "/?%61ccess_token=a", nil, 400, request},

		{"no JWT", []string{"Bearer abc"}, "/", nil, 401, invalid},
		{"every character of a token", []string{"Bearer aZ09-._~+/=="}, "/", nil, 401, invalid},
		{"padding", []string{"Bearer " + token + "=="}, "/", nil, 401, invalid},
		{"a bad token without the scope", []string{"Bearer " + token + "="}, "/", []string{"admin"}, 401, invalid + `, scope="admin"`},
		{"P19: no token, for a route with scopes", nil, "/", []string{"read", "admin"}, 401, realm + `, scope="read admin"`},
		{"a malformed one, for a route with a scope", []string{"Bearer =="}, "/", []string{"admin"}, 400, request + `, scope="admin"`},

		{"P19: without the scope", []string{"Bearer " + token}, "/", []string{"admin"}, 403,
			realm + `, error="insufficient_scope", scope="admin"`},
		{"without one of the scopes", []string{"Bearer " + token}, "/", []string{"read", "admin"}, 403,
			realm + `, error="insufficient_scope", scope="read admin"`},
		{"with a longer scope", []string{"Bearer " + token}, "/", []string{"rea"}, 403,
			realm + `, error="insufficient_scope", scope="rea"`},
		{"with a scope in other case", []string{"Bearer " + token}, "/", []string{"Read"}, 403,
			realm + `, error="insufficient_scope", scope="Read"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(v, tt.scope, tt.target, tt.authorization...)
			if got.StatusCode != tt.status || got.ran != (tt.status == 204) {
				t.Fatalf("the status is %d (handler ran: %t), want %d", got.StatusCode, got.ran, tt.status)
			}
			if tt.status == 204 {
				if challenge := got.Header.Values("WWW-Authenticate"); challenge != nil {
					t.Errorf("the challenge is %s, want none", challenge)
				}
				return
			}
			if challenge := strings.Join(got.Header.Values("WWW-Authenticate"), " | "); challenge != tt.challenge+found {
				t.Errorf("the challenge is %s, want %s", challenge, tt.challenge+found)
			}
			want := "{}\n"
			if _, code, ok := strings.Cut(tt.challenge, `error="`); ok {
				want = `{"error":"` + code[:strings.IndexByte(code, '"')] + "\"}\n"
			}
			if got.body != want || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the answer is %q with %v, want %q as JSON that is not stored", got.body, got.Header, want)
			}
		})
	}
}

// Q05: a challenge with an error names the page about it (RFC 6750 §3); one without has none.
func TestChallengeNamesThePageOfTheError(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) { c.ErrorURI = "https://as.test/docs/" })
	const page = `Bearer realm="api", error="%s", error_uri="https://as.test/docs/errors/%[1]s", scope="admin"` + found
	for header, code := range map[string]string{
		"Bearer a b": "invalid_request", "Bearer abc": "invalid_token",
		"Bearer " + access(t, keys, good(time.Now())): "insufficient_scope",
	} {
		if got, want := ask(v, []string{"admin"}, "/", header).Header.Get("WWW-Authenticate"), fmt.Sprintf(page, code); got != want {
			t.Errorf("%s: the challenge is %s, want %s", code, got, want)
		}
	}
	if got := ask(v, nil, "/").Header.Get("WWW-Authenticate"); got != `Bearer realm="api"`+found {
		t.Errorf("without a token the challenge is %s, want no error and no page", got)
	}
}

func TestRequireTokenWithoutScopeInTheToken(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	token := "Bearer " + access(t, keys, with(time.Now(), func(a *jws.AccessToken) { a.Scope = nil }))
	if got := ask(v, nil, "/", token); got.StatusCode != 204 {
		t.Errorf("a route that asks for none: %d, want 204", got.StatusCode)
	}
	if got := ask(v, []string{"read"}, "/", token); got.StatusCode != 403 {
		t.Errorf("a route that asks for one: %d, want 403", got.StatusCode)
	}
}

// A preflight bears no token. The host wraps its CORS middleware around RequireToken.
func TestEveryMethodNeedsAToken(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	server := httptest.NewServer(v.RequireToken()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})))
	defer server.Close()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MADEUP"} {
		for _, token := range []string{"", "Bearer " + access(t, keys, good(time.Now()))} {
			r := must(http.NewRequest(method, server.URL, strings.NewReader("access_token=abc")))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Access-Control-Request-Method", "GET")
			want := http.StatusUnauthorized
			if token != "" {
				r.Header.Set("Authorization", token)
				want = http.StatusOK
			}
			response := must(http.DefaultClient.Do(r))
			body := must(io.ReadAll(response.Body))
			response.Body.Close()
			if response.StatusCode != want || method == "HEAD" && len(body) > 0 {
				t.Errorf("%s with token %t: %d and %q, want %d", method, token != "", response.StatusCode, body, want)
			}
		}
	}
}

func TestBodyIsTheHandlers(t *testing.T) {
	keys := edKeys(t)
	v := newVerifier(t, keys, nil)
	r := httptest.NewRequest("POST", "/", strings.NewReader("access_token=abc"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+access(t, keys, good(time.Now())))
	var got string
	v.RequireToken()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = string(must(io.ReadAll(r.Body)))
	})).ServeHTTP(httptest.NewRecorder(), r)
	if got != "access_token=abc" {
		t.Errorf("the handler read %q, want the whole body", got)
	}
}

// hung is a store that answers after the caller has given up.
func hung(ctx context.Context, _, _ string) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestOutageIsNoVerdict(t *testing.T) {
	errDown := errors.New("down")
	keys := edKeys(t)
	token := access(t, keys, good(time.Now()))
	failing := func(err error) bearer.RevocationsFunc {
		return func(context.Context, string, string) (bool, error) { return false, err }
	}
	for name, change := range map[string]func(*bearer.Config){
		"the store is down": func(c *bearer.Config) { c.Revocations = failing(errDown) },
		"the store says revoked and down": func(c *bearer.Config) {
			c.Revocations = bearer.RevocationsFunc(func(context.Context, string, string) (bool, error) { return true, errDown })
		},
		"the store errs with a verdict":   func(c *bearer.Config) { c.Revocations = failing(jws.ErrInvalid) },
		"the store errs with unknown key": func(c *bearer.Config) { c.Revocations = failing(jws.ErrUnknownKey) },
		"the keys are down": func(c *bearer.Config) {
			c.Keys = keysFunc(func(context.Context, string, time.Time) (*jws.PublicKey, error) { return nil, errDown })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			v := newVerifier(t, keys, func(c *bearer.Config) {
				change(c)
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			})
			got := ask(v, []string{"read"}, "/", "Bearer "+token)
			if got.StatusCode != 503 || got.ran || got.Header.Get("WWW-Authenticate") != "" {
				t.Fatalf("the status is %d (handler ran: %t, challenge %q), want 503", got.StatusCode, got.ran, got.Header.Get("WWW-Authenticate"))
			}
			if got.Header.Get("Retry-After") != "2" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("the header is %v, want Retry-After: 2 and no-store", got.Header)
			}
			m := regexp.MustCompile(`^\{"error":"temporarily_unavailable","error_description":"error id ([0-9a-f-]{36})"\}\n$`).FindStringSubmatch(got.body)
			if m == nil {
				t.Fatalf("the body is %q", got.body)
			}
			if line := log.String(); !strings.Contains(line, "level=ERROR") || !strings.Contains(line, m[1]) || strings.Count(line, "\n") != 1 {
				t.Errorf("the log is %q, want an error with the id %s", line, m[1])
			}
		})
	}
}

func TestStoreThatHangsIsGivenUp(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 7 * time.Second: 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			keys := edKeys(t)
			v := newVerifier(t, keys, func(c *bearer.Config) { c.Revocations, c.Timeout = bearer.RevocationsFunc(hung), timeout })
			begun := time.Now()
			got := ask(v, nil, "/", "Bearer "+access(t, keys, good(begun)))
			if took := time.Since(begun); got.StatusCode != 503 || got.ran || took != want {
				t.Errorf("the answer is %d after %s, want 503 after %s", got.StatusCode, took, want)
			}
		})
	}
}

func TestClientThatHangsUpIsNoOutageInTheLog(t *testing.T) {
	var log strings.Builder
	keys := edKeys(t)
	v := newVerifier(t, keys, func(c *bearer.Config) {
		c.Revocations, c.Logger = bearer.RevocationsFunc(hung), slog.New(slog.NewTextHandler(&log, nil))
	})
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+access(t, keys, good(time.Now())))
	if got := serve(v, nil, r); got.StatusCode != 503 || got.ran {
		t.Errorf("the answer is %d (handler ran: %t), want 503", got.StatusCode, got.ran)
	}
	if !strings.Contains(log.String(), "level=INFO") || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log is %q, want a line at info", log.String())
	}
}
