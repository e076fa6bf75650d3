package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A form of another site does nothing, though the browser sends the cookie.
func TestFormsOfOtherSites(t *testing.T) {
	site := open(t)
	b := site.browser()
	b.login(b.get("/"), "ada")
	for _, path := range []string{"/login", "/tokens", "/tokens/revoke", "/consent?client_id=reader", "/apps/disconnect", "/logout"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := b.see(b.client.Do(r)); p.status != http.StatusForbidden {
			t.Errorf("POST %s of another site: got %d, want 403", path, p.status)
		}
	}
}

// Users log in with the passwords that they had.
func TestPasswords(t *testing.T) {
	site := openDemo(t)
	for _, test := range []struct {
		name, email, password string
		want                  string // of the page
	}{
		{"the right one", "ada@example.com", "ada's password", "Hello, Ada"},
		{"a wrong one", "ada@example.com", "bob's password", "is wrong"},
		{"of nobody", "eve@example.com", "nobody's", "is wrong"},
		{"of a locked user", "bob@example.com", "bob's password", "is wrong"},
	} {
		site.sql(`UPDATE users SET locked = true WHERE name = 'Bob'`)
		b := site.browser()
		p := b.submit(b.get("/"), "/login", url.Values{"email": {test.email}, "password": {test.password}})
		if !strings.Contains(p.body, test.want) {
			t.Errorf("the password %s: got %d and\n%s\nwant %q", test.name, p.status, p.body, test.want)
		}
	}
}

// The login sends nobody to another site.
func TestLoginLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/apps": "/apps", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example/`: "/", "/\t/evil.example/": "/", "": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("after the login for %q: got %q, want %q", next, got, want)
		}
	}
}
