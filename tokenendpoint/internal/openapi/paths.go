package openapi

import (
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

const (
	tagTokens    = "Tokens"
	tagDocuments = "Documents"
)

// paths are the operations, below the paths of their URLs.
func (b *builder) paths() object {
	var paths object
	add := func(at, method string, operation object) {
		if at == "" { // the endpoint is off
			return
		}
		server, path := split(at)
		item := object{{method, operation}}
		if server != b.server {
			item = append(object{{"servers", []any{object{{"url", server}}}}}, item...)
		}
		paths = append(paths, member{path, item})
	}
	add(b.d.Token, "post", b.tokenOperation())
	add(b.d.Revocation, "post", b.aboutToken("revoke", "End a token",
		"Ends a refresh token with all that came from the same authorization, or one access token (RFC 7009). "+
			"A client ends the tokens that were issued to it. The answer is the same if there was nothing to end.",
		"RevocationRequest", answer("The token is dead.", schemaAnswer("Revoked", object{})),
		"unsupported_token_type", "invalid_grant"))
	add(b.d.Introspection, "post", b.aboutToken("introspect", "Ask about a token",
		"Tells a client with a secret whether a token is active, and what it holds (RFC 7662). "+
			"A client learns about the tokens that were issued to it, and about access tokens that have its client_id among their audiences.",
		"IntrospectionRequest", answer("Whether the token is active.", schemaAnswer("Introspection", object{{"active", false}}))))
	add(b.d.JWKS, "get", documentOperation("jwks", "The verification keys",
		"The public keys that verify the signatures of access tokens (RFC 7517).", "KeySet", true))
	add(b.d.Metadata, "get", documentOperation("metadata", "What this server does",
		"The metadata of the authorization server (RFC 8414).", "Metadata", false))
	return paths
}

// security is one of: the secret by Basic, or a certificate, or what stands in the body, or
// nothing.
func (b *builder) security() []any {
	all := []any{object{{"client_secret_basic", []any{}}}}
	if b.takesCertificates() {
		all = append(all, object{{"client_certificate", []any{}}})
	}
	return append(all, object{})
}

func (b *builder) takesCertificates() bool {
	return slices.Contains(b.d.AuthMethods, storage.TLSClientAuth) || slices.Contains(b.d.AuthMethods, storage.SelfSignedTLSClientAuth)
}

func (b *builder) tokenOperation() object {
	description := "The parameter grant_type says what the client shows for its tokens. " +
		"A client with a secret shows it by Basic or in the body, and not in both. " + b.assertionText() +
		"A parameter without a value counts as absent. The endpoint ignores parameters that it does not know, " +
		"and refuses one that it knows and that is there twice; only resource may repeat."
	if len(b.d.AllowedOrigins) > 0 {
		description += " Scripts of these origins may read the answers: " + strings.Join(b.d.AllowedOrigins, ", ") + "."
	}
	o := object{
		{"operationId", "token"},
		{"tags", []any{tagTokens}},
		{"summary", "Get an access token"},
		{"description", description},
		{"security", b.security()},
	}
	if headers := b.headerParameters(); headers != nil {
		o = append(o, member{"parameters", headers})
	}
	return append(o,
		member{"requestBody", requestBody("TokenRequest", b.requestExamples())},
		member{"responses", append(object{{"200", answer("The tokens.", schemaAnswer("TokenAnswer", b.tokenExample()))}},
			b.refusals("invalid_request", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target")...)},
	)
}

// assertionText tells of clients with a key or a certificate, if the endpoint takes them.
func (b *builder) assertionText() (text string) {
	if len(b.d.AssertionAlgorithms) > 0 {
		text = "A client with a key shows a client_assertion in place of a secret. "
	}
	if b.takesCertificates() {
		text += "A client with a certificate shows it in the TLS handshake, and sends its client_id. "
	}
	return text
}

// headerParameters are the headers that serve in place of a parameter.
func (b *builder) headerParameters() []any {
	var all []any
	var names []string
	for _, g := range b.d.Grants {
		for _, p := range g.Parameters {
			if p.Header == "" || slices.Contains(names, p.Header) {
				continue
			}
			names = append(names, p.Header)
			all = append(all, object{
				{"name", p.Header}, {"in", "header"}, {"required", false},
				{"description", "It serves in place of the parameter " + p.Name + " of the grant " + g.Type + "."},
				{"schema", secretFormat(object{{"type", "string"}}, p.Secret)},
			})
		}
	}
	return all
}

// aboutToken is the operation of an endpoint whose requests are about a token.
func (b *builder) aboutToken(id, summary, description, schema string, answer object, codes ...string) object {
	example := object{{"token", exampleOf("refresh_token")}, {"token_type_hint", "refresh_token"}}
	return object{
		{"operationId", id},
		{"tags", []any{tagTokens}},
		{"summary", summary},
		{"description", description + " The client authenticates as at the token endpoint."},
		{"security", b.security()},
		{"requestBody", requestBody(schema, object{{"refresh_token", object{
			{"summary", "A refresh token"}, {"value", example},
		}}})},
		{"responses", append(object{{"200", answer}}, b.refusals(append([]string{"invalid_request"}, codes...)...)...)},
	}
}

// requestBody is a body that may be a form or JSON.
func requestBody(schema string, examples object) object {
	content := object{{"schema", ref("schemas/" + schema)}, {"examples", examples}}
	return object{
		{"required", true},
		{"content", object{{"application/x-www-form-urlencoded", content}, {"application/json", content}}},
	}
}

// documentOperation is the operation of a public document.
func documentOperation(id, summary, description, schema string, mayFail bool) object {
	responses := object{
		{"200", object{
			{"description", "The document."},
			{"headers", object{
				{"Cache-Control", ref("headers/PublicCacheControl")},
				{"ETag", ref("headers/ETag")},
				{"Access-Control-Allow-Origin", ref("headers/EveryOrigin")},
			}},
			{"content", object{{"application/json", object{{"schema", ref("schemas/" + schema)}}}}},
		}},
		{"304", object{{"description", "The document is as the If-None-Match of the request says."}}},
	}
	if mayFail {
		responses = append(responses, member{"503", ref("responses/DocumentUnavailable")})
	}
	return object{
		{"operationId", id},
		{"tags", []any{tagDocuments}},
		{"summary", summary},
		{"description", description},
		{"security", []any{}},
		{"responses", responses},
	}
}
