package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/contit/oauth/tokenendpoint"
)

func (r *running) scripts() *oauth2.Config {
	return &oauth2.Config{ClientID: scriptsClient, Endpoint: r.endpoint(oauth2.AuthStyleInParams)}
}

func (r *running) useKey(key string) (*oauth2.Token, error) {
	r.Helper()
	return r.post(r.scripts(), url.Values{"grant_type": {"api_key"}, "api_key": {key}})
}

func (r *running) createKey(b *browser) (key string, page *sight) {
	r.Helper()
	page = b.submit(b.get(r.issuer+"/keys"), "create", url.Values{"label": {"my <script>"}, "scope": {scopeOrders}})
	key = page.texts["new-key"]
	if !strings.HasPrefix(key, keyPrefix) {
		r.Fatalf("creating a key: got %q, want %s…\n%s", key, keyPrefix, page.body)
	}
	return key, page
}

// revokeForm finds the form that revokes the only live key.
func revokeForm(t testing.TB, page *sight) string {
	t.Helper()
	for id := range page.forms {
		if strings.HasPrefix(id, "revoke-") {
			return id
		}
	}
	t.Fatalf("the page of keys: got no form that revokes one\n%s", page.body)
	return ""
}

func TestAPIKeyOfAUser(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	key, page := shop.createKey(b)
	if got := page.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of the page with the key: got %q, want no-store", got)
	}
	page = b.get(shop.issuer + "/keys")
	if strings.Contains(page.body, key) || !strings.Contains(page.body, "my &lt;script&gt;") {
		t.Errorf("the page of keys: got\n%s\nwant the name, and the key not again", page.body)
	}

	token, err := shop.useKey(key)
	if err != nil {
		t.Fatalf("using the key: got error %v, want a token", err)
	}
	claims := shop.claims(token.AccessToken)
	if claims.Subject != "user:1" || claims.ClientID != scriptsClient || claims.Scope != scopeOrders || claims.Tier != "gold" {
		t.Errorf("got %+v, want user:1, %s, %s, gold", claims, scriptsClient, scopeOrders)
	}
	if status, _, body := shop.ask("Bearer " + token.AccessToken); status != http.StatusOK || !strings.Contains(body, "Teapot") {
		t.Errorf("GET /api/orders: got %d %s, want 200 with the Teapot", status, body)
	}
	token = shop.mustRefresh(shop.scripts(), token)

	page = b.submit(page, revokeForm(t, page), nil)
	if page.status != http.StatusOK || !strings.Contains(page.body, "revoked") {
		t.Errorf("revoking the key: got %d and\n%s\nwant the page that says so", page.status, page.body)
	}
	_, err = shop.useKey(key)
	shop.wantCode("a revoked key", err, "invalid_grant")
	_, err = refresh(t.Context(), shop.scripts(), token)
	shop.wantCode("the refresh token of a revoked key", err, "invalid_grant")
}

func TestAPIKeyWithoutClientID(t *testing.T) {
	shop := open(t, 0)
	key, _ := shop.createKey(shop.login())
	request, err := http.NewRequest(http.MethodPost, shop.issuer+"/connect/token", strings.NewReader("grant_type=api_key"))
	if err != nil {
		t.Fatalf("making a request: got error %v", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Api-Key", key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("POST /connect/token: got error %v", err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("a key in a header and nothing else: got %d, want 200", answer.StatusCode)
	}
}

func TestLockedUsersKeyIsRefused(t *testing.T) {
	shop := open(t, 0)
	key, _ := shop.createKey(shop.login())
	shop.sql(`UPDATE users SET locked = 1`)
	_, err := shop.useKey(key)
	shop.wantCode("a locked user's key", err, "invalid_grant")
	shop.sql(`UPDATE users SET locked = 0`)
	if _, err := shop.useKey(key); err != nil {
		t.Errorf("the key after the user was unlocked: got error %v, want a token", err)
	}
}

func TestLastUseIsRecorded(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	key, page := shop.createKey(b)
	if !strings.Contains(page.body, `<td data-label="Last used">never</td>`) {
		t.Errorf("the last use of a new key: got\n%s\nwant never", page.body)
	}
	before := time.Now().Truncate(time.Microsecond)
	if _, err := shop.useKey(key); err != nil {
		t.Fatalf("using the key: got error %v, want a token", err)
	}
	shop.lastUse.Close() // it writes the queue
	keys, err := shop.store.APIKeysOf(t.Context(), "user:1")
	if err != nil || len(keys) != 1 || keys[0].LastUsed.Before(before) {
		t.Errorf("the last use: got %+v and error %v, want one key, used after %v", keys, err, before)
	}
}

// The shop drops a last use rather than wait for the queue.
func TestLastUseDoesNotBlock(t *testing.T) {
	l := &lastUse{uses: make(chan keyUse, 2)} // nobody reads it
	for range 5 {
		l.observe(t.Context(), tokenendpoint.Event{Outcome: tokenendpoint.Issued, APIKeyID: "1"})
	}
	l.observe(t.Context(), tokenendpoint.Event{Outcome: tokenendpoint.Issued})
	if len(l.uses) != 2 {
		t.Errorf("uses in a queue of two after five: got %d, want 2", len(l.uses))
	}
	l = &lastUse{uses: make(chan keyUse, 2)}
	l.observe(t.Context(), tokenendpoint.Event{Outcome: tokenendpoint.Refused, APIKeyID: "1"})
	l.observe(t.Context(), tokenendpoint.Event{Outcome: tokenendpoint.Issued})
	if len(l.uses) != 0 {
		t.Errorf("uses after a refusal and after a token without a key: got %d, want 0", len(l.uses))
	}
}

func TestAPIKeyFormRefuses(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	for name, typed := range map[string]url.Values{
		"no name":                      {"scope": {scopeOrders}},
		"no scope":                     {"label": {"x"}},
		"a scope that it has not":      {"label": {"x"}, "scope": {scopeOrders, scopeStock}},
		"a name that is much too long": {"label": {strings.Repeat("x", maxLabel+1)}, "scope": {scopeOrders}},
	} {
		page := b.submit(b.get(shop.issuer+"/keys"), "create", typed)
		if page.status != http.StatusBadRequest {
			t.Errorf("a key with %s: got %d, want 400", name, page.status)
		}
	}
}

func TestKeysOfOthersCannotBeRevoked(t *testing.T) {
	shop := open(t, 0)
	key, page := shop.createKey(shop.login())
	form := revokeForm(t, page)
	b := shop.loginBob()
	own, page := shop.createKey(b)
	got := b.submit(page, revokeForm(t, page), url.Values{"id": {strings.TrimPrefix(form, "revoke-")}})
	if got.status != http.StatusNotFound {
		t.Errorf("revoking another's key: got %d, want 404", got.status)
	}
	for _, k := range []string{key, own} {
		if _, err := shop.useKey(k); err != nil {
			t.Errorf("a key after that: got error %v, want a token", err)
		}
	}
}
