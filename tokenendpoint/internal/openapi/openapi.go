// Package openapi makes the OpenAPI document of a token endpoint, for package reference.
package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// Info is Info of package reference, which has the documentation.
type Info struct {
	Title, Version, Description string
	Scopes                      map[string]string
}

// Document is OpenAPI of package reference.
func Document(d tokenendpoint.Description, info Info) ([]byte, error) {
	info.Title = cmp.Or(info.Title, "OAuth 2 token endpoint")
	info.Version = cmp.Or(info.Version, "1")
	info.Description = cmp.Or(info.Description, "Tokens of "+d.Issuer+".")
	if len(info.Scopes) == 0 {
		info.Scopes = make(map[string]string)
		for _, name := range d.ScopesSupported {
			info.Scopes[name] = ""
		}
	}
	b := builder{d: d, info: info}
	if err := b.check(); err != nil {
		return nil, err
	}
	return encode(b.document())
}

// A builder makes one document.
type builder struct {
	d      tokenendpoint.Description
	info   Info
	server string   // the origin of the token endpoint
	names  []string // of the schemas of the grants
}

// check names every fault of the arguments, and finds the server.
func (b *builder) check() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf("reference: "+format, args...)) }
	var paths []string
	for _, u := range []struct{ name, url string }{
		{"Token", b.d.Token}, {"Revocation", b.d.Revocation}, {"Introspection", b.d.Introspection},
		{"JWKS", b.d.JWKS}, {"Metadata", b.d.Metadata}, {"Authorization", b.d.Authorization},
	} {
		parsed, err := url.Parse(u.url)
		switch {
		case u.url == "" && u.name != "Token":
		case err != nil || !parsed.IsAbs() || parsed.Host == "":
			add("Description.%s is not an absolute URL", u.name)
		case u.name != "Authorization": // that is the host's page
			server, path := split(u.url)
			if u.name == "Token" {
				b.server = server
			}
			if slices.Contains(paths, path) {
				add("Description.%s has the path of another endpoint", u.name)
			}
			paths = append(paths, path)
		}
	}
	if len(b.d.Grants) == 0 {
		add("Description.Grants is empty")
	}
	seen := map[string]bool{}
	for _, g := range b.d.Grants {
		for _, name := range append([]string{g.Type}, g.Aliases...) {
			if name == "" || seen[name] {
				add("Description.Grants has the type %q twice, or one without a name", name)
			}
			seen[name] = true
		}
		b.names = append(b.names, b.schemaName(g.Type))
	}
	for _, name := range slices.Sorted(maps.Keys(b.info.Scopes)) {
		if !storage.IsScopeToken(name) {
			add("Info.Scopes: %q is not a scope-token (RFC 6749 §3.3)", name)
		}
	}
	return errors.Join(faults...)
}

// split cuts an absolute URL into its origin and the rest.
func split(text string) (origin, path string) {
	u, err := url.Parse(text)
	if err != nil { // check has refused it
		return "", ""
	}
	if path = u.EscapedPath(); path == "" {
		path = "/"
	}
	return u.Scheme + "://" + u.Host, path
}

// schemaName returns a name for the schema of a grant: a component has only letters,
// digits and ._- in its name (OpenAPI 3.1 §4.8.7). Another name gets a number.
func (b *builder) schemaName(grantType string) string {
	name := "Grant_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-", r):
			return r
		}
		return '_'
	}, grantType)
	unique := name
	for n := 2; slices.Contains(b.names, unique); n++ {
		unique = fmt.Sprint(name, "_", n)
	}
	return unique
}

// document puts the parts together.
func (b *builder) document() object {
	return object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", b.info.Title}, {"version", b.info.Version}, {"description", b.info.Description}}},
		{"servers", []any{object{{"url", b.server}}}},
		{"tags", []any{
			object{{"name", tagTokens}, {"description", "Tokens are issued, ended and explained."}},
			object{{"name", tagDocuments}, {"description", "The server describes itself. Everybody may read these."}},
		}},
		{"paths", b.paths()},
		{"components", object{
			{"schemas", b.schemas()},
			{"responses", b.sharedAnswers()},
			{"headers", sharedHeaders()},
			{"securitySchemes", b.securitySchemes()},
		}},
	}
}

// securitySchemes are those of this document's operations, and the one for the
// operations of the host's own API.
func (b *builder) securitySchemes() object {
	s := object{{"client_secret_basic", object{
		{"type", "http"}, {"scheme", "basic"},
		{"description", "The user is the client_id and the password is the client_secret, each form-encoded first (RFC 6749 §2.3.1)."},
	}}}
	if b.takesCertificates() {
		s = append(s, member{"client_certificate", object{
			{"type", "mutualTLS"},
			{"description", "The certificate of a client that is registered for one (RFC 8705 §2). The request has the client_id too."},
		}})
	}
	scopes := object{}
	for _, name := range slices.Sorted(maps.Keys(b.info.Scopes)) {
		scopes = append(scopes, member{name, b.info.Scopes[name]})
	}
	var flows object
	flow := func(name string, members object) {
		if b.hasGrant(grants.TypeRefreshToken) {
			members = append(members, member{"refreshUrl", b.d.Token})
		}
		flows = append(flows, member{name, append(members, member{"scopes", scopes})})
	}
	if b.hasGrant(grants.TypeClientCredentials) {
		flow("clientCredentials", object{{"tokenUrl", b.d.Token}})
	}
	if b.hasGrant(grants.TypeAuthorizationCode) && b.d.Authorization != "" {
		flow("authorizationCode", object{{"authorizationUrl", b.d.Authorization}, {"tokenUrl", b.d.Token}})
	}
	if flows == nil {
		return s
	}
	return append(s, member{"oauth2", object{
		{"type", "oauth2"},
		{"description", "For the operations of an API that takes the access tokens of this endpoint."},
		{"flows", flows},
	}})
}

func (b *builder) hasGrant(name string) bool {
	return slices.ContainsFunc(b.d.Grants, func(g tokenendpoint.GrantDescription) bool { return g.Type == name })
}
