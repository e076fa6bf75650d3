package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// editor is a client of the tests below, which send its requests by hand.
var editor = &storage.Client{
	ID: "editor", AuthMethod: storage.AuthNone, RedirectURIs: []string{redirectURI},
	GrantTypes: []string{grants.TypeAuthorizationCode}, Scope: []string{scopeRead, scopeAdd},
}

// The verifier and the challenge of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// authorizeURL is a request for a scope.
func (d *deployment) authorizeURL(scope string) string {
	return d.base + loginPath + "?" + url.Values{
		"response_type": {"code"}, "client_id": {editor.ID}, "redirect_uri": {redirectURI}, "scope": {scope},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// token gets a token with one scope.
func (d *deployment) token(t *testing.T, scope string) string {
	t.Helper()
	back, err := new(user).agree(t.Context(), d, d.authorizeURL(scope))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := send(t.Context(), http.DefaultClient, http.MethodPost, d.base+"/connect/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {editor.ID}, "code": {back.Get("code")},
		"redirect_uri": {redirectURI}, "code_verifier": {verifier},
	})
	var body struct {
		Token string `json:"access_token"`
	}
	if err != nil || json.Unmarshal([]byte(answer.body), &body) != nil || body.Token == "" {
		t.Fatalf("the token endpoint answered %+v, %v", answer, err)
	}
	return body.Token
}

// TestScopes sends each message in every spelling that the MCP SDK reads. The server asks for
// the same scopes each time.
func TestScopes(t *testing.T) {
	d := serve(t, []*storage.Client{editor})
	reads, adds := d.token(t, scopeRead), d.token(t, scopeRead+" "+scopeAdd)
	const call = `"jsonrpc":"2.0","id":1,"params":{"name":"add_note","arguments":{"text":"milk"}}`
	for _, test := range []struct {
		name, token, message string
		status               int
		body, challenge      string // texts that they contain
	}{
		{"no token", "", `{"method":"tools/call",` + call + `}`, 401, "", `resource_metadata="` + d.base + `/.well-known/oauth-protected-resource/mcp"`},
		{"a token to read lists the tools", reads, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, 200, "add_note", ""},
		{"a token to read calls nothing", reads, `{"method":"tools/call",` + call + `}`, 403, "insufficient_scope", `scope="notes:read notes:write"`},
		{"a method that two readers read differently", reads, `{"method":"tools/call",` + call + `,"Method":"ping"}`, 200, "lacks the scope", ""},
		{"a token to add", adds, `{"method":"tools/call",` + call + `}`, 200, "Notes of user:ada: milk", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.mcpURL(), strings.NewReader(test.message))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if test.token != "" {
				r.Header.Set("Authorization", "Bearer "+test.token)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := answer.Header.Get("WWW-Authenticate")
			if answer.StatusCode != test.status || !strings.Contains(string(body), test.body) || !strings.Contains(got, test.challenge) {
				t.Errorf("it was answered with %d %q %s, want %d, %q and %q", answer.StatusCode, got, body, test.status, test.challenge, test.body)
			}
			if test.status == http.StatusUnauthorized && strings.Contains(got, "scope=") {
				t.Errorf("the challenge at the door is %q, and a client would ask for that scope alone", got)
			}
		})
	}
}

// TestLoginPage: the user sees where the code will go, and the name as what it is: a
// text of a stranger.
func TestLoginPage(t *testing.T) {
	d := serve(t, nil)
	for redirect, to := range map[string]string{
		"https://app.example.net/callback": "app.example.net",
		"app://bank.example/callback":      "app://bank.example/callback",
	} {
		r, err := http.Post(d.base+"/register", "application/json",
			strings.NewReader(`{"client_name":"<b>Your bank</b>","redirect_uris":["`+redirect+`"]}`))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var client struct {
			ID string `json:"client_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&client); err != nil || client.ID == "" {
			t.Fatalf("it was not registered: %v", err)
		}
		got, err := send(t.Context(), http.DefaultClient, http.MethodGet, d.base+loginPath+"?"+url.Values{
			"response_type": {"code"}, "client_id": {client.ID}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
		}.Encode(), nil)
		for _, want := range []string{"<strong>" + to + "</strong>", "calls itself &lt;b&gt;Your bank&lt;/b&gt;", `value="notes:read"`} {
			if err != nil || !strings.Contains(got.body, want) {
				t.Errorf("the page lacks %s: %+v, %v", want, got, err)
			}
		}
	}
}

// TestLogin: the page gives a code only for the password, and for the requested scopes.
func TestLogin(t *testing.T) {
	d := serve(t, []*storage.Client{editor})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := func(change ...string) url.Values {
		v := url.Values{"name": {userName}, "password": {d.password}, "decision": {"allow"}, "scope": {scopeRead}}
		for i := 0; i < len(change); i += 2 {
			v.Set(change[i], change[i+1])
		}
		return v
	}
	if _, err := send(t.Context(), browser, http.MethodPost, d.authorizeURL(scopeRead), form()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
		want   string // a text in the page or the address
	}{
		{"a wrong password", form("password", "guess"), 200, "This is not the name"},
		{"no password, after a login", form("password", ""), 200, "This is not the name"},
		{"another user", form("name", "bob"), 200, "This is not the name"},
		{"the user refuses", form("decision", "deny"), 303, "error=access_denied"},
		{"more than was asked for", form("scope", scopeAdd), 303, "error=invalid_scope"},
		{"the user agrees", form(), 303, "code="},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := send(t.Context(), browser, http.MethodPost, d.authorizeURL(scopeRead), test.form)
			if err != nil || got.status != test.status || !strings.Contains(got.location+got.body, test.want) {
				t.Errorf("it was answered with %+v, %v, want %d and %q", got, err, test.status, test.want)
			}
			if !strings.HasPrefix(test.want, "code=") && strings.Contains(got.location, "code=") {
				t.Error("the client got a code")
			}
		})
	}
}
