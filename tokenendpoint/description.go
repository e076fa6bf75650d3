package tokenendpoint

import (
	"maps"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
)

// Description describes an endpoint to the authors of clients: package
// reference makes its page and the OpenAPI document from it. A host can make its own
// from it.
type Description struct {
	// Issuer is Config.Issuer.
	Issuer string
	// Token, Revocation, Introspection and JWKS are the URLs of the endpoints, and
	// Metadata that of the metadata (RFC 8414). A URL is empty if the endpoint is
	// off.
	Token, Revocation, Introspection, JWKS, Metadata string
	// Authorization is Config.AuthorizationEndpoint, or empty.
	Authorization string
	// Grants are the grants of the endpoint, in the order of their Type.
	Grants []GrantDescription
	// AuthMethods are the ways in which a client can show who it is, as the metadata
	// names them (RFC 8414 §2).
	AuthMethods []string
	// AssertionAlgorithms are the algorithms of the assertions that clients can sign
	// (private_key_jwt). It is empty if AuthMethods does not have that method.
	AssertionAlgorithms []string
	// Audience is Config.Audience.
	Audience []string
	// ScopesSupported is Config.ScopesSupported.
	ScopesSupported []string
	// TokenType is the "typ" of the access tokens.
	TokenType string
	// AccessTokenLifetime, RefreshTokenLifetime, RefreshTokenIdle and RefreshGrace
	// are those that hold where neither grant nor client has another. A RefreshGrace
	// of zero is none.
	AccessTokenLifetime, RefreshTokenLifetime, RefreshTokenIdle, RefreshGrace time.Duration
	// AllowedOrigins is Config.AllowedOrigins.
	AllowedOrigins []string
	// ErrorURI is Config.ErrorURI.
	ErrorURI string
}

// TakesAssertions reports whether clients can show who they are by an assertion
// (private_key_jwt) in requests for this grant. Beside a credential that stands for the
// client's secret, an assertion would be a second way, which the endpoint refuses.
func (d Description) TakesAssertions(g GrantDescription) bool {
	return len(d.AssertionAlgorithms) > 0 && g.ClientAuthentication != grants.CredentialSuffices && g.ClientAuthentication != grants.ClientIDOptional
}

// GrantDescription is a grant that the endpoint answers.
type GrantDescription struct {
	// Type is its grant_type.
	Type string
	// Aliases are other values of grant_type that select it.
	Aliases []string
	grants.Description
}

// Describe returns the description of the endpoint, which the caller may change.
func (h *Handler) Describe() Description {
	d := h.description
	d.TokenType = h.tokenType
	d.Grants = slices.Clone(d.Grants)
	for i := range d.Grants {
		d.Grants[i].Aliases = slices.Clone(d.Grants[i].Aliases)
		d.Grants[i].Parameters = slices.Clone(d.Grants[i].Parameters)
	}
	for _, list := range []*[]string{&d.AuthMethods, &d.AssertionAlgorithms, &d.Audience, &d.ScopesSupported, &d.AllowedOrigins} {
		*list = slices.Clone(*list)
	}
	return d
}

// describeEndpoint fills in the description. It asks each grant once, when the rest of the
// endpoint stands.
func (h *Handler) describeEndpoint(c Config, s site, methods, algorithms []string) {
	h.description = Description{
		Issuer: h.issuer, Authorization: c.AuthorizationEndpoint, ErrorURI: c.ErrorURI,
		Token: s.token, Revocation: s.revocation, Introspection: s.introspection, JWKS: s.jwks, Metadata: s.metadata,
		AuthMethods: slices.Clone(methods), AssertionAlgorithms: slices.Clone(algorithms),
		Audience: slices.Clone(h.audience), ScopesSupported: slices.Clone(h.scopes), AllowedOrigins: slices.Clone(h.allowedOrigins),
		AccessTokenLifetime: h.accessTokenLifetime, RefreshTokenLifetime: h.refreshTokenLifetime,
		RefreshTokenIdle: h.refreshTokenIdle, RefreshGrace: h.refreshGrace,
	}
	for _, name := range slices.Sorted(maps.Keys(h.grants)) {
		d := GrantDescription{Type: name}
		if name == grants.TypeAPIKey {
			d.Aliases = []string{grants.TypeAPIKeyURN}
		}
		if g, ok := h.grants[name].Grant.(grants.Describer); ok {
			d.Description = g.Describe()
		}
		h.description.Grants = append(h.description.Grants, d)
	}
}
