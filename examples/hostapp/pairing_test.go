package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func (r *running) till() *oauth2.Config {
	return &oauth2.Config{ClientID: tillClient, ClientSecret: r.tillSecret.Reveal(), Endpoint: r.endpoint(oauth2.AuthStyleInHeader)}
}

func (r *running) pairingCode() string {
	r.Helper()
	b := r.login()
	code := b.submit(b.get(r.issuer+"/pairing"), "pair", nil).texts["code"]
	if len(code) != pairingCodeLength+1 {
		r.Fatalf("the pairing page: got the code %q, want %d characters and a dash", code, pairingCodeLength)
	}
	return code
}

func (r *running) pairWith(c *oauth2.Config, code string) (*oauth2.Token, error) {
	r.Helper()
	return r.post(c, url.Values{"grant_type": {typePairingCode}, "pairing_code": {code}})
}

func TestPairing(t *testing.T) {
	shop := open(t, time.Minute)
	till, code := shop.till(), shop.pairingCode()
	token, err := shop.pairWith(till, " "+strings.ToLower(code))
	if err != nil {
		t.Fatalf("pairing: got error %v, want a token", err)
	}
	claims := shop.claims(token.AccessToken)
	if claims.Subject != "user:1" || claims.Tier != "gold" || claims.Scope != scopeOrders+" "+scopeProfile {
		t.Errorf("got %+v, want user:1, gold and both scopes", claims)
	}
	next := shop.mustRefresh(till, token) // for which the grant has no line
	if next.RefreshToken == token.RefreshToken {
		t.Errorf("the refresh token of a till: got the same, want another")
	}

	_, err = shop.pairWith(till, code)
	shop.wantCode("the code again at once", err, "invalid_grant")
	next = shop.mustRefresh(till, next)
	shop.sql(`UPDATE credentials SET spent_at = spent_at - 61000000 WHERE kind = ?`, kindPairingCode) // a minute goes by
	_, err = shop.pairWith(till, code)
	shop.wantCode("the code again later", err, "invalid_grant")
	_, err = refresh(t.Context(), till, next)
	shop.wantCode("the refresh token after the replay of its code", err, "invalid_grant")
}

func TestPairingRefuses(t *testing.T) {
	shop := open(t, 0)
	till := shop.till()
	_, err := shop.pairWith(till, "")
	shop.wantCode("no code", err, "invalid_request")
	_, err = shop.pairWith(till, "AAAA-AAAA")
	shop.wantCode("an unknown code", err, "invalid_grant")

	code := shop.pairingCode()
	_, err = shop.pairWith(shop.partner(), code)
	shop.wantCode("a client without this grant", err, "unauthorized_client")
	thief := shop.till()
	thief.ClientSecret = "wrong"
	_, err = shop.pairWith(thief, code)
	shop.wantCode("a till that does not authenticate", err, "invalid_client")

	shop.sql(`UPDATE users SET locked = 1`)
	_, err = shop.pairWith(till, code)
	shop.wantCode("a locked user's code", err, "invalid_grant")
	shop.sql(`UPDATE users SET locked = 0`)
	if _, err = shop.pairWith(till, code); err != nil {
		t.Errorf("the code after all that: got error %v, want a token", err)
	}

	code = shop.pairingCode()
	shop.sql(`UPDATE credentials SET expires_at = issued_at, family_expires_at = issued_at WHERE spent_at IS NULL AND kind = ?`, kindPairingCode)
	_, err = shop.pairWith(till, code)
	shop.wantCode("an expired code", err, "invalid_grant")
}
