package main

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"
)

func TestLoginRefuses(t *testing.T) {
	shop := open(t, 0)
	tests := []struct {
		name, email, password string
		locked                int
	}{
		{"a wrong password", demoEmail, "wrong", 0},
		{"an unknown user", "bob@example.com", demoPassword, 0},
		{"the password that an unknown user's cost is made of", "bob@example.com", "nobody's", 0},
		{"a locked user", demoEmail, demoPassword, 1},
	}
	var first string
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shop.sql(`UPDATE users SET locked = ?`, test.locked)
			b := newBrowser(t, shop.issuer)
			page := b.submit(b.get(shop.issuer+"/login"), "login", url.Values{"email": {test.email}, "password": {test.password}})
			if page.status != http.StatusUnauthorized || page.forms["login"] == nil {
				t.Errorf("got %d, want 401 and the form again", page.status)
			}
			page.forms["login"].values.Del("email")
			page.forms["login"].values.Del(formField)
			if got := page.forms["login"].values.Encode(); first != "" && got != first {
				t.Errorf("got the form %q, want %q, as for every other reason", got, first)
			} else {
				first = got
			}
			if got := b.get(shop.issuer + "/"); got.url.Path != "/login" {
				t.Errorf("the orders after it: got %s, want /login", got.url.Path)
			}
		})
	}
}

func TestLockingEndsTheSession(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	shop.sql(`UPDATE users SET locked = 1`)
	if got := b.get(shop.issuer + "/"); got.url.Path != "/login" {
		t.Errorf("the orders of a locked user: got %s, want /login", got.url.Path)
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	page := b.get(shop.issuer + "/")
	u, _ := url.Parse(shop.issuer)
	before := b.client.Jar.Cookies(u)
	b.submit(page, "/logout", nil)
	b.client.Jar.SetCookies(u, before) // somebody kept the cookie
	if got := b.get(shop.issuer + "/"); got.url.Path != "/login" {
		t.Errorf("the orders with the cookie of a session that was logged out: got %s, want /login", got.url.Path)
	}
}

// An attacker plants a cookie before the login, and does not have the session after
// it.
func TestLoginDrawsANewCookie(t *testing.T) {
	shop := open(t, 0)
	b := newBrowser(t, shop.issuer)
	page := b.get(shop.issuer + "/login")
	u, _ := url.Parse(shop.issuer)
	before := b.client.Jar.Cookies(u)
	b.submit(page, "login", url.Values{"email": {demoEmail}, "password": {demoPassword}})
	b.client.Jar.SetCookies(u, before)
	if got := b.get(shop.issuer + "/"); got.url.Path != "/login" {
		t.Errorf("the orders with the cookie from before the login: got %s, want /login", got.url.Path)
	}
}

func TestSessionCookie(t *testing.T) {
	shop := open(t, 0)
	cookies := newBrowser(t, shop.issuer).get(shop.issuer + "/login").header["Set-Cookie"]
	if len(cookies) != 1 {
		t.Fatalf("Set-Cookie of the login page: got %q, want one", cookies)
	}
	c, err := http.ParseSetCookie(cookies[0])
	if err != nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("Set-Cookie: got %q (%v), want HttpOnly and SameSite=Lax", cookies[0], err)
	}
}

func TestLoginGoesToPagesOfTheShopOnly(t *testing.T) {
	for next, want := range map[string]string{
		"/keys":                        "/keys",
		"/authorize?client_id=a&x=%2F": "/authorize?client_id=a&x=%2F",
		"":                             "/",
		"keys":                         "/",
		"https://evil.example/":        "/",
		"//evil.example/":              "/",
		"///evil.example/":             "/", // browsers skip the third
		`/\evil.example/`:              "/",
		"/\t/evil.example/":            "/",
		"javascript:alert(1)":          "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("localPath(%q): got %q, want %q", next, got, want)
		}
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	shop := open(t, 0)
	stranger := newBrowser(t, shop.issuer).get(shop.issuer + "/login").forms["login"].values.Get(formField)
	consent := shop.app().AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	for _, test := range []struct {
		name, token string
	}{
		{"without a token", ""},
		{"with the token of another session", stranger},
	} {
		for _, form := range []struct{ page, id string }{
			{shop.issuer + "/keys", "create"},
			{shop.issuer + "/pairing", "pair"},
			{shop.issuer + "/", "/logout"},
			{consent, "consent"},
		} {
			t.Run(form.id+" "+test.name, func(t *testing.T) {
				b := shop.login()
				page := b.get(form.page)
				page = b.submit(page, form.id, url.Values{
					formField: {test.token}, "decision": {"allow"}, "label": {"x"}, "scope": {scopeOrders},
				})
				if page.status != http.StatusForbidden {
					t.Errorf("got %d, want 403", page.status)
				}
			})
		}
	}
	b := newBrowser(t, shop.issuer)
	page := b.submit(b.get(shop.issuer+"/login"), "login", url.Values{formField: nil, "email": {demoEmail}, "password": {demoPassword}})
	if page.status != http.StatusForbidden {
		t.Errorf("a login without a token: got %d, want 403", page.status)
	}
	for _, table := range []string{"credentials", "api_keys", "audit"} {
		if n := shop.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("rows of %s after refused forms: got %d, want 0", table, n)
		}
	}
}

// A token in the URL ends in logs: it does not count.
func TestFormTokenInTheURLIsRefused(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	page := b.get(shop.issuer + "/pairing")
	f := page.forms["pair"]
	f.action += "?" + f.values.Encode()
	f.values = url.Values{}
	if page = b.submit(page, "pair", nil); page.status != http.StatusForbidden {
		t.Errorf("got %d, want 403", page.status)
	}
}
