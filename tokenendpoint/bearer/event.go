package bearer

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Outcome says how a request to a protected route ended.
type Outcome string

// The outcomes of a request.
const (
	// Admitted: the handler of the route gets the request.
	Admitted Outcome = "admitted"
	// Refused: the token is not good here, is missing, or lacks a scope.
	Refused Outcome = "refused"
	// Failed: the verification keys or the revocations could not be asked.
	Failed Outcome = "failed"
	// Abandoned: the client hung up before the verification keys or the revocations
	// answered.
	Abandoned Outcome = "abandoned"
)

// Event tells of one request that came to [Verifier.RequireToken]. It holds no
// secret.
type Event struct {
	// Time is the instant at which the request came, in UTC.
	Time time.Time
	// Outcome says how the request ended.
	Outcome Outcome
	// Reason says in a word why the request was not admitted. It is empty if the
	// request was admitted.
	Reason Reason
	// Cause is Reason in detail, for the operator. It is nil if the request was
	// admitted.
	Cause error

	// Subject, ClientID, TokenID and Family are the "sub", the "client_id", the "jti"
	// and the "family" of the token. They are empty if its signature could not be
	// verified: an attacker may have invented them.
	Subject, ClientID, TokenID, Family string
	// Scope is the scope that the route demands.
	Scope []string

	// Status is the status code of the answer, or zero if the handler of the route
	// answers.
	Status int
	// ErrorID is the error id in the answer, if the fault is on this side.
	ErrorID string
}

// admitted tells the host of a request that gets through. Without Observe it does
// nothing.
func (v route) admitted(r *http.Request, t *jws.AccessToken, at time.Time) {
	if v.observe == nil {
		return
	}
	e := v.event(t, at)
	e.Outcome = Admitted
	v.tell(r.Context(), e)
}

// report tells the host and the log of a request that does not get through. The
// answer has been written, so a panic here cannot take it back.
func (v route) report(r *http.Request, refused *refusal, errorID string) {
	e := v.event(refused.token, refused.at)
	e.Outcome, e.Reason, e.Cause, e.Status, e.ErrorID = Refused, refused.reason, refused.cause, refused.status, errorID
	switch refused.reason {
	case Outage:
		e.Outcome = Failed
	case HungUp:
		e.Outcome = Abandoned
	}
	if v.observe != nil {
		v.tell(r.Context(), e)
	}
	defer func() { recover() }() // the logger's
	v.log(r.Context(), refused.code, &e)
}

func (v route) event(t *jws.AccessToken, at time.Time) Event {
	e := Event{Time: at.UTC(), Scope: slices.Clone(v.scope)}
	if t != nil {
		e.Subject, e.ClientID, e.TokenID, e.Family = t.Subject, t.ClientID, t.ID, t.Family
	}
	return e
}

// tell calls Observe. If Observe panics, the request goes on.
func (v route) tell(ctx context.Context, e Event) {
	defer func() {
		if p := recover(); p != nil {
			defer func() { recover() }() // the logger's
			v.logger.ErrorContext(ctx, "bearer token: Observe panicked", "cause", fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	v.observe(ctx, e)
}

// log writes one line. A refused token of the endpoint concerns the operator, at info
// level. Other texts that strangers send are only logged at debug level.
func (v route) log(ctx context.Context, code string, e *Event) {
	level, message := slog.LevelDebug, "bearer token refused"
	switch {
	case e.Outcome == Failed:
		level, message = slog.LevelError, "bearer token not verified"
	case e.Outcome == Abandoned: // perhaps nothing else went wrong
		level, message = slog.LevelInfo, "bearer token not verified: the client has gone"
	case e.Reason.verified():
		level = slog.LevelInfo
	}
	if !v.logger.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 10), slog.Int("status", e.Status), slog.String("reason", string(e.Reason)))
	for _, a := range []slog.Attr{
		slog.String("error", code),
		slog.String("error_id", e.ErrorID),
		slog.String("sub", e.Subject),
		slog.String("client_id", e.ClientID),
		slog.String("family", e.Family),
		slog.String("jti", e.TokenID),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Reason == LacksScope {
		attrs = append(attrs, slog.Any("wanted", e.Scope))
	}
	v.logger.LogAttrs(ctx, level, message, append(attrs, slog.String("cause", e.Cause.Error()))...)
}
