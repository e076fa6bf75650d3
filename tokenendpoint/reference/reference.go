package reference

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/deadline"
)

// Config holds the settings of a reference. [New] copies the parts that it needs.
type Config struct {
	// Description is the endpoint's description of itself: Handler.Describe. It is
	// required, and everything that the page says about requests comes from it.
	Description tokenendpoint.Description
	// Path is where browsers find the page, such as /docs. If empty, /docs. All that
	// the [Reference] serves is at this path and below it.
	Path string

	// Title is the name of the API, at the top of the page. If empty, "Authorization".
	Title string
	// Intro is a sentence or two below the title. If empty, the text page.intro.
	Intro string
	// Scopes are the scopes that clients can ask for, in the order of the page. If
	// empty, they are the ScopesSupported of the Description, without a sentence about
	// each; if those are empty too, the page lists none.
	Scopes []Scope
	// Errors are the codes that the host's own grants and hooks answer beside those of
	// package grants. Each gets a page, as the others do.
	Errors []Error
	// Logo is an image in PNG, JPEG, WebP or SVG, at most 64 KB. If empty, there is none.
	// The Reference serves it, so that the page fetches nothing from elsewhere.
	Logo []byte
	// Accent and AccentDark are the colour of links and buttons on a light and on a dark
	// page, such as #3b5bdb. If empty, a blue. New refuses a colour that people with weak
	// eyes cannot read (WCAG 2.2 §1.4.3).
	Accent, AccentDark string

	// Language is the language of Texts as a BCP 47 tag, such as de or ar. If empty, en.
	// For any other, New wants a translation of each text.
	Language string
	// Texts replace texts of the page by their names: see [Texts] for all of them. If
	// nil, the page is English.
	Texts map[string]string

	// Prefill are values that stand in the form and in the samples at the beginning, by
	// the names of the parameters, such as the client_id of a client for tests.
	// EVERYBODY can read them. If nil, the form is empty.
	Prefill map[string]string
	// Playground lets a reader log in from the page. The zero value switches it off.
	Playground Playground
}

// Scope is a scope and its meaning, in one sentence.
type Scope struct{ Name, Description string }

// Error is an error code that code of the host's answers with 400, for a page of its own:
// what it means, and what the author of a client should do.
type Error struct {
	Code      grants.ErrorCode
	Means, Do string
}

// Playground is the client of the reference page itself: a public client
// (storage.AuthNone) with the grants authorization_code and refresh_token. The endpoint
// must have the first of them, and an AuthorizationEndpoint.
type Playground struct {
	// ClientID is the identifier of that client. If empty, there is no playground.
	ClientID string
	// RedirectURI is the redirect URI that the client is registered with: the public URL of the page's
	// path with /callback after it. If empty, it is made of the origin of the token
	// endpoint and Path.
	RedirectURI string
	// Scope is the scope that the page asks for at first, with spaces between. If empty, the
	// parameter is left out.
	Scope string
}

// Reference serves the reference page and what belongs to it. It is safe for concurrent
// use, and everything that it answers was made by [New].
type Reference struct {
	path  string
	pages map[string]http.Handler // by the path below the Reference's own
}

var _ http.Handler = (*Reference)(nil)

// New makes the page. Its error names every fault of c.
func New(c Config) (*Reference, error) {
	var f faults
	c = c.complete()
	c.check(&f)
	texts := chooseTexts(c, &f)
	if len(f) > 0 {
		return nil, errors.Join(f...)
	}
	openAPI, err := OpenAPIHandler(c.Description, c.info(texts))
	if err != nil {
		return nil, err
	}
	r := &Reference{path: c.Path, pages: make(map[string]http.Handler)}
	r.pages["/openapi.json"] = openAPI
	if err := r.render(c, texts); err != nil {
		return nil, err
	}
	return r, nil
}

// info is the part of the OpenAPI document beside the description of the endpoint.
func (c Config) info(texts map[string]string) Info {
	i := Info{Title: c.Title, Description: cmp.Or(c.Intro, texts["page.intro"]), Scopes: make(map[string]string)}
	for _, s := range c.Scopes {
		i.Scopes[s.Name] = s.Description
	}
	return i
}

// page is an answer.
type page struct {
	mediaType string
	body      []byte
	etag      string
	cache     string
	policy    string // Content-Security-Policy
}

const (
	// A document changes with the configuration, so a browser asks whether it has.
	revalidate = "no-cache"
	// The name of a file has the hash of its content.
	forever = "public, max-age=31536000, immutable"
	// The address of the callback has a code in it.
	never = "no-store"
)

// add adds an answer at a path.
func (r *Reference) add(at, mediaType, cache, policy string, body []byte) {
	r.pages[at] = page{mediaType, body, `"` + hash(body) + `"`, cache, policy}
}

// addFile adds a file whose name tells its content, and returns its address.
func (r *Reference) addFile(name, extension, mediaType, policy string, body []byte) (address string) {
	at := "/" + name + "." + hash(body) + extension
	r.add(at, mediaType, forever, policy, body)
	return r.path + at
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ServeHTTP answers GET and HEAD at Config.Path and below it, and 404 elsewhere. If a
// router has stripped the path, it answers at the rest.
func (r *Reference) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	deadline.Body(w, req, time.Now().Add(deadline.UsualBody))
	at := req.URL.Path
	if below, ok := strings.CutPrefix(at, r.path); ok && (below == "" || below[0] == '/') {
		at = below
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	if p, ok := r.pages[strings.TrimSuffix(at, "/")]; ok {
		p.ServeHTTP(w, req)
		return
	}
	http.NotFound(w, req)
}

// ServeHTTP answers GET, HEAD, and If-None-Match (RFC 9110 §13.1.2).
func (p page) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	header := w.Header()
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the method is neither GET nor HEAD", http.StatusMethodNotAllowed)
		return
	}
	header.Set("Content-Type", p.mediaType)
	header.Set("Content-Security-Policy", p.policy)
	header.Set("Cache-Control", p.cache)
	if p.cache != never {
		header.Set("ETag", p.etag)
		// No window but those that the page opens can reach it. The callback has no such
		// header: a browser would cut it off from the page, and it could not close itself.
		header.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	}
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(p.body))
}
