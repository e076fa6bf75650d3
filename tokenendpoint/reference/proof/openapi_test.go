package proof

import (
	"context"
	"maps"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// newEndpoint is an endpoint with every ready grant, as change has altered it.
func newEndpoint(t *testing.T, change func(*tokenendpoint.Config)) *tokenendpoint.Handler {
	t.Helper()
	keys, err := jws.NewKeySet(jws.Key{Signer: testbed.SigningKey()})
	if err != nil {
		t.Fatal(err)
	}
	store := new(memory.Store)
	c := tokenendpoint.Config{
		Issuer:                "https://as.test",
		Audience:              []string{"https://api.test"},
		Keys:                  keys,
		Storage:               store,
		Revocations:           store,
		AuthorizationEndpoint: "https://as.test/login",
		ClientAssertions:      new(clientauth.Assertions),
	}
	if change != nil {
		change(&c)
	}
	h, err := tokenendpoint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tickets is a grant of a host's that describes itself.
type tickets struct{ grants.Func }

func (tickets) Describe() grants.Description {
	return grants.Description{
		Summary: "A client gets a token for a ticket, and hostile text stays text: <b>\"x\" & `y`</b>.",
		Parameters: []grants.Parameter{
			{Name: "ticket", Description: "The number of the ticket.", Required: true, Secret: true, Header: "X-Ticket"},
			{Name: "seat", Description: "The seat, if there is one."},
			{Name: "seat", Description: "It is said twice."},
			{Name: "scope", Description: "A scope of the host's own."},
		},
		ClientAuthentication: grants.ClientIDOptional,
	}
}

func refuse(context.Context, *grants.Request) (*grants.Authorization, error) {
	return nil, grants.InvalidGrant
}

var scopes = map[string]string{"read": "See your orders.", "write": "Change your orders.", "admin:x": "All else."}

// configurations are endpoints whose documents differ.
var configurations = map[string]func(*tokenendpoint.Config){
	"every grant": nil,
	"one grant": func(c *tokenendpoint.Config) {
		c.Grants = map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}}
		c.Revocations, c.AuthorizationEndpoint = nil, ""
	},
	"the host's own grants": func(c *tokenendpoint.Config) {
		c.Grants = map[string]grants.Grant{
			"tickets":             tickets{refuse},
			"urn:x:ticket":        grants.Func(refuse),
			"urn_x_ticket":        grants.Func(refuse),
			grants.TypeAPIKey:     grants.APIKey{ClientIDOptional: true, Refresh: true},
			"urn:x:grant:100%\"'": grants.Func(refuse),
		}
	},
	"a base elsewhere": func(c *tokenendpoint.Config) {
		c.Issuer, c.BaseURL = "https://as.test/tenant", "https://api.test/auth"
		c.AllowedOrigins = []string{"https://spa.test"}
	},
	"only tokens": func(c *tokenendpoint.Config) {
		c.Paths = tokenendpoint.Paths{Token: "/t", Revocation: "-", Introspection: "-", JWKS: "-", Metadata: "-"}
	},
}

// load makes the document of an endpoint, and reads it as kin-openapi does. The
// examples are held against their schemas.
func load(t *testing.T, d tokenendpoint.Description) *openapi3.T {
	t.Helper()
	b, err := reference.OpenAPI(d, reference.Info{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	return doc
}

// TestOpenAPIIsValid: the documents of differing endpoints are OpenAPI 3.1, and their
// examples are right.
func TestOpenAPIIsValid(t *testing.T) {
	for name, change := range configurations {
		t.Run(name, func(t *testing.T) {
			doc := load(t, newEndpoint(t, change).Describe())
			if !doc.IsOpenAPI31OrLater() {
				t.Errorf("the document is OpenAPI %s, want 3.1", doc.OpenAPI)
			}
		})
	}
}

// TestOpenAPIFollowsTheConfiguration: an operation, a schema or a flow is in the
// document exactly if the endpoint has it.
func TestOpenAPIFollowsTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ paths, schemas, flows []string }{
		"every grant": {
			[]string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/connect/introspect", "/connect/revocation", "/connect/token"},
			[]string{"Grant_api_key", "Grant_authorization_code", "Grant_client_credentials", "Grant_refresh_token"},
			[]string{"authorizationCode", "clientCredentials"},
		},
		"one grant": {
			[]string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/connect/revocation", "/connect/token"},
			[]string{"Grant_client_credentials"},
			[]string{"clientCredentials"},
		},
		"the host's own grants": {
			[]string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/connect/introspect", "/connect/revocation", "/connect/token"},
			[]string{"Grant_api_key", "Grant_tickets", "Grant_urn_x_grant_100___", "Grant_urn_x_ticket", "Grant_urn_x_ticket_2"},
			nil,
		},
		"a base elsewhere": {
			[]string{"/.well-known/oauth-authorization-server/tenant", "/auth/.well-known/jwks.json", "/auth/connect/introspect", "/auth/connect/revocation", "/auth/connect/token"},
			[]string{"Grant_api_key", "Grant_authorization_code", "Grant_client_credentials", "Grant_refresh_token"},
			[]string{"authorizationCode", "clientCredentials"},
		},
		"only tokens": {
			[]string{"/t"},
			[]string{"Grant_api_key", "Grant_authorization_code", "Grant_client_credentials", "Grant_refresh_token"},
			[]string{"authorizationCode", "clientCredentials"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := load(t, newEndpoint(t, configurations[name]).Describe())
			equal(t, "the paths", maps.Keys(doc.Paths.Map()), c.paths)
			equal(t, "the grants", grantsOf(doc), c.schemas)
			equal(t, "the flows", flowsOf(doc), c.flows)
		})
	}
}
