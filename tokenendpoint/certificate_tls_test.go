package tokenendpoint_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// A client shows its certificate in a real handshake, to the endpoint and to the API. Its
// key is the one that it publishes.
func TestM02Handshake(t *testing.T) {
	fetched := 0
	published := roundTripper(func(r *http.Request) (*http.Response, error) {
		fetched++
		if r.URL.String() != "https://client.test/jwks.json" {
			t.Errorf("%s was fetched", r.URL)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(testbed.PublicKeys(jws.ES256, 0)))), Request: r}, nil
	})
	f := testbed.New(t, openMemory, testbed.WithCertificates, func(c *tokenendpoint.Config) {
		c.ClientCertificate = mtls.Connection
		c.ClientValidator.(*clientauth.Secrets).Certificates.(*clientauth.Certificates).HTTP = &http.Client{Transport: published}
	})
	p := byKey(f, 0, bound, func(c *storage.Client) { c.Assertion.JWKS, c.Assertion.JWKSURI = nil, "https://client.test/jwks.json" })
	mux := http.NewServeMux()
	mux.Handle("/", f.Handler)
	mux.Handle("/orders", f.Handler.RequireToken("read")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	client := func(shown ...tls.Certificate) *http.Client {
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: shown}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	mine, other, nothing := client(testbed.SelfSigned(0, x509.Certificate{})), client(testbed.SelfSigned(1, x509.Certificate{})), client()
	ask := func(c *http.Client) (status int, token string) {
		answer, err := c.PostForm(server.URL+testbed.TokenPath, url.Values{"grant_type": {"client_credentials"}, "client_id": {p.ID}})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var body struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, body.Token
	}
	status, token := ask(mine)
	if status != http.StatusOK || thumbprintOf(t, token) == "" {
		t.Fatalf("got %d and a token with the thumbprint %q", status, thumbprintOf(t, token))
	}
	f.Secret(token)
	for _, c := range []struct {
		*http.Client
		token, api int
	}{{mine, 200, 204}, {other, 401, 401}, {nothing, 400, 401}} {
		if got, _ := ask(c.Client); got != c.token {
			t.Errorf("the endpoint answers %d, want %d", got, c.token)
		}
		r, err := http.NewRequest("GET", server.URL+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.api {
			t.Errorf("the API answers %d, want %d", answer.StatusCode, c.api)
		}
	}
	if fetched != 1 {
		t.Errorf("the keys were fetched %d times, want once", fetched)
	}
}

// roundTripper is a function that answers requests.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
