package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Handler is a token endpoint, and the endpoints that go with it. It is the
// [http.Handler] of the former; [Handler.Routes] has them all. It is safe for
// concurrent use, and holds no state that another replica would need.
type Handler struct {
	issuer         string
	audience       []string
	keys           *jws.KeySet
	storage        storage.Storage
	hasCredentials bool // Storage keeps refresh tokens
	revocations    storage.Revocations
	forgetful      bool                                                                   // there are no revocations
	reuse          *reuse                                                                 // nil: every token is signed
	cached         *bearer.CachedRevocations                                              // what verifiers ask; nil: revocations
	verifier       *bearer.Verifier                                                       // of the first audience
	introspectable func(context.Context, *storage.Client, *jws.AccessToken) (bool, error) // nil: see mayIntrospect
	clients        ClientValidator
	reader         storage.Reader // of storage, and no more
	grants         map[string]configuredGrant
	tokenType      string
	maxTokenSize   int
	allowedOrigins []string
	limiter        Limiter
	failures       *failureCount
	remoteAddr     func(*http.Request) netip.Addr
	observe        func(context.Context, Event)
	logger         *slog.Logger
	routes         Routes
	metadata       document

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

// configuredGrant is a grant under its name.
type configuredGrant struct {
	name string
	grants.Grant
}

// reader is what a grant gets of a store.
type reader struct{ store storage.Storage }

// Credential asks the store.
func (r reader) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return r.store.Credential(ctx, d)
}

// APIKey asks the store.
func (r reader) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	return r.store.APIKey(ctx, d)
}

// ServeHTTP answers a token request. It reads the body itself: middleware that
// calls ParseForm before it leaves it nothing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := new(exchange) // with its event, in one allocation
	x.event = &x.own
	x.event.Endpoint = EndpointToken
	h.serveAs(w, r, x.event, func(w http.ResponseWriter, r *http.Request, _ *Event) ([]byte, error) { return h.issue(w, r, x) })
	x.leaveRoom()
}

// An action is what an endpoint does. It returns the body of the answer, and
// says in the event how it ended.
type action func(w http.ResponseWriter, r *http.Request, e *Event) (body []byte, err error)

// serve is what all endpoints have in common.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, name Endpoint, act action) {
	h.serveAs(w, r, &Event{Endpoint: name}, act)
}

func (h *Handler) serveAs(w http.ResponseWriter, r *http.Request, e *Event, act action) {
	start := time.Now()
	if r.ContentLength != 0 {
		// Before anything else: net/http waits for the body of a request that
		// was refused, too. Not every ResponseWriter has deadlines; then those
		// of the server hold.
		http.NewResponseController(w).SetReadDeadline(start.Add(h.readTimeout))
	}
	if e.Endpoint != EndpointIntrospection && h.cors(w, r) { // whoever introspects has a secret, and so is no page
		return
	}
	e.Time = now()
	if body, refused := h.guarded(w, r, e, act); refused == nil {
		e.Status = http.StatusOK
		writeJSON(w, http.StatusOK, body)
	} else {
		h.respondError(w, refused, e)
	}
	e.Total = time.Since(start)
	h.report(r.Context(), e)
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
	body, err := act(w, r, e)
	if err != nil {
		refused = refusalOf(err)
		refused.abandoned = errors.Is(err, context.Canceled) && r.Context().Err() != nil
	}
	return body, refused
}

// panicError is the cause of an answer in place of which there was a panic.
type panicError struct {
	value any
	stack []byte
}

// Error returns the value and the stack, for the log.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// now is the one instant by which a request is judged. A microsecond is what
// every store keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
