package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// A user connects an app and disconnects it: login, consent, code, token, API, refresh.
func TestConnectAndDisconnect(t *testing.T) {
	site := open(t)
	b, app := site.browser(), site.reader()
	token := b.connect(app, "ada")
	if me := site.me(token.AccessToken); me.status != 200 || me.fields["email"] != "ada@example.com" {
		t.Errorf("GET /api/me: got %d %s, want 200 and Ada", me.status, me.body)
	}
	if n := site.count(`SELECT count(*) FROM audit WHERE what = 'allowed' AND subject = 'user:1' AND app = 'reader'`); n != 1 {
		t.Errorf("rows of the audit: got %d, want 1", n)
	}
	token, err := refresh(t.Context(), app, token)
	if err != nil {
		t.Fatal(err)
	}
	site.sql(`UPDATE users SET locked = true WHERE name = 'Ada'`)
	if _, err := refresh(t.Context(), app, token); err == nil {
		t.Error("the refresh of a locked user: got a token")
	}
	site.sql(`UPDATE users SET locked = false`)
	if token, err = refresh(t.Context(), app, token); err != nil { // the lock has used nothing up
		t.Fatal(err)
	}

	p := b.get("/apps")
	if !strings.Contains(p.body, "<h2>Reader</h2>") || !strings.Contains(p.body, "<li>"+scopes["profile"]+"</li>") {
		t.Fatalf("the page of connected apps shows\n%s", p.body)
	}
	bob := site.browser()
	bob.connect(app, "bob")
	family := hiddenPattern.FindStringSubmatch(p.body)[2]
	if p := bob.see(bob.client.PostForm(site.url+"/apps/disconnect", url.Values{"family": {family}})); p.status != 404 {
		t.Errorf("disconnecting the app of another user: got %d, want 404", p.status)
	}
	if me := site.me(token.AccessToken); me.status != 200 {
		t.Errorf("after that: got %d, want 200", me.status)
	}
	if p = b.submit(p, "/apps/disconnect", nil); !strings.Contains(p.body, "No app is connected") {
		t.Errorf("after the end the page shows\n%s", p.body)
	}
	if me := site.me(token.AccessToken); me.status != http.StatusUnauthorized {
		t.Errorf("the access token after the end: got %d, want 401", me.status)
	}
	if _, err := refresh(t.Context(), app, token); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the refresh after the end: got error %v, want invalid_grant", err)
	}
}

// The page sends a refusal back to the app. If the app or its redirect_uri is wrong, it
// shows the refusal to the user. In both cases it stores nothing.
func TestAuthorize(t *testing.T) {
	site := open(t)
	b := site.browser()
	b.login(b.get("/"), "ada")
	visitor := site.browser()
	tests := []struct {
		name    string
		browser *browser
		change  func(url.Values)
		answer  string // on the consent page, if that is where it leads
		want    string // the error at the app; if empty, the user sees it
		status  int
	}{
		{name: "the user says no", browser: b, answer: "deny", want: "access_denied"},
		{name: "prompt=none without a login", browser: visitor, change: func(q url.Values) { q.Set("prompt", "none") }, want: "login_required"},
		{name: "prompt=none with a login", browser: b, change: func(q url.Values) { q.Set("prompt", "none") }, want: "consent_required"},
		{name: "a scope of no app", browser: visitor, change: func(q url.Values) { q.Set("scope", "admin") }, want: "invalid_scope"},
		{name: "no PKCE", browser: visitor, change: func(q url.Values) { q.Del("code_challenge") }, want: "invalid_request"},
		{name: "a resource of others", browser: visitor, change: func(q url.Values) { q.Set("resource", "https://evil.example") }, want: "invalid_target"},
		{name: "an unknown app", browser: b, change: func(q url.Values) { q.Set("client_id", "nobody") }, status: 400},
		{name: "another redirect_uri", browser: b, change: func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, status: 400},
		{name: "a suspended app", browser: b, change: func(q url.Values) { q.Set("client_id", "spammer") }, status: 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u, err := url.Parse(site.reader().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if test.change != nil {
				test.change(q)
			}
			u.RawQuery = q.Encode()
			p := test.browser.see(test.browser.client.Get(u.String()))
			if test.answer != "" {
				p = test.browser.submit(p, "/consent", url.Values{"decision": {test.answer}})
			}
			if test.want == "" {
				if p.location != nil || p.status != test.status || !strings.Contains(p.body, "That did not work") {
					t.Errorf("got %d to %v, want %d and a page", p.status, p.location, test.status)
				}
				return
			}
			if p.location == nil || p.location.Query().Get("error") != test.want || p.location.Query().Get("state") != "s" {
				t.Errorf("got %d to %v, want %s", p.status, p.location, test.want)
			}
		})
	}
	if n := site.count(`SELECT count(*) FROM oauth_store_credentials`) + site.count(`SELECT count(*) FROM audit`); n != 0 {
		t.Errorf("codes and rows of the audit after all this: got %d, want none", n)
	}
}

// An app may send its request by POST (RFC 6749 §3.1), which comes without the cookie.
func TestAuthorizeByPOST(t *testing.T) {
	site := open(t)
	b := site.browser()
	b.login(b.get("/"), "ada")
	u, err := url.Parse(site.reader().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if err != nil {
		t.Fatal(err)
	}
	first := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for prompt, want := range map[string]string{"": "Allow access?", "none": "consent_required"} {
		q := u.Query()
		q.Set("prompt", prompt)
		p := b.see(first.PostForm(site.url+"/authorize", q))
		if p.location == nil {
			t.Fatalf("a POST with prompt=%q: got %d %s, want a redirect", prompt, p.status, p.body)
		}
		if p = b.see(b.client.Get(p.location.String())); !strings.Contains(p.body, want) && (p.location == nil || p.location.Query().Get("error") != want) {
			t.Errorf("a POST with prompt=%q: got %d to %v, want %s", prompt, p.status, p.location, want)
		}
	}
}

// A code and the row of the audit are stored together or not at all.
func TestCodeJoinsTheTransaction(t *testing.T) {
	site := open(t)
	for _, test := range []struct{ name, broken string }{
		{"the audit fails", `ALTER TABLE audit ADD CONSTRAINT broken CHECK (app <> 'reader')`},
		{"the store fails", `ALTER TABLE audit DROP CONSTRAINT broken; ALTER TABLE oauth_store_credentials ADD CONSTRAINT broken CHECK (client_id <> 'reader')`},
	} {
		site.sql(test.broken)
		b := site.browser()
		consent := b.login(b.see(b.client.Get(site.reader().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))), "ada")
		p := b.submit(consent, "/consent", url.Values{"decision": {"allow"}})
		if p.location == nil || p.location.Query().Get("error") != "temporarily_unavailable" {
			t.Errorf("%s: got %d to %v, want temporarily_unavailable", test.name, p.status, p.location)
		}
		if n := site.count(`SELECT count(*) FROM oauth_store_credentials`) + site.count(`SELECT count(*) FROM audit`); n != 0 {
			t.Errorf("%s: %d rows are left, want none", test.name, n)
		}
	}
}

// The consent page says where an app leads, and believes no host of a private scheme.
func TestDestination(t *testing.T) {
	for uri, want := range map[string]string{
		"https://calendar.example.com/callback": "calendar.example.com", "http://127.0.0.1:49152/callback": "127.0.0.1:49152",
		"com.example.app:/callback": "com.example.app:/callback", "app://bank.example/": "app://bank.example/",
	} {
		if got := destination(uri); got != want {
			t.Errorf("the destination of %s: got %s, want %s", uri, got, want)
		}
	}
}

// A session that ends before the answer leads through the login back to the question.
func TestConsentAfterTheSession(t *testing.T) {
	site := open(t)
	b := site.browser()
	consent := b.login(b.see(b.client.Get(site.reader().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))), "ada")
	site.sql(`DELETE FROM sessions`)
	p := b.login(b.submit(consent, "/consent", url.Values{"decision": {"allow"}}), "ada")
	if p.url.Path != "/authorize" || !strings.Contains(p.body, "Allow access?") {
		t.Errorf("after the login: got %d at %s, want the question", p.status, p.url)
	}
}
