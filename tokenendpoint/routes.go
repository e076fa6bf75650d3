package tokenendpoint

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/contit/oauth/tokenendpoint/internal/resource"
)

// Paths are where the endpoints are, each below the path of Config.BaseURL. An
// empty one is the default; "-" switches an endpoint off, so that it is neither
// among the routes nor in the metadata.
type Paths struct {
	// Token is /connect/token by default. It cannot be switched off.
	Token string
	// Revocation is /connect/revocation by default.
	Revocation string
	// Introspection is /connect/introspect by default, if there is
	// Config.Revocations. Without Config.Revocations it is off: it would call a
	// revoked token active.
	Introspection string
	// JWKS is /.well-known/jwks.json by default.
	JWKS string
	// Metadata follows from the Issuer by default, as clients expect (RFC 8414
	// §3.1): for https://auth.example.com/tenant it is
	// /.well-known/oauth-authorization-server/tenant. Some clients append where RFC
	// 8414 inserts, so that it is at /tenant/.well-known/oauth-authorization-server
	// too. It is not below the path of BaseURL.
	Metadata string
}

// off is the path of an endpoint that is off.
const off = "-"

// Route is an endpoint and where it is.
type Route struct {
	// Path is the path of its URL, such as /connect/token. It has no wildcards,
	// and the handler takes all methods of HTTP.
	Path string
	// Handler answers there.
	Handler http.Handler

	inside string // Path without the path of BaseURL, for a host that has stripped it
}

// Routes are the endpoints of a server, for a host that mounts them one by one, or
// some of them. The [Handler] itself answers at all of their paths:
//
//	mux.Handle("/", endpoint)
//
//	for _, r := range endpoint.Routes() {
//		router.Handle(r.Path, r.Handler)
//	}
type Routes []Route

// Routes returns the endpoints that are not switched off, each with its path.
func (h *Handler) Routes() Routes { return slices.Clone(h.routes) }

// ServeHTTP answers at the paths of the routes, byte for byte, and nowhere else:
// to every other path with 404 and never with a redirect. If the path of BaseURL
// has been stripped, as by [http.StripPrefix] or a proxy, it answers at the rest
// of the path.
func (routes Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handler := routes.at(r.URL.EscapedPath()); handler != nil {
		handler.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// at returns the handler at a path, or nil.
func (routes Routes) at(asked string) http.Handler {
	for _, route := range routes {
		if route.Path == asked {
			return route.Handler
		}
	}
	for _, route := range routes {
		if route.inside == asked {
			return route.Handler
		}
	}
	return nil
}

// site holds the URLs of a server's endpoints, empty for an endpoint that is
// off, and the routes to them.
type site struct {
	token, revocation, introspection, jwks, metadata string
	base                                             string // before the path of each endpoint
	published                                        bool   // some metadata are
	routes                                           Routes
}

// layOut finds a path for each endpoint.
func (h *Handler) layOut(c Config, f *faults) (s site) {
	issuer, base := pathOf(c.Issuer), strings.TrimRight(c.BaseURL, "/")
	if c.BaseURL == "" {
		base = strings.TrimRight(c.Issuer, "/")
	} else {
		f.url("BaseURL", c.BaseURL)
	}
	root := pathOf(base)
	s.base = base
	add := func(at string, handler http.Handler) {
		if slices.ContainsFunc(s.routes, func(r Route) bool { return r.Path == at }) {
			f.add("Paths: two endpoints are at %q", at)
		}
		inside := at
		if rest, below := strings.CutPrefix(at, root); below && strings.HasPrefix(rest, "/") {
			inside = rest
		}
		s.routes = append(s.routes, Route{at, handler, inside})
	}
	mount := func(field, at, usual string, handler http.Handler) string {
		if at == "" {
			at = usual
		}
		switch {
		case at == off:
			return ""
		case !isPath(at):
			f.add("Paths.%s is not a path such as %s", field, usual)
			return ""
		}
		add(root+at, handler)
		return base + at
	}
	if c.Paths.Token == off {
		f.add("Paths.Token switches the token endpoint off")
	}
	s.token = mount("Token", c.Paths.Token, "/connect/token", h.Token())
	s.revocation = mount("Revocation", c.Paths.Revocation, "/connect/revocation", h.Revocation())
	if c.Revocations != nil {
		s.introspection = mount("Introspection", c.Paths.Introspection, "/connect/introspect", h.Introspection())
	} else if c.Paths.Introspection != "" && c.Paths.Introspection != off {
		f.add("Paths.Introspection needs Revocations: it would call a revoked token active")
	}
	s.jwks = mount("JWKS", c.Paths.JWKS, "/.well-known/jwks.json", c.Keys)
	if at := c.Paths.Metadata; at != off {
		if at == "" {
			const metadata = "/.well-known/oauth-authorization-server"
			at = metadata + issuer
			if issuer != "" { // some clients append, and a proxy may pass on nothing else
				add(issuer+metadata, h.Metadata())
			}
		} else if !isPath(at) {
			f.add("Paths.Metadata is not a path such as /.well-known/oauth-authorization-server")
		}
		add(at, h.Metadata())
		s.metadata = originOf(c.Issuer) + at
	}
	s.published = c.Paths.Metadata != off || c.OpenIDConfiguration
	if c.OpenIDConfiguration { // OpenID Connect Discovery 1.0 §4 appends where RFC 8414 inserts
		const openID = "/.well-known/openid-configuration"
		add(issuer+openID, published(&h.openID))
		if issuer != "" { // RFC 8414 §5: clients of today look here first
			add(openID+issuer, published(&h.openID))
		}
	}
	for _, g := range resource.ByPath(resourcesOf(c)) {
		add(g.Path, g)
	}
	h.routes = s.routes
	return s
}

// resourcesOf describes each audience that is a URL (RFC 9728), whether this process
// serves its API or not.
func resourcesOf(c Config) (all []*resource.Resource) {
	for _, audience := range c.Audience {
		if r := resource.Describe(audience, c.Issuer, c.ScopesSupported); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// pathOf is the path of a URL as it stands there, without a slash at the end.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil { // it is a fault already
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// originOf is a URL up to its path.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil { // it is a fault already
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// isPath reports whether s is a path that has one spelling, and that no router
// takes for a pattern.
func isPath(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("/-._~", c) < 0:
			return false
		}
	}
	return len(s) > 1 && s[0] == '/' && path.Clean(s) == s
}
