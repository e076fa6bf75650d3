package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/contit/oauth/grants"
)

var _ http.Handler = (*Handler)(nil)

// ServeHTTP answers a token request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if r.ContentLength != 0 {
		// Before anything else: net/http waits for the body of a request that
		// was refused, too. Not every ResponseWriter has deadlines; then those
		// of the server hold.
		http.NewResponseController(w).SetReadDeadline(start.Add(h.readTimeout))
	}
	if h.cors(w, r) {
		return
	}
	e := &Event{Time: now()}
	a, err := h.guarded(w, r, e)
	if err == nil {
		h.respond(w, a, e)
	} else {
		h.respondError(w, err, e)
	}
	if err != nil && errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		e.Outcome = Abandoned
	}
	e.Total = time.Since(start)
	h.report(r.Context(), e)
}

// guarded turns a panic of a host's store, grant, hook or signer into an
// answer, in place of the bare end of the connection that net/http would give.
func (h *Handler) guarded(w http.ResponseWriter, r *http.Request, e *Event) (a *answer, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			a, err = nil, grants.ServerError.Because(&panicError{p, debug.Stack()})
		}
	}()
	return h.exchange(w, r, e)
}

// panicError is the cause of an answer in place of which there was a panic.
type panicError struct {
	value any
	stack []byte
}

// Error returns the value and the stack, for the log.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }
