package openapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/params"
)

// tokenRequest is one of the grants, chosen by grant_type.
func (b *builder) tokenRequest() object {
	var each []any
	var mapping object
	for i, g := range b.d.Grants {
		at := ref("schemas/" + b.names[i])
		each = append(each, at)
		for _, name := range append([]string{g.Type}, g.Aliases...) {
			mapping = append(mapping, member{name, at[0].value})
		}
	}
	return object{
		{"type", "object"},
		{"oneOf", each},
		{"discriminator", object{{"propertyName", "grant_type"}, {"mapping", mapping}}},
	}
}

// grantSchemas are the parameters of each grant.
func (b *builder) grantSchemas() object {
	var all object
	for i, g := range b.d.Grants {
		all = append(all, member{b.names[i], b.grantSchema(g)})
	}
	return all
}

func (b *builder) grantSchema(g tokenendpoint.GrantDescription) object {
	grantType := object{{"type", "string"}, {"const", g.Type}, {"description", "The grant."}}
	if len(g.Aliases) > 0 {
		grantType = object{{"type", "string"}, {"enum", append([]string{g.Type}, g.Aliases...)}, {"description", "The grant, by one of its names."}}
	}
	required := []string{"grant_type"}
	properties := object{{"grant_type", grantType}}
	add := func(name string, schema object) {
		if !properties.has(name) { // the host may describe a scope of its own
			properties = append(properties, member{name, schema})
		}
	}
	for _, p := range g.Parameters {
		switch {
		case !p.Required:
			add(p.Name, optional(p.Name, p.Description, p.Secret))
		case p.Header != "":
			add(p.Name, optional(p.Name, joined(p.Description, "It is required, here or in the header "+p.Header+"."), p.Secret))
		default:
			if !properties.has(p.Name) {
				required = append(required, p.Name)
			}
			add(p.Name, needed(p.Name, p.Description, p.Secret))
		}
	}
	id, secret := clientTexts(g.ClientAuthentication)
	if b.d.TakesAssertions(g) {
		id = "The client, unless Basic or the client_assertion names it."
	}
	add("client_id", optional("client_id", id, false))
	add("client_secret", optional("client_secret", secret, true))
	if b.d.TakesAssertions(g) {
		for _, m := range b.assertionSchemas() {
			add(m.name, m.value.(object))
		}
	}
	add("scope", optional("scope", b.scopeText(), false))
	add("resource", resourceSchema())
	return object{
		{"type", "object"},
		{"title", g.Type},
		{"description", cmp.Or(g.Summary, "A grant of this server's own, which may read further parameters.")},
		{"required", required},
		{"properties", properties},
	}
}

// clientTexts say when a request needs client_id and client_secret.
func clientTexts(how grants.ClientAuthentication) (id, secret string) {
	id = "The client, unless Basic names it."
	secret = "The secret of a client that has one, unless Basic has it."
	switch how {
	case grants.SecretRequired:
		secret = "The secret of the client, unless Basic has it. This grant is not for public clients."
	case grants.CredentialSuffices:
		secret = "The secret of the client. The credential of this grant is enough without it."
	case grants.ClientIDOptional:
		id = "The client. The credential of this grant names it too."
		secret = "The secret of the client. The credential of this grant is enough without it."
	}
	return id, secret
}

// assertionSchemas are the two parameters of a client that signs an assertion (RFC 7523
// §2.2), if the endpoint takes any.
func (b *builder) assertionSchemas() object {
	if len(b.d.AssertionAlgorithms) == 0 {
		return nil
	}
	kind := describe(object{{"type", []string{"string", "null"}}, {"enum", []any{params.AssertionType, "", nil}}}, "It comes with client_assertion.")
	text := "The assertion of a client that is registered with a key (private_key_jwt), in place of client_secret: a JWT that the client signs for each request with " +
		strings.Join(b.d.AssertionAlgorithms, ", ") + ". Its aud is the issuer " + b.d.Issuer + "."
	return object{{"client_assertion_type", kind}, {"client_assertion", optional("client_assertion", text, true)}}
}

// needed is the schema of a parameter without which a request is refused.
func needed(name, description string, secret bool) object {
	return describe(bounded(secretFormat(object{{"type", "string"}, {"minLength", 1}}, secret), name), description)
}

// optional is the schema of a parameter that may be absent, or null in JSON, or
// without a value: that is the same to the endpoint.
func optional(name, description string, secret bool) object {
	return describe(bounded(secretFormat(object{{"type", []string{"string", "null"}}}, secret), name), description)
}

// bounded adds the syntax that the endpoint checks. A parameter that it does not know
// has none.
func bounded(schema object, name string) object {
	longest, pattern := params.Syntax(name)
	if longest > 0 {
		schema = append(schema, member{"maxLength", longest})
	}
	if pattern != "" {
		schema = append(schema, member{"pattern", pattern})
	}
	return schema
}

// secretFormat makes a tool hide the typed text.
func secretFormat(schema object, secret bool) object {
	if secret {
		return append(schema, member{"format", "password"})
	}
	return schema
}

func describe(schema object, description string) object {
	if description == "" {
		return schema
	}
	return append(schema, member{"description", description})
}

func joined(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// resourceSchema is the one parameter that may repeat (RFC 8707 §2).
func resourceSchema() object {
	return describe(object{
		{"type", []string{"array", "string", "null"}},
		{"items", bounded(object{{"type", "string"}}, "resource")},
	}, "The API or APIs that the token is for, among those that the client may have (RFC 8707).")
}

// scopeText is the description of the parameter scope.
func (b *builder) scopeText() string {
	text := "The scope that the client asks for, separated by spaces. Without it, the client gets its default."
	for i, name := range slices.Sorted(maps.Keys(b.info.Scopes)) {
		if i == 0 {
			text += "\n"
		}
		text += "\n- `" + name + "`"
		if sentence := b.info.Scopes[name]; sentence != "" {
			text += ": " + sentence
		}
	}
	return text
}

// exampleScope is the first scope of the host, or none.
func (b *builder) exampleScope() string {
	names := slices.Sorted(maps.Keys(b.info.Scopes))
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// requestExamples are a request for each grant.
func (b *builder) requestExamples() object {
	var all object
	for i, g := range b.d.Grants {
		value := object{{"grant_type", g.Type}}
		add := func(name, example string) {
			if !value.has(name) && example != "" {
				value = append(value, member{name, example})
			}
		}
		for _, p := range g.Parameters {
			add(p.Name, exampleOf(p.Name))
		}
		if g.ClientAuthentication != grants.ClientIDOptional {
			add("client_id", exampleOf("client_id"))
		}
		if g.ClientAuthentication == grants.SecretRequired || g.ClientAuthentication == grants.AsRegistered {
			add("client_secret", exampleOf("client_secret"))
		}
		if g.Type != grants.TypeAuthorizationCode { // its scope was asked for at the login page
			add("scope", b.exampleScope())
		}
		all = append(all, member{strings.TrimPrefix(b.names[i], "Grant_"), object{{"summary", g.Type}, {"value", value}}})
	}
	return all
}

// exampleToken has the form of a JWT, and no signature.
const exampleToken = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJteS1hcHAtaWQifQ.signature"

// exampleOf is a made-up value of a parameter.
func exampleOf(name string) string {
	switch name {
	case "client_id":
		return "my-app-id"
	case "client_secret":
		return "my-app-secret"
	case "refresh_token":
		return "rt_a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
	case "code":
		return "ac_a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
	case "api_key":
		return "ck_a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
	case "assertion":
		return exampleToken
	case "redirect_uri":
		return "https://app.example.com/callback"
	case "code_verifier":
		return "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636 appendix B
	}
	return name + "_value"
}
