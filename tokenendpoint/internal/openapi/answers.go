package openapi

import (
	"time"

	"github.com/contit/oauth/grants"
)

// answer is the response with a body that nobody may keep.
func answer(description string, content object, headers ...member) object {
	return object{
		{"description", description},
		{"headers", append(object{
			{"Cache-Control", ref("headers/NoStore")},
			{"Pragma", ref("headers/NoCache")},
			{"X-Content-Type-Options", ref("headers/NoSniff")},
		}, headers...)},
		{"content", content},
	}
}

// schemaAnswer is the content of an answer, with one example.
func schemaAnswer(schema string, example object) object {
	return object{{"application/json", object{{"schema", ref("schemas/" + schema)}, {"example", example}}}}
}

// meanings are the meanings of the error codes, for the client.
var meanings = map[string]string{
	"invalid_request":        "A parameter is missing, repeated or malformed, or the body is.",
	"invalid_grant":          "The client cannot use this code, refresh token, API key or other credential now, or the token is not the client's.",
	"unauthorized_client":    "The client is not registered for this grant.",
	"unsupported_grant_type": "The endpoint does not have this grant.",
	"invalid_scope":          "The scope is malformed, or more than the client may have.",
	"invalid_target":         "The resource is malformed, or more than the client may have.",
	"unsupported_token_type": "The endpoint cannot revoke tokens of this kind.",
}

// refusals are the answers that are not 200. They are the same for the endpoints
// but for the codes of a 400.
func (b *builder) refusals(codes ...string) object {
	description := "The request is wrong, or asks for what the client may not have:\n"
	var examples object
	for _, code := range codes {
		description += "\n- " + code + ": " + meanings[code]
		examples = append(examples, member{code, object{{"value", object{{"error", code}}}}})
	}
	return object{
		{"400", answer(description, object{{"application/json", object{{"schema", ref("schemas/Error")}, {"examples", examples}}}})},
		{"401", ref("responses/Unauthorized")},
		{"408", ref("responses/TooSlow")},
		{"413", ref("responses/TooLarge")},
		{"429", ref("responses/TooMany")},
		{"500", ref("responses/Defect")},
		{"503", ref("responses/Unavailable")},
	}
}

const errorID = "error id 00000000-0000-4000-8000-000000000000"

// sharedAnswers are the components that [builder.refusals] refers to.
func (b *builder) sharedAnswers() object {
	refusal := func(description string, example object, headers ...member) object {
		return answer(description, schemaAnswer("Error", example), headers...)
	}
	retry := member{"Retry-After", ref("headers/RetryAfter")}
	all := object{
		{"Unauthorized", answer("The client is unknown or disabled, or did not show who it is. The answer does not say which.",
			schemaAnswer("ErrorUnauthorized", object{{"error", "invalid_client"}}), member{"WWW-Authenticate", ref("headers/Challenge")})},
		{"TooSlow", refusal("The body did not arrive in time.", object{{"error", "invalid_request"}, {"error_description", "the body did not arrive in time"}})},
		{"TooLarge", refusal("The body is longer than 64 KiB.", object{{"error", "invalid_request"}, {"error_description", "the body is too long"}})},
		{"TooMany", refusal("The client, or its network, has failed too often or asks too often. It should wait.", object{{"error", "temporarily_unavailable"}}, retry)},
		{"Defect", refusal("A defect of the server. Its log has the cause under the error id.", object{{"error", "server_error"}, {"error_description", errorID}})},
		{"Unavailable", refusal("An outage, which says nothing about the request. The client should send it again later. The log of the server has the cause under the error id.",
			object{{"error", "temporarily_unavailable"}, {"error_description", errorID}}, retry)},
	}
	if b.d.JWKS != "" {
		all = append(all, member{"DocumentUnavailable", object{
			{"description", "The server cannot read its keys now."},
			{"headers", object{{"Cache-Control", ref("headers/NoStore")}, retry}},
			{"content", schemaAnswer("Error", object{{"error", "temporarily_unavailable"}})},
		}})
	}
	return all
}

// sharedHeaders are the headers of answers.
func sharedHeaders() object {
	header := func(description string, schema object) object {
		return object{{"description", description}, {"required", true}, {"schema", schema}}
	}
	constant := func(value string) object { return object{{"type", "string"}, {"const", value}} }
	return object{
		{"NoStore", header("Nobody keeps the answer (RFC 6749 §5.1).", constant("no-store"))},
		{"NoCache", header("The same, for old caches.", constant("no-cache"))},
		{"NoSniff", header("The Content-Type is right.", constant("nosniff"))},
		{"Challenge", header("How the client should authenticate (RFC 9110 §11.6.1).", object{{"type", "string"}})},
		{"RetryAfter", header("For how many seconds the client should wait.", object{{"type", "integer"}, {"minimum", 1}, {"maximum", 3600}})},
		{"PublicCacheControl", header("For how many seconds a reader may keep the document.", object{{"type", "string"}, {"pattern", `^public, max-age=[0-9]+$`}})},
		{"ETag", header("The version of the document, for If-None-Match.", object{{"type", "string"}})},
		{"EveryOrigin", header("Scripts of every origin may read the document.", constant("*"))},
	}
}

// tokenExample is an answer to a request for tokens.
func (b *builder) tokenExample() object {
	lifetime := b.d.AccessTokenLifetime
	if lifetime <= 0 { // the caller has made the description
		lifetime = time.Hour
	}
	o := object{
		{"access_token", exampleToken},
		{"token_type", "Bearer"},
		{"expires_in", int(lifetime / time.Second)},
	}
	if b.hasGrant(grants.TypeRefreshToken) {
		o = append(o, member{"refresh_token", exampleOf("refresh_token")})
	}
	if scope := b.exampleScope(); scope != "" {
		o = append(o, member{"scope", scope})
	}
	return o
}
