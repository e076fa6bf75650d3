package openapi

import (
	"slices"

	"github.com/contit/oauth/grants"
)

// schemas are the shapes of requests and answers.
func (b *builder) schemas() object {
	all := append(object{{"TokenRequest", b.tokenRequest()}}, b.grantSchemas()...)
	all = append(all, member{"TokenAnswer", b.tokenAnswer()}, member{"Error", b.withErrorURI(errorSchema)}, member{"ErrorUnauthorized", b.withErrorURI(unauthorizedSchema)})
	if b.d.Revocation != "" {
		all = append(all, member{"RevocationRequest", b.aboutTokenSchema("The refresh token or access token to end.", "The endpoint ignores it: the tokens look different.")},
			member{"Revoked", object{{"type", "object"}}})
	}
	if b.d.Introspection != "" {
		all = append(all, member{"IntrospectionRequest", b.aboutTokenSchema("The token to ask about.", "A refresh token is active only with the hint refresh_token.")},
			member{"Introspection", object{{"oneOf", []any{ref("schemas/Inactive"), ref("schemas/Active")}}}},
			member{"Inactive", inactiveSchema}, member{"Active", activeSchema})
	}
	if b.d.JWKS != "" {
		all = append(all, member{"KeySet", keySetSchema})
	}
	if b.d.Metadata != "" {
		all = append(all, member{"Metadata", metadataSchema})
	}
	return all
}

// text is a string schema with a description.
func text(description string) object {
	return object{{"type", "string"}, {"description", description}}
}

// number is a schema of whole seconds.
func number(description string) object {
	return object{{"type", "integer"}, {"description", description}}
}

func constant(value any, description string) object {
	return object{{"const", value}, {"description", description}}
}

// tokenAnswer is the shape of a successful answer (RFC 6749 §5.1).
func (b *builder) tokenAnswer() object {
	properties := object{
		{"access_token", text("The bearer token for the API: a signed JWT.")},
		{"token_type", object{{"type", "string"}, {"const", "Bearer"}, {"description", "How the client presents the access token (RFC 6750)."}}},
		{"expires_in", object{{"type", "integer"}, {"minimum", 1}, {"maximum", 31536000}, {"description", "For how many seconds the access token is good."}}},
	}
	if b.hasGrant(grants.TypeRefreshToken) {
		properties = append(properties, member{"refresh_token", text("The token for the next access token, if the client may use the grant refresh_token. " +
			"It takes the place of the refresh token in the request.")})
	}
	return object{
		{"type", "object"},
		{"required", []string{"access_token", "token_type", "expires_in"}},
		{"properties", append(properties, member{"scope", text("The scope of the access token, separated by spaces. It is absent if the token has none.")})},
	}
}

// quotable is a text that an error may have (RFC 6749 §5.2).
const quotable = `^[ !#-\[\]-~]+$`

var errorSchema = object{
	{"type", "object"},
	{"required", []string{"error"}},
	{"properties", object{
		{"error", object{{"type", "string"}, {"pattern", quotable}, {"description", "What the client can react to."}}},
		{"error_description", object{{"type", "string"}, {"pattern", quotable}, {"description", "A sentence for the author of the client, or the id under which the log of the server has the cause."}}},
	}},
}

var unauthorizedSchema = object{
	{"type", "object"},
	{"required", []string{"error"}},
	{"properties", object{{"error", object{{"type", "string"}, {"const", "invalid_client"}, {"description", "The client did not authenticate."}}}}},
}

// withErrorURI adds the member error_uri to the schema of an error, if the endpoint sends
// it.
func (b *builder) withErrorURI(schema object) object {
	if b.d.ErrorURI == "" {
		return schema
	}
	last := len(schema) - 1
	properties := append(slices.Clone(schema[last].value.(object)), member{"error_uri", object{
		{"type", "string"}, {"pattern", `^[!#-\[\]-~]+$`}, {"description", "The page that explains the error."},
	}})
	return append(slices.Clone(schema[:last]), member{"properties", properties})
}

func (b *builder) aboutTokenSchema(token, hint string) object {
	properties := object{
		{"token", needed("token", token, true)},
		{"token_type_hint", optional("token_type_hint", hint, false)},
		{"client_id", optional("client_id", "The client, unless Basic names it.", false)},
		{"client_secret", optional("client_secret", "The secret of the client, unless Basic has it.", true)},
	}
	return object{
		{"type", "object"},
		{"required", []string{"token"}},
		{"properties", append(properties, b.assertionSchemas()...)},
	}
}

var inactiveSchema = object{
	{"type", "object"},
	{"required", []string{"active"}},
	{"properties", object{{"active", constant(false, "The token is expired, revoked, unknown, or none of this client's business.")}}},
}

var activeSchema = object{
	{"type", "object"},
	{"description", "The claims of the token stand here under their names."},
	{"required", []string{"active", "iss", "sub", "client_id", "iat", "exp"}},
	{"properties", object{
		{"active", constant(true, "The token is good now.")},
		{"token_type", object{{"type", "string"}, {"const", "Bearer"}, {"description", "It is there for an access token alone."}}},
		{"iss", text("The issuer.")},
		{"sub", text("The user, or the client that acts for itself.")},
		{"client_id", text("The client that has the token.")},
		{"aud", object{{"type", []string{"string", "array"}}, {"items", object{{"type", "string"}}}, {"description", "The APIs that the token is for."}}},
		{"scope", text("The scope, separated by spaces.")},
		{"iat", number("When it was issued, in seconds since 1970.")},
		{"exp", number("When it expires, in seconds since 1970.")},
		{"jti", text("The identifier of an access token.")},
		{"family", text("The authorization that the token came from. The token dies with it.")},
		{"cnf", object{{"type", "object"}, {"description", "The certificate that the client of the token must show with it (RFC 8705 §3.2)."}}},
	}},
}

var keySetSchema = object{
	{"type", "object"},
	{"required", []string{"keys"}},
	{"properties", object{{"keys", object{
		{"type", "array"},
		{"items", object{
			{"type", "object"},
			{"required", []string{"kty", "kid", "alg", "use"}},
			{"properties", object{
				{"kty", object{{"type", "string"}, {"enum", []string{"EC", "OKP", "RSA"}}, {"description", "The family of the algorithm."}}},
				{"kid", text("The name of the key, which the header of a token has.")},
				{"alg", object{{"type", "string"}, {"enum", []string{"ES256", "EdDSA", "PS256", "RS256"}}, {"description", "The algorithm of the signatures."}}},
				{"use", object{{"type", "string"}, {"const", "sig"}, {"description", "The key verifies signatures."}}},
				{"crv", text("The curve of an EC or OKP key.")},
				{"x", text("The point of an EC or OKP key, in base64url.")},
				{"y", text("The second coordinate of the point of an EC key, in base64url.")},
				{"n", text("The modulus of an RSA key, in base64url.")},
				{"e", text("The exponent of an RSA key, in base64url.")},
			}},
		}},
	}}}},
}

var metadataSchema = object{
	{"type", "object"},
	{"description", "The members of RFC 8414 §2 that a request to this server can prove, and further ones."},
	{"required", []string{"issuer", "token_endpoint", "grant_types_supported", "response_types_supported", "token_endpoint_auth_methods_supported"}},
	{"properties", object{
		{"issuer", text("The iss of every token.")},
		{"authorization_endpoint", text("The login page, where a client sends users for a code.")},
		{"token_endpoint", text("The URL of the token endpoint.")},
		{"revocation_endpoint", text("The URL of the revocation endpoint.")},
		{"introspection_endpoint", text("The URL of the introspection endpoint.")},
		{"jwks_uri", text("The URL of the verification keys.")},
		{"grant_types_supported", list("The values that grant_type may have.")},
		{"response_types_supported", list("What the login page answers with.")},
		{"code_challenge_methods_supported", list("The methods of PKCE.")},
		{"token_endpoint_auth_methods_supported", list("How clients authenticate at the token endpoint.")},
		{"revocation_endpoint_auth_methods_supported", list("How clients authenticate at the revocation endpoint.")},
		{"introspection_endpoint_auth_methods_supported", list("How clients authenticate at the introspection endpoint.")},
	}},
}

func list(description string) object {
	return object{{"type", "array"}, {"items", object{{"type", "string"}}}, {"description", description}}
}
