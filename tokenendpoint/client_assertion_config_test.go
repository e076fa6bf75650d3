package tokenendpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// faultyConfig is a configuration with one fault.
type faultyConfig struct {
	name   string
	change func(*tokenendpoint.Config)
	want   string
}

var faultyAssertions = []faultyConfig{
	{"assertions are no nil pointer", func(c *tokenendpoint.Config) { c.ClientAssertions = (*clientauth.Assertions)(nil) }, "ClientAssertions is a nil pointer"},
	{"assertions need a store for those that were used", func(c *tokenendpoint.Config) {
		c.ClientAssertions, c.Storage = new(clientauth.Assertions), storage.Parts{Clients: emptyStore}
	}, "ClientAssertions need credentials, and Storage has none: an assertion is good once"},
	{"assertions are not for another validator", func(c *tokenendpoint.Config) {
		c.ClientAssertions, c.ClientValidator = new(clientauth.Assertions), &clientauth.Secrets{Clients: emptyStore}
	}, "ClientAssertions are not for a ClientValidator: a clientauth.Secrets has a field for its own Assertions"},
	{"a party that vouches is there once", func(c *tokenendpoint.Config) {
		github := assertion.GitHubActions().Config(c.Issuer, c.Keys)
		c.ClientAssertions = &clientauth.Assertions{Issuers: []assertion.Config{github, github}}
	}, "ClientAssertions: clientauth: Assertions.Issuers has one issuer twice"},
}

// An endpoint takes no assertion unless its host says so. Keys that cannot be fetched would
// be an outage, and not a refusal (E41).
func TestE41(t *testing.T) {
	f := testbed.New(t, openMemory)
	for name, k := range map[string]*testbed.Keyed{
		"keys": f.NewKeyed(jws.ES256),
		"the address of keys": f.NewKeyed(jws.ES256, func(c *storage.Client) {
			c.Assertion = storage.ClientAssertion{JWKSURI: "https://pkj.test/jwks.json"}
		}),
	} {
		if got := f.Send(asserted(k.Assertion(nil))); got.Status != http.StatusUnauthorized {
			t.Errorf("a client with %s: got %d %s, want 401", name, got.Status, got.Body)
		}
	}
	if got := f.Logged(); strings.Count(got, "set Config.ClientAssertions to &clientauth.Assertions{}") < 2 {
		t.Errorf("the log does not say what to set: %s", got)
	}
	if methods := f.Handler.Describe().AuthMethods; slices.Contains(methods, storage.PrivateKeyJWT) {
		t.Errorf("the endpoint says that it takes %v", methods)
	}
}

// The assertions that a host gives to New stay as they are, for its next endpoint.
func TestClientAssertionsOfTwoEndpoints(t *testing.T) {
	shared := new(clientauth.Assertions)
	use := func(c *tokenendpoint.Config) { c.ClientAssertions = shared }
	for _, issuer := range []string{testbed.Issuer, "https://other.test"} {
		f := testbed.New(t, openMemory, withIssuer(issuer), use)
		k := f.NewKeyed(jws.ES256, func(c *storage.Client) { c.Assertion.Lenient = true })
		for aud, want := range map[string]int{issuer: http.StatusOK, issuer + testbed.TokenPath: http.StatusOK, "https://third.test": http.StatusUnauthorized} {
			if got := f.Send(asserted(k.Assertion(map[string]any{"aud": aud}))); got.Status != want {
				t.Errorf("%s: the aud %s: got %d %s, want %d", issuer, aud, got.Status, got.Body, want)
			}
		}
	}
	if shared.Issuer != "" || shared.TokenEndpoint != "" || shared.Logger != nil {
		t.Errorf("New has changed the host's: issuer %q, token endpoint %q", shared.Issuer, shared.TokenEndpoint)
	}
}
