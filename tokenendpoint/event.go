package tokenendpoint

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
)

// Endpoint says which endpoint a request came to.
type Endpoint string

// The endpoints whose requests are told of.
const (
	EndpointToken         Endpoint = "token"         // RFC 6749 §3.2
	EndpointRevocation    Endpoint = "revocation"    // RFC 7009
	EndpointIntrospection Endpoint = "introspection" // RFC 7662
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
	// Revoked: the client ended a token. TokenID names it if it was an access
	// token; else Family names what has ended. Both are empty if there was
	// nothing to end.
	Revoked Outcome = "revoked"
	// Introspected: a resource server was told about a token. TokenID or Family
	// name it; both are empty if it is not active, and Cause says why it is not.
	Introspected Outcome = "introspected"
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
	// Endpoint is the one it came to.
	Endpoint Endpoint
	// Outcome says how it ended.
	Outcome Outcome
	// GrantType is the grant, or empty if the request did not get so far.
	GrantType string
	// ClientID is the client. Before it is authenticated that is what the
	// request claims, of up to 4 KiB.
	ClientID string
	// Subject is the "sub" that the grant decided on, or that of the token which
	// the request was about.
	Subject string
	// Family names what descends from one authorization: the family of the
	// code or refresh token that was presented or issued, or of the token which
	// the request was about.
	Family string
	// TokenID is the "jti" of the access token that was issued, or which the
	// request was about.
	TokenID string
	// Reused tells that the access token was signed for an earlier request, see
	// Config.ReuseAccessTokens.
	Reused bool
	// APIKeyID is the ID of the API key that the authorization rests on: with
	// Time and Outcome, the key's last use. It is there for the refresh of a
	// token that the key gave, too; GrantType tells the two apart.
	APIKeyID string
	// Scope is what was granted, or what an introspected token has.
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
	// its hook or the search for the token, the signature, the state change.
	// Total is all of it.
	Reading, Client, Decision, Signing, Write, Total time.Duration
}

// level says how much an operator wants to know of an outcome.
func (o Outcome) level() slog.Level {
	switch o {
	case Issued, Repeated, Introspected:
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
				h.logger.ErrorContext(ctx, string(e.Endpoint)+" request: Observe panicked", "cause", (&panicError{p, debug.Stack()}).Error())
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
	h.logger.LogAttrs(ctx, level, string(e.Endpoint)+" request", attrs...)
}
