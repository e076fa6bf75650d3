package main

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Personal tokens that were handed out before are exchanged as they are.
func TestPersonalTokens(t *testing.T) {
	site := open(t)
	tests := []struct {
		name   string
		token  string
		form   url.Values
		change string // of the database
		status int
		scope  string
	}{
		{name: "a live one", token: laptop, status: 200, scope: "profile notes"},
		{name: "with less scope", token: laptop, form: url.Values{"scope": {"profile"}}, status: 200, scope: "profile"},
		{name: "with the client_id", token: laptop, form: url.Values{"client_id": {"scripts"}}, status: 200, scope: "profile notes"},
		{name: "with the client_id of an app", token: laptop, form: url.Values{"client_id": {"reader"}}, status: 400},
		{name: "a revoked one", token: revokedToken, status: 400},
		{name: "an expired one", token: expiredToken, status: 400},
		{name: "an unknown one", token: tokenPrefix + strings.Repeat("0", 40), status: 400},
		{name: "a text that is none", token: "np_", status: 400},
		{name: "of a locked user", token: laptop, change: `UPDATE users SET locked = true`, status: 400},
		{name: "of a user who was unlocked", token: laptop, change: `UPDATE users SET locked = false`, status: 200, scope: "profile notes"},
		{name: "while the table is away", token: laptop, change: `ALTER TABLE personal_tokens RENAME TO moved`, status: 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.change != "" {
				site.sql(test.change)
			}
			form := url.Values{"grant_type": {"api_key"}, "api_key": {test.token}}
			maps.Copy(form, test.form)
			got := site.token(form, nil)
			if scope, _ := got.fields["scope"].(string); got.status != test.status || scope != test.scope {
				t.Fatalf("got %d %s, want %d with the scope %q", got.status, got.body, test.status, test.scope)
			}
			if test.status != 200 {
				return
			}
			if me := site.me(got.fields["access_token"].(string)); me.status != 200 || me.fields["name"] != "Ada" {
				t.Errorf("GET /api/me: got %d %s, want 200 and Ada", me.status, me.body)
			}
		})
	}
}

// The page makes a token, shows it once, shows its last use, and revokes it.
func TestTokensPage(t *testing.T) {
	site := open(t)
	b := site.browser()
	p := b.submit(b.login(b.get("/tokens"), "bob"), "/tokens", url.Values{"name": {"<script>"}, "scope": {"profile"}})
	token := regexp.MustCompile(`np_[0-9a-f]{40}`).FindString(p.body)
	if token == "" {
		t.Fatalf("the page shows no token:\n%s", p.body)
	}
	p = b.get("/tokens")
	if strings.Contains(p.body, token) || !strings.Contains(p.body, "&lt;script&gt;") || !strings.Contains(p.body, "never") {
		t.Errorf("the page a second time: got\n%s\nwant the name, and the token not again", p.body)
	}
	use := func() int {
		return site.token(url.Values{"grant_type": {"api_key"}}, func(r *http.Request) { r.Header.Set("X-Api-Key", token) }).status
	}
	if got := use(); got != 200 {
		t.Errorf("the token: got %d, want 200", got)
	}
	for deadline := time.Now().Add(time.Minute); site.count(`SELECT count(*) FROM personal_tokens WHERE name = '<script>' AND last_used_at IS NOT NULL`) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the last use was not written")
		}
		time.Sleep(5 * time.Millisecond) // it is written beside the requests
	}
	id := site.count(`SELECT id FROM personal_tokens WHERE name = 'laptop'`)
	if p := b.submit(p, "/tokens/revoke", url.Values{"id": {string(rune('0' + id))}}); p.status != 404 {
		t.Errorf("revoking the token of another user: got %d, want 404", p.status)
	}
	if p := b.submit(p, "/tokens/revoke", nil); p.status != 200 || !strings.Contains(p.body, "revoked") {
		t.Errorf("revoking: got %d and\n%s", p.status, p.body)
	}
	if got := use(); got != 400 {
		t.Errorf("the token after that: got %d, want 400", got)
	}
	for _, typed := range []url.Values{{"scope": {"profile"}}, {"name": {"x"}}, {"name": {"x"}, "scope": {"admin"}}} {
		if p := b.submit(p, "/tokens", typed); p.status != 400 {
			t.Errorf("a form with %v: got %d, want 400", typed, p.status)
		}
	}
}
