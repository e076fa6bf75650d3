package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// disconnectForms returns the names of the forms that disconnect an app, one for
// each app that the page shows.
func disconnectForms(page *sight) (names []string) {
	for name := range page.forms {
		if strings.HasPrefix(name, "disconnect-") {
			names = append(names, name)
		}
	}
	return names
}

func TestConnectedApps(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	if page := b.get(shop.issuer + "/apps"); !strings.Contains(page.body, "No app is connected") {
		t.Errorf("the apps of a new user: got\n%s\nwant none", page.body)
	}
	c := shop.app()
	token := shop.token(c)
	shop.sql(`UPDATE credentials SET issued_at = issued_at - 86400000000 * 40, spent_at = spent_at - 86400000000 * 20`)
	connections, err := shop.store.ConnectionsOf(t.Context(), "user:1", time.Now())
	if err != nil || len(connections) != 1 {
		t.Fatalf("the connections: got %+v and error %v, want one", connections, err)
	}
	page := b.get(shop.issuer + "/apps")
	forms := disconnectForms(page)
	if len(forms) != 1 {
		t.Fatalf("the apps after a login: got the forms %q, want one that disconnects\n%s", forms, page.body)
	}
	for what, want := range map[string]string{
		"the name":       "The shop&#39;s app",
		"the permission": sentence(scopeOrders),
		"the first day":  connections[0].Since.Format("2 Jan 2006, 15:04"),
		"the last use":   connections[0].LastUsed.Format("2 Jan 2006, 15:04"),
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("%s of the app: got\n%s\nwant %q", what, page.body, want)
		}
	}

	page = b.submit(page, forms[0], nil)
	if page.url.Path != "/apps" || len(disconnectForms(page)) != 0 {
		t.Errorf("after disconnecting: got %s and\n%s\nwant the page with no app", page.url, page.body)
	}
	_, err = refresh(t.Context(), c, token)
	shop.wantCode("the refresh token of a disconnected app", err, "invalid_grant")
	if status, _, _ := shop.ask("Bearer " + token.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the access token of a disconnected app: got %d, want 401", status)
	}
	if n := shop.count(`SELECT count(*) FROM audit WHERE what = 'disconnected' AND app = ?`, appClient); n != 1 {
		t.Errorf("audit rows of it: got %d, want 1", n)
	}
}

// A refresh moves the last use, and the app stays one line.
func TestConnectedAppShowsItsLastUse(t *testing.T) {
	shop := open(t, 0)
	c := shop.app()
	shop.mustRefresh(c, shop.token(c))
	// The code was redeemed long ago, the refresh token later.
	shop.sql(`UPDATE credentials SET spent_at = spent_at - 86400000000 WHERE kind = 'authorization_code'`)
	connections, err := shop.store.ConnectionsOf(t.Context(), "user:1", time.Now())
	if err != nil || len(connections) != 1 {
		t.Fatalf("after a refresh: got %+v and error %v, want one connection", connections, err)
	}
	var spent instant
	if err := shop.db.read.QueryRow(`SELECT spent_at FROM credentials WHERE kind = 'refresh_token' AND uses > 0`).Scan(&spent); err != nil {
		t.Fatal(err)
	}
	if got := connections[0].LastUsed; !got.Equal(time.Time(spent)) {
		t.Errorf("the last use: got %v, want %v, when the refresh token was used", got, time.Time(spent))
	}
}

func TestWhatIsNoConnectedApp(t *testing.T) {
	shop := open(t, 0)
	b := shop.login()
	shop.code(b, shop.app(), oauth2.GenerateVerifier()) // no app has redeemed it
	key, _ := shop.createKey(b)
	if _, err := shop.useKey(key); err != nil { // it is on the page of keys
		t.Fatalf("using a key: got error %v", err)
	}
	shop.pairingCode()
	if forms := disconnectForms(b.get(shop.issuer + "/apps")); len(forms) != 0 {
		t.Errorf("an open code, a key and an open pairing: got the forms %q, want none", forms)
	}
	if _, err := shop.pairWith(shop.till(), shop.pairingCode()); err != nil {
		t.Fatalf("pairing: got error %v", err)
	}
	if page := b.get(shop.issuer + "/apps"); len(disconnectForms(page)) != 1 || !strings.Contains(page.body, "The tills") {
		t.Errorf("after a till was paired: got\n%s\nwant the tills", page.body)
	}
	shop.sql(`UPDATE credentials SET expires_at = 1 WHERE kind = 'refresh_token'`)
	if forms := disconnectForms(b.get(shop.issuer + "/apps")); len(forms) != 0 {
		t.Errorf("after all has expired: got the forms %q, want none", forms)
	}
}

func TestAppsOfOthersCannotBeDisconnected(t *testing.T) {
	shop := open(t, 0)
	c := shop.app()
	token := shop.token(c)
	alices := disconnectForms(shop.login().get(shop.issuer + "/apps"))[0]
	bob := shop.loginBob()
	if forms := disconnectForms(bob.get(shop.issuer + "/apps")); len(forms) != 0 {
		t.Errorf("the apps of another user: got the forms %q, want none", forms)
	}
	page := bob.get(shop.issuer + "/pairing") // any page with a form token
	page.forms["pair"].action = "/apps/disconnect"
	for _, family := range []string{strings.TrimPrefix(alices, "disconnect-"), "nothing", ""} {
		if got := bob.submit(page, "pair", url.Values{"family": {family}}); got.status != http.StatusNotFound {
			t.Errorf("disconnecting %q: got %d, want 404", family, got.status)
		}
	}
	page.forms["pair"].values.Del(formField)
	if got := bob.submit(page, "pair", nil); got.status != http.StatusForbidden {
		t.Errorf("a form without its token: got %d, want 403", got.status)
	}
	shop.mustRefresh(c, token)
}
