package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// The first address that the program prints is the reference page, and everything on it is
// about this program: its port, its clients.
func TestDocs(t *testing.T) {
	address := ""
	for line := range strings.Lines(shared.output) {
		if _, rest, found := strings.Cut(line, "http://"); found {
			address = "http://" + strings.TrimSpace(rest)
			break
		}
	}
	if address != shared.url+"/docs" {
		t.Fatalf("the first address is %q, want %s/docs:\n%s", address, shared.url, shared.output)
	}
	status, page := get(t, address)
	if status != 200 {
		t.Fatalf("GET %s = %d, want the page", address, status)
	}
	for _, want := range []string{shared.url + "/connect/token", "my-app-id", "my-app-secret", "my-reference-page", shared.url + "/docs/callback", "ck_demo_"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, path := range []string{"/docs/openapi.json", "/docs/reference.md", "/docs/llms.txt", "/docs/errors/invalid_grant"} {
		if status, _ := get(t, shared.url+path); status != 200 {
			t.Errorf("GET %s = %d, want 200", path, status)
		}
	}
}

// The client of the page logs in and comes back to the page, on whatever port it is.
func TestDocsLogin(t *testing.T) {
	config := oauth2.Config{
		ClientID: "my-reference-page", RedirectURL: shared.url + "/docs/callback", Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: shared.url + "/demo/authorize", TokenURL: shared.url + "/connect/token"},
	}
	verifier := oauth2.GenerateVerifier()
	noRedirects := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noRedirects.Get(config.AuthCodeURL("s1", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), shared.url+"/docs/callback?") {
		t.Fatalf("the login leads to %q, %v, want back to the page", back, err)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil || token.RefreshToken == "" {
		t.Errorf("the code gives %v, %v, want tokens", token, err)
	}
}
