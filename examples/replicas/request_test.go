//go:build unix

package main_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

const (
	publicID    = "my-public-app"
	redirectURI = "http://127.0.0.1:8080/callback"
)

// reply is an answer of the endpoint or of the balancer.
type reply struct {
	status       int
	servedBy     string
	body         string
	Error        string
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// post sends a token request to a replica or the balancer. An error is one of
// the connection.
func post(client *http.Client, base string, form url.Values) (*reply, error) {
	resp, err := client.PostForm(base+"/connect/token", form)
	if err != nil {
		return nil, err
	}
	return read(resp)
}

func read(resp *http.Response) (*reply, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	r := &reply{status: resp.StatusCode, servedBy: resp.Header.Get("X-Served-By"), body: string(body)}
	return r, json.Unmarshal(body, r)
}

func mustPost(t testing.TB, base string, form url.Values) *reply {
	t.Helper()
	r, err := post(http.DefaultClient, base, form)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t testing.TB, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d %s (%v), want 200", url, resp.StatusCode, body, err)
	}
	return string(body)
}

// codeRequest is the token request for a fresh code.
func codeRequest(t testing.TB, base string) url.Values {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	var page struct{ Code string }
	body := get(t, base+"/demo/code?code_challenge="+oauth2.S256ChallengeFromVerifier(verifier))
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {publicID}, "redirect_uri": {redirectURI},
		"code": {page.Code}, "code_verifier": {verifier},
	}
}

func refreshRequest(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {publicID}, "refresh_token": {token}}
}

// serviceRequest is a request that each replica answers with a token.
func (p *program) serviceRequest() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {"my-app-id"}, "client_secret": {p.secret}}
}
