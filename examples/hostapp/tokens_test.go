package main

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func TestRefreshRotates(t *testing.T) {
	shop := open(t, 0)
	c := shop.partner()
	first := shop.token(c)
	auth := authTime(shop, first)
	second := shop.mustRefresh(c, first)
	if second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Errorf("the refresh token after a refresh: got the same or none, want another")
	}
	shop.sql(`UPDATE users SET tier = 'silver'`)
	third := shop.mustRefresh(c, second)
	if got := shop.claims(third.AccessToken).Tier; got != "silver" {
		t.Errorf("the tier after it was changed: got %q, want silver, since the hook is asked at each refresh", got)
	}
	if got := authTime(shop, third); got != auth || got == 0 {
		t.Errorf("auth_time after two refreshes: got %d, want %d, that of the login", got, auth)
	}
	_, err := refresh(t.Context(), c, first)
	shop.wantCode("a refresh token that was rotated out twice", err, "invalid_grant")
	_, err = refresh(t.Context(), c, third)
	shop.wantCode("the newest refresh token after the replay", err, "invalid_grant")
}

func authTime(shop *running, token *oauth2.Token) int64 {
	shop.Helper()
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	shop.unverified(token.AccessToken, &claims)
	return claims.AuthTime
}

// A repeat within the window is not a theft, and ends nothing.
func TestCodeRedeemedTwice(t *testing.T) {
	shop := open(t, time.Minute)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	code := shop.code(shop.login(), c, verifier)
	token, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("redeeming a code: got error %v, want a token", err)
	}
	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	shop.wantCode("redeeming it again at once", err, "invalid_grant")
	token = shop.mustRefresh(c, token)

	shop.sql(`UPDATE credentials SET spent_at = spent_at - 61000000 WHERE kind = 'authorization_code'`) // a minute goes by
	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption("a-wrong-verifier-does-not-end-the-family-of-anyone"))
	shop.wantCode("redeeming it again later, with a wrong verifier", err, "invalid_grant")
	token = shop.mustRefresh(c, token)

	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	shop.wantCode("redeeming it again later", err, "invalid_grant")
	_, err = refresh(t.Context(), c, token)
	shop.wantCode("the refresh token after the replay of its code", err, "invalid_grant")
}

func TestFiftyRedeemOneCode(t *testing.T) {
	shop := open(t, time.Minute)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	code := shop.code(shop.login(), c, verifier)
	const crowd = 50
	tokens, errs := make([]*oauth2.Token, crowd), make([]error, crowd)
	var ready, done sync.WaitGroup
	ready.Add(crowd)
	for i := range crowd {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			tokens[i], errs[i] = c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
		})
	}
	done.Wait()
	var winners []*oauth2.Token
	for i := range crowd {
		if errs[i] == nil {
			winners = append(winners, tokens[i])
			continue
		}
		shop.wantCode("a loser", errs[i], "invalid_grant")
	}
	if len(winners) != 1 {
		t.Fatalf("tokens for one code: got %d, want 1", len(winners))
	}
	if n := shop.count(`SELECT count(*) FROM credentials WHERE kind = 'refresh_token'`); n != 1 {
		t.Errorf("refresh tokens stored: got %d, want 1", n)
	}
	shop.mustRefresh(c, winners[0]) // the losers have not ended the family
}

func TestLockedUserIsRefused(t *testing.T) {
	shop := open(t, 0)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	token := shop.token(c)
	code := shop.code(shop.login(), c, verifier)

	shop.sql(`UPDATE users SET locked = 1`)
	_, err := refresh(t.Context(), c, token)
	shop.wantCode("a refresh of a locked user", err, "invalid_grant")
	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	shop.wantCode("a code of a locked user", err, "invalid_grant")
	if n := shop.count(`SELECT count(*) FROM credentials WHERE spent_at IS NULL`); n != 2 {
		t.Errorf("unspent credentials after the refusals: got %d, want 2: the refresh token and the code", n)
	}

	shop.sql(`UPDATE users SET locked = 0`)
	shop.mustRefresh(c, token)
	if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("the code after the user was unlocked: got error %v, want a token", err)
	}
}

func TestDeletedUserIsRefused(t *testing.T) {
	shop := open(t, 0)
	c := shop.app()
	token := shop.token(c)
	for _, table := range []string{"sessions", "orders", "users"} {
		shop.sql(`DELETE FROM ` + table)
	}
	_, err := refresh(t.Context(), c, token)
	shop.wantCode("a refresh of a user who is gone", err, "invalid_grant")
}

func TestCodeIsBoundToItsRequest(t *testing.T) {
	shop := open(t, 0)
	c, verifier := shop.app(), oauth2.GenerateVerifier()
	code := shop.code(shop.login(), c, verifier)

	_, err := c.Exchange(t.Context(), code)
	shop.wantCode("without a verifier", err, "invalid_grant")
	_, err = c.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
	shop.wantCode("with another verifier", err, "invalid_grant")
	other := *c
	other.RedirectURL = "http://127.0.0.1:1/callback"
	_, err = other.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	shop.wantCode("with another redirect_uri, though a registered one", err, "invalid_grant")
	_, err = shop.partner().Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	shop.wantCode("by another client", err, "invalid_grant")
	if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("as it should be, after all that: got error %v, want a token", err)
	}
}

func TestClientCredentials(t *testing.T) {
	shop := open(t, 0)
	c := clientcredentials.Config{
		ClientID: partnerClient, ClientSecret: shop.partnerSecret.Reveal(),
		TokenURL: shop.issuer + "/connect/token", AuthStyle: oauth2.AuthStyleInHeader,
	}
	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatalf("client_credentials: got error %v, want a token", err)
	}
	claims := shop.claims(token.AccessToken)
	if claims.Subject != partnerClient || claims.Scope != scopeStock || claims.Tier != "" || token.RefreshToken != "" {
		t.Errorf("got %+v, want the subject %s, the scope %s, no tier and no refresh token", claims, partnerClient, scopeStock)
	}
	c.ClientSecret = "wrong"
	_, err = c.Token(t.Context())
	shop.wantCode("a wrong secret", err, "invalid_client")
}
