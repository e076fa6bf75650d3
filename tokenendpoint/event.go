package tokenendpoint

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
)

// Outcome says how a request ended.
type Outcome string

// The outcomes of a request.
const (
	// Issued: the client got its tokens.
	Issued Outcome = "issued"
	// Repeated: the client asked again for the answer to a refresh, in time,
	// and got the same refresh token.
	Repeated Outcome = "repeated"
	// Refused: the request was wrong, or not allowed.
	Refused Outcome = "refused"
	// Replayed: a code or refresh token was used again that had been used
	// before. Its family has been revoked.
	Replayed Outcome = "replayed"
	// Limited: the client, or somebody in its name, failed too often.
	Limited Outcome = "limited"
	// Failed: a store, a hook, the signer or this package failed.
	Failed Outcome = "failed"
	// Abandoned: the client hung up before anything was changed.
	Abandoned Outcome = "abandoned"
)

// Event tells of one request. It holds no secret.
type Event struct {
	// Time is the instant at which the request was judged, in UTC.
	Time time.Time
	// Outcome says how it ended.
	Outcome Outcome
	// GrantType is the grant, or empty if the request did not get so far.
	GrantType string
	// ClientID is the client. Before it is authenticated that is what the
	// request claims, of up to 4 KiB.
	ClientID string
	// Subject is the "sub" that the grant decided on.
	Subject string
	// Family names what descends from one authorization: the family of the
	// code or refresh token that was presented or issued.
	Family string
	// TokenID is the "jti" of the access token.
	TokenID string
	// APIKeyID is the ID of the API key that the authorization rests on: with
	// Time and Outcome, the key's last use. It is there for the refresh of a
	// token that the key gave, too; GrantType tells the two apart.
	APIKeyID string
	// Scope is what was granted.
	Scope []string

	// Status is the status code of the response.
	Status int
	// Error is the error code of the response, or empty.
	Error grants.Code
	// ErrorID is what the response names if the fault is on this side.
	ErrorID string
	// Cause is why, for the operator. It may be nil for an error whose code
	// says it all.
	Cause error

	// Reading, Client, Decision, Signing and Write are how long the steps
	// took: reading the request, authenticating the client, the grant with
	// its hook, the signature, the state change. Total is all of it.
	Reading, Client, Decision, Signing, Write, Total time.Duration
}

// level says how much an operator wants to know of an outcome.
func (o Outcome) level() slog.Level {
	switch o {
	case Issued, Repeated:
		return slog.LevelDebug
	case Replayed:
		return slog.LevelWarn
	case Failed:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// report gives the event to the host and writes one line. The answer has been
// written: a panic here cannot take it back.
func (h *Handler) report(ctx context.Context, e *Event) {
	defer func() { recover() }() // the logger's
	func() {
		defer func() {
			if p := recover(); p != nil {
				h.logger.ErrorContext(ctx, "token request: Observe panicked", "cause", (&panicError{p, debug.Stack()}).Error())
			}
		}()
		if h.observe != nil {
			e.Scope = slices.Clone(e.Scope) // it may be the client's
			h.observe(ctx, *e)
		}
	}()
	h.log(ctx, e)
}

func (h *Handler) log(ctx context.Context, e *Event) {
	level := e.Outcome.level()
	if !h.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("outcome", string(e.Outcome)),
		slog.Int("status", e.Status),
		slog.Duration("total", e.Total),
	)
	for _, a := range []slog.Attr{
		slog.String("grant_type", e.GrantType),
		slog.String("client_id", e.ClientID),
		slog.String("sub", e.Subject),
		slog.String("family", e.Family),
		slog.String("jti", e.TokenID),
		slog.String("api_key_id", e.APIKeyID),
		slog.String("error", string(e.Error)),
		slog.String("error_id", e.ErrorID),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	h.logger.LogAttrs(ctx, level, "token request", attrs...)
}
