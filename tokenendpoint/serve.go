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
	e := &Event{Time: now()}
	answered := false
	defer func() {
		if p := recover(); p != nil {
			h.recovered(w, r, e, p, answered)
		}
	}()
	if h.cors(w, r) {
		return
	}
	a, err := h.exchange(w, r, e)
	answered = true
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

// recovered turns a panic of a host's store, grant or hook into an answer, in
// place of the bare end of the connection that net/http would give.
func (h *Handler) recovered(w http.ResponseWriter, r *http.Request, e *Event, p any, answered bool) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	h.logger.ErrorContext(r.Context(), "token request: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if answered { // it was Observe, or the logger
		return
	}
	h.respondError(w, grants.ServerError.Because(fmt.Errorf("tokenendpoint: panic: %v", p)), e)
	h.report(r.Context(), e)
}
