package tokenendpoint

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
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
	// Config.Revocations. Without, it is off: it would call a token active that
	// has been revoked.
	Introspection string
	// JWKS is /.well-known/jwks.json by default.
	JWKS string
	// Metadata follows from the Issuer by default, as clients expect (RFC 8414
	// §3.1): for https://auth.example.com/tenant it is
	// /.well-known/oauth-authorization-server/tenant. It is not below the path of
	// BaseURL.
	Metadata string
}

// off is a path of what is not there.
const off = "-"

// Route is an endpoint and where it is.
type Route struct {
	// Path is the path of its URL, such as /connect/token. Nothing in it stands
	// for anything else, and all methods of HTTP are the handler's.
	Path string
	// Handler answers there.
	Handler http.Handler

	inside string // Path without the path of BaseURL, for who has stripped it
}

// Routes are the endpoints of a server. They are an [http.Handler] for all of
// them, and a list for a router of another kind:
//
//	mux.Handle("/", endpoint.Routes())
//
//	for _, r := range endpoint.Routes() {
//		router.Handle(r.Path, r.Handler)
//	}
type Routes []Route

// Routes returns the endpoints that are not switched off, each with its path.
func (h *Handler) Routes() Routes { return slices.Clone(h.routes) }

// ServeHTTP answers at the paths of the routes, byte for byte, and nowhere else:
// to every other path with 404 and never with a redirect. If the path of BaseURL
// has been stripped, as by [http.StripPrefix] or a proxy, it answers at what is
// left.
func (routes Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.EscapedPath()
	for _, route := range routes {
		if route.Path == asked {
			route.Handler.ServeHTTP(w, r)
			return
		}
	}
	for _, route := range routes {
		if route.inside == asked {
			route.Handler.ServeHTTP(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// site is where a server is: the URLs of its endpoints, empty for what is off,
// and the routes to them.
type site struct {
	token, revocation, introspection, jwks string
	routes                                 Routes
}

// site lays out the endpoints.
func (f *faults) site(c Config, h *Handler) (s site) {
	issuer, base := pathOf(c.Issuer), strings.TrimRight(c.BaseURL, "/")
	if c.BaseURL == "" {
		base = strings.TrimRight(c.Issuer, "/")
	} else {
		f.url("BaseURL", c.BaseURL)
	}
	root := pathOf(base)
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
	place := func(field, at, usual string, handler http.Handler) string {
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
	s.token = place("Token", c.Paths.Token, "/connect/token", h)
	s.revocation = place("Revocation", c.Paths.Revocation, "/connect/revocation", h.Revocation())
	if c.Revocations != nil {
		s.introspection = place("Introspection", c.Paths.Introspection, "/connect/introspect", h.Introspection())
	} else if c.Paths.Introspection != "" && c.Paths.Introspection != off {
		f.add("Paths.Introspection needs Revocations: it would call a revoked token active")
	}
	s.jwks = place("JWKS", c.Paths.JWKS, "/.well-known/jwks.json", c.Keys)
	switch c.Paths.Metadata {
	case "":
		add("/.well-known/oauth-authorization-server"+issuer, h.Metadata())
	case off:
	default:
		if !isPath(c.Paths.Metadata) {
			f.add("Paths.Metadata is not a path such as /.well-known/oauth-authorization-server")
		}
		add(c.Paths.Metadata, h.Metadata())
	}
	if c.OpenIDConfiguration { // OpenID Connect Discovery 1.0 §4 appends where RFC 8414 inserts
		add(issuer+"/.well-known/openid-configuration", h.Metadata())
	}
	return s
}

// pathOf is the path of a URL as it stands there, without a slash at the end.
func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil { // it is a fault already
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
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
