package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// A client that knows the metadata alone sends its user to the page that they name,
// and redeems the code that comes back.
func TestAuthorizationEndpoint(t *testing.T) {
	var metadata struct {
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		ResponseTypes []string `json:"response_types_supported"`
	}
	resp, err := http.Get(shared.url + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	decode(t, resp.Body, &metadata)
	config := oauth2.Config{
		ClientID: "my-public-app", RedirectURL: redirectURI, Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: metadata.Authorization, TokenURL: metadata.Token},
	}
	verifier := oauth2.GenerateVerifier()
	answer := redirected(t, config.AuthCodeURL("s1", oauth2.S256ChallengeOption(verifier)))
	if answer.Get("state") != "s1" || answer.Get("iss") != shared.url {
		t.Errorf("the app is told %v, want its state and the issuer", answer)
	}
	token, err := config.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil || token.RefreshToken == "" {
		t.Errorf("the code gives %v, %v, want tokens", token, err)
	}

	for query, want := range map[string]string{
		"response_type=token": "unsupported_response_type",
		"":                    "invalid_request",
		"response_type=code":  "invalid_request", // no PKCE
		"response_type=code&scope=admin&code_challenge_method=S256&code_challenge=" + challenge: "invalid_scope",
	} {
		answer := redirected(t, metadata.Authorization+"?client_id=my-public-app&redirect_uri="+url.QueryEscape(redirectURI)+"&"+query)
		if answer.Get("error") != want || answer.Has("code") {
			t.Errorf("%s: the app is told %v, want %s", query, answer, want)
		}
	}
	for _, query := range []string{"client_id=nobody", "client_id=my-public-app&redirect_uri=https://evil.example", "client_id=a&client_id=b"} {
		resp, err := http.Get(metadata.Authorization + "?response_type=code&" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400 and no redirect", query, resp.StatusCode)
		}
	}
}

// redirected follows no redirect, and returns the parameters that the app would
// get.
func redirected(t *testing.T, page string) url.Values {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil || !strings.HasPrefix(to.String(), redirectURI+"?") {
		t.Fatalf("%s: got %d to %v, %v, want a redirect to the app", page, resp.StatusCode, to, err)
	}
	return to.Query()
}
