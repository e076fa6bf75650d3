package tokenendpoint_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// everyMethod are the named ways of client authentication.
func everyMethod() []string {
	return []string{
		"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt",
		"tls_client_auth", "self_signed_tls_client_auth", "attest_jwt_client_auth",
	}
}

// tryClients shows a client to an endpoint in every way, one that is registered
// for it. ask sends the request of a client, and tells whether it was let in.
func (w *witness) tryClients(name string, ask func(p *testbed.Party, show func(*testbed.Request) *testbed.Request) bool) {
	w.Helper()
	supported := w.list(name)
	for _, method := range everyMethod() {
		p := mayDo(w.Fixture, method)
		show := func(r *testbed.Request) *testbed.Request { return r.With("client_id", p.ID) }
		switch method {
		case "client_secret_basic":
			show = func(r *testbed.Request) *testbed.Request { return r.Basic(p.ID, p.Secret) }
		case "client_secret_post":
			show = func(r *testbed.Request) *testbed.Request { return r.Post(p) }
		case "private_key_jwt":
			keyed := w.NewKeyed(jws.ES256)
			p = keyed.Party
			show = func(r *testbed.Request) *testbed.Request { return r.AssertedBy(keyed.Assertion(w.audience())) }
		case "tls_client_auth":
			show = func(r *testbed.Request) *testbed.Request { return r.With("client_id", p.ID).Shows(billingOnce) }
		case "self_signed_tls_client_auth":
			show = func(r *testbed.Request) *testbed.Request {
				return r.With("client_id", p.ID).Shows(testbed.SelfSigned(0, x509.Certificate{}))
			}
		case "client_secret_jwt":
			show = func(r *testbed.Request) *testbed.Request { return r.With("client_id", p.ID).Asserted() }
		}
		if got, want := ask(p, show), slices.Contains(supported, method); got != want {
			w.Errorf("%s says %v, and that a client may use %s is %t", name, supported, method, got)
		}
	}
	for _, method := range supported {
		if !slices.Contains(everyMethod(), method) {
			w.Errorf("%s has %s, and no test says whether that is true", name, method)
		}
	}
}

// audience are the claims of an assertion that differ for this server.
func (w *witness) audience() map[string]any { return map[string]any{"aud": w.server.issuer} }

// tryAlgorithms shows an assertion of each algorithm to the token endpoint. The other
// endpoints take the same ones.
func (w *witness) tryAlgorithms(name string) {
	supported := w.list(name)
	if methods := w.list(strings.Replace(name, "signing_alg_values", "methods", 1)); slices.Contains(methods, "private_key_jwt") != (len(supported) > 0) {
		w.Errorf("%s is %v beside the methods %v", name, supported, methods)
	}
	if !slices.Contains(w.list("grant_types_supported"), grants.TypeClientCredentials) || len(supported) == 0 {
		return
	}
	for _, algorithm := range []string{jws.RS256, jws.PS256, jws.ES256, jws.EdDSA} {
		k := w.NewKeyed(algorithm)
		r := testbed.Form("grant_type", grants.TypeClientCredentials).AssertedBy(k.Assertion(w.audience())).To(w.at("token_endpoint"))
		if got, want := w.Send(r).Status == http.StatusOK, slices.Contains(supported, algorithm); got != want {
			w.Errorf("%s is %v, and that a client may use %s is %t", name, supported, algorithm, got)
		}
	}
	for _, algorithm := range supported {
		if !slices.Contains([]string{jws.RS256, jws.PS256, jws.ES256, jws.EdDSA}, algorithm) {
			w.Errorf("%s has %s, and no test says whether that is true", name, algorithm)
		}
	}
}

// tryTokenClients looks for a grant that the client can use. An API key stands
// for the client's secret, so it proves nothing.
func (w *witness) tryTokenClients(name string) {
	w.tryClients(name, func(p *testbed.Party, show func(*testbed.Request) *testbed.Request) bool {
		for _, way := range testbed.Ways() {
			if way.GrantType == grants.TypeAPIKey || !slices.Contains(w.list("grant_types_supported"), way.GrantType) {
				continue
			}
			r := way.Request(w.Fixture, p).Unsigned().Without("client_id")
			if got := w.Send(show(r).To(w.at("token_endpoint"))); got.Status == http.StatusOK {
				got.Tokens()
				return true
			}
		}
		return false
	})
}

func (w *witness) tryRevocationClients(name string) {
	at := w.at("revocation_endpoint")
	if at == "" {
		w.absent(name)
		return
	}
	w.tryClients(name, func(p *testbed.Party, show func(*testbed.Request) *testbed.Request) bool {
		token := w.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
		status := w.Send(show(testbed.Form("token", token).To(at))).Status
		if w.Record(token).Revoked != (status == http.StatusOK) {
			w.Errorf("got %d, and the token is revoked: %t", status, w.Record(token).Revoked)
		}
		return status == http.StatusOK
	})
}

func (w *witness) tryIntrospectionClients(name string) {
	at := w.at("introspection_endpoint")
	if at == "" {
		w.absent(name)
		return
	}
	w.tryClients(name, func(p *testbed.Party, show func(*testbed.Request) *testbed.Request) bool {
		token := w.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix)
		return w.Send(show(testbed.Form("token", token, "token_type_hint", "refresh_token").To(at))).Status == http.StatusOK
	})
}

func (w *witness) absent(name string) {
	w.Helper()
	if _, ok := w.said[name]; ok {
		w.Errorf("%s is there without its endpoint", name)
	}
}

// unregistered are the clients of a server that nobody has registered by hand.
type unregistered struct{ registration *clientmetadata.Registration }

const (
	strangerDocument = "https://app.test/client.json"
	strangerMetadata = `{"client_id":"` + strangerDocument + `","redirect_uris":["https://app.test/cb"]}`
	registrationURL  = testbed.Issuer + "/register"
)

// serve puts them around the store of a configuration.
func (s *unregistered) serve(c *tokenendpoint.Config) {
	bounds := clientmetadata.Bounds{Scope: []string{"read", "write"}}
	var err error
	s.registration, err = clientmetadata.NewRegistration(clientmetadata.RegistrationConfig{
		URL: registrationURL, Clients: c.Storage, Bounds: bounds, Keys: []string{base64.StdEncoding.EncodeToString(make([]byte, 32))},
	})
	if err != nil {
		panic(err)
	}
	documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{
		Clients: s.registration, Bounds: bounds, HTTP: &http.Client{Transport: served(strangerMetadata)},
	})
	if err != nil {
		panic(err)
	}
	c.Storage = storage.Parts{Clients: documents, Credentials: c.Storage, APIKeys: c.Storage}
}

// served is a document that stands at every URL.
type served string

// RoundTrip answers with the document.
func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(string(s))), Request: r}, nil
}

// admits reports whether a client that nobody has registered by hand can redeem a code.
func (w *witness) admits(clientID string) bool {
	w.Helper()
	p := &testbed.Party{ID: clientID, RedirectURI: "https://app.test/cb", Record: &storage.Client{
		ID: clientID, AuthMethod: storage.AuthNone, Scope: []string{"read", "write"},
		GrantTypes: []string{grants.TypeAuthorizationCode}, RedirectURIs: []string{"https://app.test/cb"},
	}}
	return w.Send(w.Redeem(p, w.Code(p)).To(w.at("token_endpoint"))).Status == http.StatusOK
}

// tryDocuments uses the URL of a document as a client_id.
func (w *witness) tryDocuments(name string) {
	if got, want := w.admits(strangerDocument), w.said[name] == true; got != want {
		w.Errorf("%s is %v, and that a client with a document gets tokens is %t", name, w.said[name], got)
	}
}

// tryRegistration registers a client where the metadata say, and uses its client_id.
func (w *witness) tryRegistration(name string) {
	if w.server.strangers == nil {
		w.absent(name)
		return
	}
	if w.said[name] != registrationURL {
		w.Errorf("%s is %v, want %s", name, w.said[name], registrationURL)
	}
	r := httptest.NewRequest(http.MethodPost, registrationURL, strings.NewReader(`{"redirect_uris":["https://app.test/cb"]}`))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.server.strangers.registration.ServeHTTP(answer, r)
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &client); err != nil || !w.admits(client.ID) {
		w.Errorf("%s answers %d %s (%v), want a client that gets tokens", name, answer.Code, answer.Body, err)
	}
}

// tryBoundTokens asks for a token that is bound to a certificate.
func (w *witness) tryBoundTokens(name string) {
	if !slices.Contains(w.list("grant_types_supported"), grants.TypeClientCredentials) {
		return
	}
	p := w.NewWideClient(bound)
	got := w.Send(testbed.ClientCredentials(p).Shows(billingOnce).To(w.at("token_endpoint")))
	if says := w.said[name] == true; says != (got.Status == http.StatusOK && thumbprintOf(w.T, got.Tokens().AccessToken) != "") {
		w.Errorf("%s is %v, and the answer is %d %s", name, w.said[name], got.Status, got.Body)
	}
}

// tryAliases looks for the same endpoints at the host name of the configuration.
func (w *witness) tryAliases(name string) {
	aliases, there := w.said[name].(map[string]any)
	if there != w.server.certificates {
		w.Errorf("%s is %v", name, w.said[name])
	}
	for _, endpoint := range []string{"token_endpoint", "revocation_endpoint", "introspection_endpoint"} {
		if want := strings.Replace(fmt.Sprint(w.said[endpoint]), testbed.Issuer, "https://mtls.as.test", 1); there && aliases[endpoint] != want {
			w.Errorf("%s has %v as %s, want %s", name, aliases[endpoint], endpoint, want)
		}
	}
	if there && len(aliases) != 3 {
		w.Errorf("%s is %v", name, aliases)
	}
}
