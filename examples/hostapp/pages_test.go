package main

import (
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// loaded finds the files that a page loads.
var loaded = regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`)

func TestPagesLoadFilesOfTheShopOnly(t *testing.T) {
	shop := open(t, 0)
	b := newBrowser(t, shop.issuer)
	seen := make(map[string]bool)
	look := func(page *sight) {
		t.Helper()
		for _, match := range loaded.FindAllStringSubmatch(page.body, -1) {
			seen[match[1]] = true
		}
		policy := page.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy of %s: got %q, want default-src 'none' and nothing unsafe", page.url, policy)
		}
	}
	look(b.get(shop.issuer + "/login"))
	b = shop.login()
	_, page := shop.createKey(b)
	look(page)
	want := map[string]string{"style.css": "text/css", "icon.svg": "image/svg+xml", "copy.js": "text/javascript"}
	for address := range seen {
		file := b.get(shop.issuer + address)
		name := strings.TrimPrefix(file.url.Path, "/assets/")
		if kind := file.header.Get("Content-Type"); file.status != http.StatusOK || want[name] == "" || !strings.HasPrefix(kind, want[name]) {
			t.Errorf("GET %s: got %d, %s, want 200, %s", address, file.status, kind, want[name])
		}
		if got := file.header.Get("Cache-Control"); !strings.Contains(got, "immutable") || file.url.RawQuery == "" {
			t.Errorf("GET %s: got Cache-Control %q, want one that keeps the file, under an address that changes with it", address, got)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("files that no page loads: got %v, want none", want)
	}
	for _, name := range []string{"keys.html", "nothing", "layout.html"} {
		if got := b.get(shop.issuer + "/assets/" + url.PathEscape(name)); got.status != http.StatusNotFound {
			t.Errorf("GET /assets/%s: got %d, want 404", name, got.status)
		}
	}
}

// The policy would stop these, and a page would look broken.
func TestTemplatesHaveNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|<script>|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("the templates: got %q and error %v", files, err)
	}
	for _, name := range files {
		text, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.Find(text); found != nil {
			t.Errorf("%s: got %q, want no script, style or address of another site", name, found)
		}
	}
}

func TestKeyIsShownOnce(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	key, page := shop.createKey(b)
	if n := strings.Count(page.body, key); n != 1 {
		t.Errorf("the page with the new key has it %d times, want once", n)
	}
	for _, want := range []string{`data-copy="new-key"`, `/assets/copy.js`, `role="status"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page with the new key: got\n%s\nwant %s", page.body, want)
		}
	}
	problem := b.submit(page, "create", url.Values{"label": {"a second one"}})
	if problem.status != http.StatusBadRequest || !strings.Contains(problem.body, "choose what it can do") ||
		problem.forms["create"].values.Get("label") != "a second one" {
		t.Errorf("a key that can do nothing: got %d and\n%s\nwant 400, a sentence, and the name as it was typed", problem.status, problem.body)
	}
	for _, page := range []*sight{problem, b.get(shop.issuer + "/keys")} {
		if strings.Contains(page.body, key) || strings.Contains(page.body, "data-copy") || strings.Contains(page.body, "copy.js") {
			t.Errorf("the next page of keys: got\n%s\nwant neither the key nor a button that copies it", page.body)
		}
	}
	if n := shop.count(`SELECT count(*) FROM api_keys`); n != 1 {
		t.Errorf("keys after a form that was refused: got %d, want 1", n)
	}
}

func TestExpiredKeysSayIt(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	shop.createKey(b)
	shop.sql(`UPDATE api_keys SET expires_at = 1`)
	page := b.get(shop.issuer + "/keys")
	if !strings.Contains(page.body, ">expired<") || strings.Contains(page.body, "Revoke this key") {
		t.Errorf("an expired key: got\n%s\nwant it marked, with nothing to revoke", page.body)
	}
}

// A user must never allow something that the page left out.
func TestConsentShowsAScopeThatHasNoSentence(t *testing.T) {
	if got := sentence("refunds:write"); !strings.Contains(got, "refunds:write") {
		t.Errorf("got %q, want the name of the scope", got)
	}
	for scope, want := range map[string]string{scopeOrders: "orders", scopeProfile: "name", scopeStock: "stock"} {
		if got := sentence(scope); !strings.Contains(got, want) || strings.Contains(got, scope) {
			t.Errorf("the sentence of %s: got %q", scope, got)
		}
	}
}

func TestConsentSaysWhetherTheAppIsOnThisDevice(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8082": true, "[::1]:8082": true, "[::1]": true, "localhost": true, "localhost:1": true,
		"app.example": false, "localhost.example": false, "127.0.0.1.example:80": false, "com.example.app:/callback": false,
	} {
		if got := thisDevice(host); got != want {
			t.Errorf("thisDevice(%q): got %t, want %t", host, got, want)
		}
	}
}

// An app chooses the text behind its own scheme, so that the user sees the scheme.
func TestConsentNamesTheSchemeOfAnApp(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb?x=1": "app.example", "http://127.0.0.1:8080/cb": "127.0.0.1:8080",
		"evil://bank.example/cb": "evil://bank.example/cb", "com.example.app:/cb": "com.example.app:/cb",
	} {
		if got := hostOf(uri); got != want {
			t.Errorf("hostOf(%q): got %q, want %q", uri, got, want)
		}
	}
}

func TestUnknownPage(t *testing.T) {
	shop := open(t, 0)
	page := newBrowser(t, shop.issuer).get(shop.issuer + "/nothing")
	if page.status != http.StatusNotFound || !strings.Contains(page.body, "no page at this address") {
		t.Errorf("got %d and\n%s\nwant 404 and a page", page.status, page.body)
	}
}
