package grants_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

func TestReadAuthorizationRequest(t *testing.T) {
	a, err := page(t).Read(get(right("login_hint", "alice", "resource", "https://API.test/").Encode()))
	wantRequest(t, a, err)
	if a.Client.ID != "c1" || !slices.Equal(a.Scope, []string{"read"}) || !slices.Equal(a.Audience, []string{"https://api.test"}) ||
		a.RedirectURI != "https://c1.test/cb" || a.State != "s t&é" || a.CodeChallenge != challenge || a.CodeChallengeMethod != "S256" ||
		a.PromptNone || a.Parameters.Get("login_hint") != "alice" {
		t.Errorf("got %+v, want the request as it came", a)
	}
}

// Nothing of these requests may be redirected: nobody knows whose the address is.
func TestAuthorizationRequestShown(t *testing.T) {
	e := page(t)
	for _, c := range []struct{ name, query, says string }{
		{"U01_an unknown client", right("client_id", "nobody").Encode(), "must register it"},
		{"U01_a disabled client", right("client_id", "off").Encode(), "must register it"},
		{"U01_another case of the client_id", right("client_id", "C1").Encode(), "must register it"},
		{"U01_no client", right("client_id", "-").Encode(), "must send the parameter client_id"},
		{"U01_an empty client_id", right("client_id", "").Encode(), "must send the parameter client_id"},
		{"U01_a redirect_uri that is not registered", right("redirect_uri", "https://evil.test/cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri of another client", right("redirect_uri", "com.example.app:/cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri that goes on", right("redirect_uri", "https://c1.test/cb/x").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with dots", right("redirect_uri", "https://c1.test/x/../cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with a user", right("redirect_uri", "https://c1.test@evil.test/cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with a backslash", right("redirect_uri", `https://evil.test\@c1.test/cb`).Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with a tab", right("redirect_uri", "https://c1.test/\tcb").Encode(), "each parameter once, form-encoded"},
		{"U01_a redirect_uri with a space before it", right("redirect_uri", " https://c1.test/cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with a NUL behind it", right("redirect_uri", "https://c1.test/cb\x00").Encode(), "each parameter once, form-encoded"},
		{"U01_a redirect_uri with a fragment", right("redirect_uri", "https://c1.test/cb#x").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri with a query", right("redirect_uri", "https://c1.test/cb?x=1").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri that is encoded twice", right("redirect_uri", "https%3A%2F%2Fc1.test%2Fcb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a redirect_uri without its scheme", right("redirect_uri", "//c1.test/cb").Encode(), "must register the redirect_uri exactly"},
		{"U01_a script for a redirect_uri", right("redirect_uri", "javascript:alert(1)").Encode(), "must register the redirect_uri exactly"},
		{"U01_no redirect_uri, where several are registered", right("client_id", "several", "redirect_uri", "-").Encode(), "must send one of the redirect_uris"},
		{"U03_client_id twice", right("+client_id", "c1").Encode(), "each parameter once, form-encoded"},
		{"U03_client_id twice, one without a value", right("+client_id", "").Encode(), "each parameter once, form-encoded"},
		{"U03_redirect_uri twice", right("+redirect_uri", "https://evil.test/cb").Encode(), "each parameter once, form-encoded"},
		{"U03_redirect_uri twice, the same", right("+redirect_uri", "https://c1.test/cb").Encode(), "each parameter once, form-encoded"},
		{"U03_redirect_uri twice, one name with an escape", right().Encode() + "&redirect%5Furi=https://evil.test/cb", "each parameter once, form-encoded"},
		{"U03_client_id with half an escape", right("client_id", "-").Encode() + "&client_id=c1%", "each parameter once, form-encoded"},
		{"U03_client_id that is not UTF-8", right("client_id", "c\xff1").Encode(), "each parameter once, form-encoded"},
		{"U03_client_id with a NUL", right("client_id", "c1\x00").Encode(), "each parameter once, form-encoded"},
		{"U03_client_id that is too long", right("client_id", strings.Repeat("c", 5000)).Encode(), "at most 32 KiB"},
		{"U03_redirect_uri with an escape that is none", right("redirect_uri", "-").Encode() + "&redirect_uri=https://c1.test/cb%zz", "each parameter once, form-encoded"},
		{"U03_redirect_uri that is not UTF-8", right("redirect_uri", "https://c1.test/\xc0\x80").Encode(), "each parameter once, form-encoded"},
		{"U03_redirect_uri that is too long", right("redirect_uri", "https://c1.test/"+strings.Repeat("c", 5000)).Encode(), "at most 32 KiB"},
		{"U03_a semicolon behind the client_id", right("client_id", "-").Encode() + "&client_id=c1;x=1", "each parameter once, form-encoded"},
		{"U03_too many parameters", right().Encode() + strings.Repeat("&x=1", 100), "at most 32 KiB"},
		{"U03_too many resources", right().Encode() + strings.Repeat("&resource=https://api.test", 100), "at most 32 KiB"},
		{"U03_a query that is too long", right().Encode() + "&x=" + strings.Repeat("x", 40<<10), "at most 32 KiB"},
		{"U03_nothing", "", "must send the parameter client_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := e.Read(get(c.query))
			if a != nil {
				t.Errorf("got the request %+v, want none", a)
			}
			fault := wantShown(t, e, err, http.StatusBadRequest)
			if !strings.Contains(fault.Sentence, c.says) {
				t.Errorf("the sentence is %q, want one that says %q", fault.Sentence, c.says)
			}
			if strings.Contains(fault.Sentence, "evil") || strings.Contains(fault.Error(), "evil") {
				t.Errorf("the sentence %q or the cause %q echoes the request", fault.Sentence, fault)
			}
		})
	}
}

// A fault of one of these parameters is for the client, and leaves the state alone.
func TestAuthorizationRequestTold(t *testing.T) {
	e := page(t)
	for _, c := range []struct{ name, query, code, describes string }{
		{"U02_response_type twice", right("+response_type", "code").Encode(), "invalid_request", "response_type is repeated"},
		{"U02_scope twice", right("+scope", "write").Encode(), "invalid_request", "scope is repeated"},
		{"U02_code_challenge twice", right("+code_challenge", challenge).Encode(), "invalid_request", "code_challenge is repeated"},
		{"U02_code_challenge_method twice", right("+code_challenge_method", "plain").Encode(), "invalid_request", "code_challenge_method is repeated"},
		{"U02_response_mode twice", right("response_mode", "query", "+response_mode", "fragment").Encode(), "invalid_request", "response_mode is repeated"},
		{"U02_prompt twice", right("prompt", "login", "+prompt", "none").Encode(), "invalid_request", "prompt is repeated"},
		{"U02_scope twice, one name with an escape", right().Encode() + "&sc%6Fpe=write", "invalid_request", "scope is repeated"},
		{"U02_scope twice, one without a value", right("+scope", "").Encode(), "invalid_request", "scope is repeated"},
		{"U02_scope that is not UTF-8", right("scope", "r\xffead").Encode(), "invalid_request", "scope is malformed"},
		{"U02_scope with an overlong NUL", right("scope", "read\xc0\x80").Encode(), "invalid_request", "scope is malformed"},
		{"U02_scope with a NUL", right("scope", "read\x00").Encode(), "invalid_request", "scope is malformed"},
		{"U02_scope with an escape that is none", right("scope", "-").Encode() + "&scope=%zz", "invalid_request", "scope is malformed"},
		{"U02_scope with a semicolon", right("scope", "-").Encode() + "&scope=read;client_id=bare", "invalid_request", "scope is malformed"},
		{"U02_scope that is too long", right("scope", strings.Repeat("x", 5000)).Encode(), "invalid_request", "scope is too long"},
		{"U02_scope with two spaces", right("scope", "read  write").Encode(), "invalid_scope", "malformed"},
		{"U02_response_type that is too long", right("response_type", strings.Repeat("x", 5000)).Encode(), "invalid_request", "response_type is too long"},
		{"U02_an unknown parameter with an escape that is none", right().Encode() + "&x=%zz", "invalid_request", "malformed"},
		{"U02_an unknown parameter with a NUL", right("login_hint", "\x00").Encode(), "invalid_request", "malformed"},
		{"U02_a name that is not UTF-8", right().Encode() + "&%ff=1", "invalid_request", "malformed"},
		{"U02_resource with a newline", right("resource", "https://api.test/\n").Encode(), "invalid_request", "resource is malformed"},
		{"U02_resource that is too long", right("resource", "https://api.test/"+strings.Repeat("x", 5000)).Encode(), "invalid_request", "resource is too long"},
		{"U02_a client that may have no codes", right("client_id", "bare").Encode(), "unauthorized_client", "not registered"},
		{"U04_no response_type", right("response_type", "-").Encode(), "invalid_request", "response_type is missing"},
		{"U04_an empty response_type", right("response_type", "").Encode(), "invalid_request", "response_type is missing"},
		{"U04_token", right("response_type", "token").Encode(), "unsupported_response_type", "code"},
		{"U04_code and token", right("response_type", "code token").Encode(), "unsupported_response_type", "code"},
		{"U04_an ID token", right("response_type", "id_token").Encode(), "unsupported_response_type", "code"},
		{"U04_another case", right("response_type", "CODE").Encode(), "unsupported_response_type", "code"},
		{"U05_no code_challenge", right("code_challenge", "-", "code_challenge_method", "-").Encode(), "invalid_request", "code_challenge is missing"},
		{"U05_a method without a code_challenge", right("code_challenge", "-").Encode(), "invalid_request", "code_challenge is missing"},
		{"U05_plain", right("code_challenge_method", "plain").Encode(), "invalid_request", "S256"},
		{"U05_no method, which means plain", right("code_challenge_method", "-").Encode(), "invalid_request", "S256"},
		{"U05_another case of the method", right("code_challenge_method", "s256").Encode(), "invalid_request", "S256"},
		{"U05_a code_challenge that is none", right("code_challenge", "abc").Encode(), "invalid_request", "malformed"},
		{"U05_a code_challenge with padding", right("code_challenge", challenge+"=").Encode(), "invalid_request", "malformed"},
		{"U06_a scope beyond the registration", right("scope", "read root").Encode(), "invalid_scope", "not registered"},
		{"U06_a scope in another case", right("scope", "READ").Encode(), "invalid_scope", "not registered"},
		{"U06_a resource that is no audience", right("resource", "https://elsewhere.test").Encode(), "invalid_target", "resource"},
		{"U06_a resource below an audience", right("resource", "https://api.test/below").Encode(), "invalid_target", "resource"},
		{"U06_one of two resources is no audience", right("resource", "https://api.test", "+resource", "https://elsewhere.test").Encode(), "invalid_target", "resource"},
		{"U06_a relative resource", right("resource", "/api").Encode(), "invalid_target", "absolute"},
		{"U06_a resource with a fragment", right("resource", "https://api.test/#x").Encode(), "invalid_target", "fragment"},
		{"U09_response_mode fragment", right("response_mode", "fragment").Encode(), "invalid_request", "response_mode"},
		{"U09_response_mode form_post", right("response_mode", "form_post").Encode(), "invalid_request", "response_mode"},
		{"U09_a request object", right("request", "eyJ").Encode(), "request_not_supported", "request"},
		{"U09_a long request object", right("request", strings.Repeat("x", 8000)).Encode(), "request_not_supported", "request"},
		{"U09_a request object elsewhere", right("request_uri", "https://evil.test/object").Encode(), "request_uri_not_supported", "request_uri"},
		{"U09_prompt none and login", right("prompt", "none login").Encode(), "invalid_request", "prompt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Read(get(c.query))
			q := wantTold(t, err, "https://c1.test/cb?", c.code)
			if got := q["state"]; !slices.Equal(got, []string{"s t&é"}) {
				t.Errorf("the state is %q, want that of the request", got)
			}
			if !strings.Contains(q.Get("error_description"), c.describes) {
				t.Errorf("the description is %q, want it to say %q", q.Get("error_description"), c.describes)
			}
		})
	}
}

// A state that cannot be told apart or read is not sent back.
func TestAuthorizationRequestState(t *testing.T) {
	e := page(t)
	for _, c := range []struct{ name, query string }{
		{"U02_state twice", right("+state", "t").Encode()},
		{"U02_state three times", right("+state", "t", "+state", "u").Encode()},
		{"U02_state twice, the first without a value", "state=&" + right().Encode()},
		{"U02_state that is not UTF-8", right("state", "\xff").Encode()},
		{"U02_state with a newline", right("state", "a\r\nSet-Cookie: x=1").Encode()},
		{"U02_state that is too long", right("state", strings.Repeat("s", 5000)).Encode()},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Read(get(c.query))
			q := wantTold(t, err, "https://c1.test/cb?", "invalid_request")
			if q.Has("state") || !strings.HasPrefix(q.Get("error_description"), "state is ") {
				t.Errorf("the answer has %v, want no state, and a description of it", q)
			}
		})
	}
	a, err := e.Read(get(right("state", "-").Encode()))
	wantRequest(t, a, err)
	if told := wantTold(t, a.Refuse(grants.AccessDenied), "https://c1.test/cb?", "access_denied"); told.Has("state") {
		t.Errorf("a request without a state is answered with %v", told)
	}
}

func TestAuthorizationRequestScopeAndAudience(t *testing.T) {
	for _, c := range []struct {
		name            string
		query           string
		edit            func(*storage.Client)
		scope, audience []string
	}{
		{name: "U06_no scope is the default", query: right("scope", "-").Encode(), edit: func(c *storage.Client) { c.DefaultScope = []string{"write"} }, scope: []string{"write"}},
		{name: "U06_no scope and no default is all", query: right("scope", "").Encode(), scope: []string{"read", "write", "admin:x"}},
		{name: "U06_R29_offline_access is left out", query: right("scope", "read offline_access").Encode(), scope: []string{"read"}},
		{name: "U06_R29_offline_access alone is as no scope", query: right("scope", "offline_access").Encode(), scope: []string{"read", "write", "admin:x"}},
		{name: "U06_several resources", query: right("resource", "https://api.test", "+resource", "https://other.test/x").Encode(),
			scope: []string{"read"}, audience: []string{"https://api.test", "https://other.test/x"}},
		{name: "U06_R27_the spelling is that of the configuration", query: right("resource", "HTTPS://API.test:443/", "+resource", "https://api.test/").Encode(),
			scope: []string{"read"}, audience: []string{"https://api.test"}},
		{name: "U06_R27_the audiences of the client replace those of the endpoint", query: right("resource", "https://mine.test/").Encode(),
			edit: func(c *storage.Client) { c.Audience = []string{"https://mine.test"} }, scope: []string{"read"}, audience: []string{"https://mine.test"}},
		{name: "U06_no resource leaves the audience open", query: right("resource", "").Encode(), scope: []string{"read"}},
		{name: "U05_R13_no PKCE for a client that needs none", query: right("code_challenge", "-", "code_challenge_method", "-").Encode(),
			edit: func(c *storage.Client) { c.PKCENotRequired = true }, scope: []string{"read"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, k := page(t), client()
			if c.edit != nil {
				c.edit(k)
			}
			e.Clients = clientsFunc(func(context.Context, string) (*storage.Client, error) { return k, nil })
			a, err := e.Read(get(c.query))
			wantRequest(t, a, err)
			if !slices.Equal(a.Scope, c.scope) || !reflect.DeepEqual(a.Audience, c.audience) {
				t.Errorf("got the scope %q and the audience %q, want %q and %q", a.Scope, a.Audience, c.scope, c.audience)
			}
		})
	}
}

// No request can ask for a grant that the token endpoint does not have.
func TestAuthorizationEndpointGrantTypes(t *testing.T) {
	e := page(t)
	e.GrantTypes = []string{grants.TypeAuthorizationCode}
	_, err := e.Read(get(right("scope", "read offline_access").Encode()))
	wantTold(t, err, "https://c1.test/cb?", "invalid_scope")
	a, err := e.Read(get(right().Encode()))
	wantRequest(t, a, err)
	e.GrantTypes = []string{grants.TypeRefreshToken}
	_, err = e.Read(get(right().Encode()))
	wantTold(t, err, "https://c1.test/cb?", "unsupported_response_type")
}

func TestAuthorizationRequestPrompt(t *testing.T) {
	e := page(t)
	for prompt, want := range map[string]bool{"none": true, "login": false, "": false, "login consent": false} {
		a, err := e.Read(get(right("prompt", prompt).Encode()))
		wantRequest(t, a, err)
		if a.PromptNone != want {
			t.Errorf("prompt=%q: got PromptNone %t, want %t", prompt, a.PromptNone, want)
		}
	}
	t.Run("U09_prompt none without a session", func(t *testing.T) {
		a, err := e.Read(get(right("prompt", "none").Encode()))
		wantRequest(t, a, err)
		for _, code := range []grants.ErrorCode{grants.LoginRequired, grants.ConsentRequired, grants.InteractionRequired} {
			wantTold(t, a.Refuse(code), "https://c1.test/cb?", string(code))
		}
	})
}

// An outage is never a verdict, and nobody knows where an answer may go.
func TestAuthorizationRequestOutage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*grants.AuthorizationEndpoint)
		cause  string
	}{
		{"U11_the store is away", finds(nil, errOutage), "database is away"},
		{"U11_the store wraps a verdict", finds(nil, fmt.Errorf("%w: %w", grants.InvalidClient, errOutage)), "database is away"},
		{"U11_the time is over", finds(nil, context.DeadlineExceeded), "deadline"},
		{"U11_the store finds nothing and says nothing", finds(nil, nil), "neither"},
		{"U11_the store finds another client", finds(&storage.Client{ID: "C1"}, nil), "another ID"},
		{"U11_the record has a redirect URI that a browser runs", func(e *grants.AuthorizationEndpoint) {
			c := client()
			c.RedirectURIs = append(c.RedirectURIs, "javascript:alert(1)")
			finds(c, nil)(e)
		}, "RedirectURIs[1]"},
		{"U11_the record is malformed", func(e *grants.AuthorizationEndpoint) {
			c := client()
			c.Scope = append(c.Scope, "a b")
			finds(c, nil)(e)
		}, "Scope[3]"},
		{"U11_there is no issuer", func(e *grants.AuthorizationEndpoint) { e.Issuer = "" }, "Issuer"},
		{"U11_the issuer is any", func(e *grants.AuthorizationEndpoint) { e.Issuer = storage.AnyIssuer }, "Issuer"},
		{"U11_there are no clients", func(e *grants.AuthorizationEndpoint) { e.Clients = nil }, "Clients"},
		{"U11_there is no audience", func(e *grants.AuthorizationEndpoint) { e.Audience = nil }, "Audience"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := page(t)
			c.change(&e)
			_, err := e.Read(get(right().Encode()))
			fault := wantShown(t, e, err, http.StatusServiceUnavailable)
			if !strings.Contains(fault.Error(), c.cause) || strings.Contains(fault.Sentence, c.cause) {
				t.Errorf("the log gets %q and the user %q, want the log alone to get %q", fault, fault.Sentence, c.cause)
			}
			w := httptest.NewRecorder()
			if e.Answer(w, get(""), nil, err); w.Header().Get("Retry-After") == "" {
				t.Error("the answer has no Retry-After")
			}
		})
	}
	if err := (grants.AuthorizationEndpoint{}).Check(); err == nil || strings.Count(err.Error(), "AuthorizationEndpoint.") != 3 {
		t.Errorf("Check of nothing: got error %v, want one that names three fields", err)
	}
	if err := page(t).Check(); err != nil {
		t.Errorf("Check: got error %v, want none", err)
	}
}

func finds(c *storage.Client, err error) func(*grants.AuthorizationEndpoint) {
	return func(e *grants.AuthorizationEndpoint) {
		e.Clients = clientsFunc(func(context.Context, string) (*storage.Client, error) { return c, err })
	}
}

// The cause of a redirect_uri that is refused says how little it takes to mend it.
func TestRedirectFaultSaysWhy(t *testing.T) {
	e := page(t)
	for _, c := range []struct{ registered, uri, cause string }{
		{"https://c1.test/cb", "https://c1.test/cb/", "slash"},
		{"https://c1.test/cb", "http://c1.test/cb", "http for https"},
		{"http://localhost:3000/cb", "http://localhost:3001/cb", "without a port"},
		{"http://127.0.0.1/cb", "http://localhost:3001/cb", "each by itself"},
		{"https://c1.test/cb", "https://elsewhere.test/cb", "byte for byte"},
	} {
		k := client()
		k.RedirectURIs = []string{c.registered}
		finds(k, nil)(&e)
		_, err := e.Read(get(right("redirect_uri", c.uri).Encode()))
		if fault := wantShown(t, e, err, http.StatusBadRequest); !strings.Contains(fault.Error(), c.cause) {
			t.Errorf("%s where %s is registered: got the cause %q, want one that says %q", c.uri, c.registered, fault, c.cause)
		}
	}
}

func TestAnswerShowsAndLogs(t *testing.T) {
	e := page(t)
	var log strings.Builder
	e.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var shown string
	e.Show = func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
		w.WriteHeader(status)
		shown = sentence
	}
	w := httptest.NewRecorder()
	e.Answer(w, get(""), nil, errOutage)
	if w.Code != http.StatusServiceUnavailable || shown == "" || strings.Contains(shown, errOutage.Error()) {
		t.Errorf("an error of the host: got %d and %q, want 503 and a sentence without the error", w.Code, shown)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), errOutage.Error()) {
		t.Errorf("the log is %s, want the error", log.String())
	}
	w = httptest.NewRecorder()
	if e.Answer(w, get(""), nil, nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("neither an answer nor an error: got %d, want 503", w.Code)
	}
	for name, err := range map[string]error{
		"an error of the host's making": &grants.AuthorizationError{Err: errOutage}, "one without a reason": new(grants.AuthorizationError),
	} {
		w = httptest.NewRecorder()
		if e.Answer(w, get(""), nil, err); w.Code != http.StatusServiceUnavailable || shown == "" {
			t.Errorf("%s: got %d and %q, want 503 and a sentence", name, w.Code, shown)
		}
	}
	log.Reset()
	a, err := e.Read(get(right().Encode()))
	wantRequest(t, a, err)
	e.Answer(httptest.NewRecorder(), get(""), nil, a.Refuse(grants.AccessDenied.Because(errors.New("the user said no"))))
	if got := log.String(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, "told=client") || !strings.Contains(got, "client_id=c1") || !strings.Contains(got, "the user said no") {
		t.Errorf("the log is %s, want who was told, the client and the cause", got)
	}
}
