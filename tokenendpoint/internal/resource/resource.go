// Package resource describes a protected resource to clients (RFC 9728): which
// authorization server gives tokens for it, and which scopes there are.
package resource

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/document"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// Resource is a protected resource whose identifier is a URL. As an
// [http.Handler] it answers with its metadata. It is safe for concurrent use.
type Resource struct {
	// URL is where clients find the metadata (RFC 9728 §3.1). It can stand in a
	// quoted-string.
	URL string
	// Path is the path of URL.
	Path string

	host, query string
	document    document.Document
}

var _ http.Handler = (*Resource)(nil)

// metadata are the members of RFC 9728 §2 that follow from a configuration.
type metadata struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported,omitempty"`
	BearerMethods        []string `json:"bearer_methods_supported"`
}

// Describe returns the resource that is an audience of an issuer's tokens, with the
// scopes that clients may ask for. It returns nil if the audience is not an https
// URL without a fragment (RFC 9728 §1.2), or http for a loopback address, or has a
// path that clients rewrite: then they could not find the metadata.
func Describe(audience, issuer string, scopes []string) *Resource {
	u, ok := weburl.Parse(audience)
	if !ok || weburl.SchemeFault(u) != "" || strings.ContainsAny(audience, `"\`) {
		return nil
	}
	at := u.EscapedPath()
	if at == "/" { // RFC 9728 §3.1: the slash that ends the host goes
		at = ""
	}
	if at != "" && path.Clean(at) != strings.TrimSuffix(at, "/") { // clients would clean it
		return nil
	}
	r := &Resource{Path: wellKnown + at, host: hostOf(u.Scheme, u.Host), query: u.RawQuery}
	r.URL = u.Scheme + "://" + u.Host + r.Path
	if u.RawQuery != "" {
		r.URL += "?" + u.RawQuery
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// The document holds strings alone, and every string can be encoded.
	_ = e.Encode(metadata{audience, []string{issuer}, scopes, []string{"header"}})
	r.document = document.New(b.Bytes())
	return r
}

// ServeHTTP answers with the metadata, for the scripts of every origin. A reader
// may keep it for an hour.
func (r *Resource) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	document.Handler(func(*http.Request) (document.Document, time.Duration, error) {
		return r.document, time.Hour, nil
	}).ServeHTTP(w, request)
}

// Group is the resources whose metadata are at one path.
type Group struct {
	Path string
	all  []*Resource // not empty
}

// ServeHTTP answers for the resource of the requested host and query, or else for
// the first: a proxy may have changed the host. It only chooses among documents
// that are public, and a client refuses one that is not for its resource (RFC 9728
// §3.3).
func (g *Group) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	chosen := g.all[0]
	for _, r := range g.all {
		if strings.EqualFold(request.Host, r.host) && request.URL.RawQuery == r.query {
			chosen = r
			break
		}
	}
	chosen.ServeHTTP(w, request)
}

// ByPath groups resources by the paths at which clients look, in the order of the
// resources. Many clients leave out a slash at the end of the path, so that such a
// resource is also found there if no other is.
func ByPath(resources []*Resource) (groups []*Group) {
	at := make(map[string]*Group)
	add := func(path string, r *Resource) {
		g := at[path]
		if g == nil {
			g = &Group{Path: path}
			at[path], groups = g, append(groups, g)
		}
		g.all = append(g.all, r)
	}
	taken := make(map[string]bool)
	for _, r := range resources {
		add(r.Path, r)
		taken[r.Path] = true
	}
	for _, r := range resources {
		if bare := strings.TrimSuffix(r.Path, "/"); !taken[bare] {
			add(bare, r)
		}
	}
	return groups
}

// hostOf is a host as clients send it: without the default port of the scheme.
func hostOf(scheme, host string) string {
	if port := map[string]string{"https": ":443", "http": ":80"}[scheme]; port != "" {
		return strings.TrimSuffix(host, port)
	}
	return host
}
