package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/internal/deadline"
	"github.com/contit/oauth/tokenendpoint/internal/document"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// Handler is a token endpoint, with the endpoints that go with it. As an
// [http.Handler] it answers at all their paths. It is safe for concurrent use, and
// holds no state that another replica would need.
type Handler struct {
	issuer         string
	audience       []string
	keys           *jws.KeySet
	storage        storage.Storage
	hasCredentials bool // Storage keeps refresh tokens
	revocations    storage.Revocations
	hasRevocations bool                                                                   // the configuration has them
	signedTokens   *signedTokens                                                          // nil: every token is signed
	cached         *bearer.CachedRevocations                                              // the verifiers ask it; nil: they ask revocations
	verifier       *bearer.Verifier                                                       // of the first audience
	introspectable func(context.Context, *storage.Client, *jws.AccessToken) (bool, error) // nil: see mayIntrospect
	clients        ClientValidator
	knownIDs       *knownIDs
	reader         storage.Reader // of storage, and no more
	grants         map[string]configuredGrant
	lastHook       grants.Hook // nil: none but those of the grants
	tokenType      string
	maxTokenSize   int
	scopes         []string // to publish
	allowedOrigins []string
	errorURI       string // or empty
	limiter        Limiter
	limiterHealth  limiterHealth
	noRemoteAddr   sync.Once // see addressOf
	unknownPrefix  sync.Once // see suspectPrefix
	counts         *counts
	limits         limits // the causes of a 429, for the log
	remoteAddr     func(*http.Request) netip.Addr
	observe        func(context.Context, Event)
	observeBearer  func(context.Context, bearer.Event)
	logger         *slog.Logger
	routes         Routes
	metadata       document.Document
	openID         document.Document // the metadata for clients that want more in it
	description    Description

	clientCertificate mtls.Source // nil: nothing of RFC 8705 is served

	accessTokenLifetime    time.Duration
	maxAccessTokenLifetime time.Duration
	refreshTokenLifetime   time.Duration
	refreshTokenIdle       time.Duration
	refreshGrace           time.Duration // zero is none
	refreshRetries         int
	codeReuseWindow        time.Duration // zero is none
	reuseFor               time.Duration
	revocationStaleness    time.Duration // zero is none
	timeout                time.Duration
	readTimeout            time.Duration
}

var _ http.Handler = (*Handler)(nil)

// ServeHTTP answers at the paths of [Handler.Routes], and nowhere else: see
// [Routes.ServeHTTP]. A host that has the token endpoint at a path that its
// configuration does not name mounts [Handler.Token] there.
//
// The first request in a process for the path of a route with a prefix before it is a line
// at warn level: the host may have mounted the handler under that prefix.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.EscapedPath()
	if handler := h.routes.at(asked); handler != nil {
		handler.ServeHTTP(w, r)
		return
	}
	h.suspectPrefix(r, asked)
	http.NotFound(w, r)
}

// suspectPrefix tells the log, once, of a path that has a prefix before that of a route. A
// stranger can ask for such a path too, so the line does not repeat it.
func (h *Handler) suspectPrefix(r *http.Request, asked string) {
	for _, route := range h.routes {
		if strings.HasSuffix(asked, route.Path) {
			h.unknownPrefix.Do(func() {
				defer func() { recover() }() // the logger's
				h.logger.WarnContext(r.Context(), "token endpoint: 404 for the path of an endpoint with a prefix before it: if the handler is mounted under a prefix, name the prefix in Config.Issuer or Config.BaseURL", "endpoint", route.Path)
			})
			return
		}
	}
}

// An action is the work of an endpoint. It returns the body of the answer, and
// says in its event how it ended.
type action func(w http.ResponseWriter, r *http.Request) (body []byte, err error)

// serve does the work that all endpoints share.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, e *Event, act action) {
	start := time.Now()
	deadline.Body(w, r, start.Add(h.readTimeout))
	// A client that introspects has a secret, so it is no script of a page.
	if e.Endpoint != EndpointIntrospection && h.cors(w, r) {
		return
	}
	e.Time = instant(start)
	body, refused := h.guarded(w, r, e, act)
	var decided time.Time
	if h.observe != nil {
		decided = time.Now()
	}
	if refused == nil {
		e.Status = http.StatusOK
		writeJSON(w, http.StatusOK, body)
	} else {
		h.respondError(w, refused, e)
	}
	if h.observe != nil {
		end := time.Now()
		e.Respond, e.Total = end.Sub(decided), end.Sub(start)
	}
	h.report(r.Context(), e, start)
}

// guarded turns a panic of a host's store, grant, hook, signer or error into an
// answer, in place of the bare end of the connection that net/http would give.
func (h *Handler) guarded(w http.ResponseWriter, r *http.Request, e *Event, act action) (body []byte, refused *refusal) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			body, refused = nil, refusalOf(grants.ServerError.Because(&panicError{p, debug.Stack()}))
		}
	}()
	e.RemoteAddr = h.addressOf(r) // here, since the host's RemoteAddr may panic
	body, err := act(w, r)
	if err != nil {
		refused = refusalOf(err)
		refused.abandoned = errors.Is(err, context.Canceled) && r.Context().Err() != nil
	}
	return body, refused
}

// panicError is the cause of an answer that replaces a panic.
type panicError struct {
	value any
	stack []byte
}

// Error returns the value and the stack, for the log.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// instant is a reading of the clock in the form in which it judges and is stored. A
// microsecond is the smallest unit that every store keeps.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func now() time.Time { return instant(time.Now()) }
