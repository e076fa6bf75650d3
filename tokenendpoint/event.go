package tokenendpoint

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
)

// Endpoint says which endpoint a request came to.
type Endpoint string

// The endpoints whose requests have events.
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
	// Repeated: the client repeated a refresh in time, and got the same refresh
	// token again.
	Repeated Outcome = "repeated"
	// Revoked: the client ended a token. TokenID names it if it was an access
	// token; else Family names the family that ended. Both are empty if there
	// was nothing to end, and Cause says why.
	Revoked Outcome = "revoked"
	// Introspected: a resource server got an answer about a token. TokenID or
	// Family name it; both are empty if it is not active, and Cause says why it
	// is not.
	Introspected Outcome = "introspected"
	// Hidden: a client got the answer that a token is not active. The token is
	// valid, but it is none of this client's business. TokenID or Family name
	// the token, Subject its user, and Cause says whose it is.
	Hidden Outcome = "hidden"
	// Refused: the request was wrong, or not allowed.
	Refused Outcome = "refused"
	// Replayed: a code or refresh token was used again that had been used
	// before. Its family has been revoked.
	Replayed Outcome = "replayed"
	// Limited: the client, another caller in its name, or its network failed too
	// often, or a refresh token came too soon after too many others of its
	// family.
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
	// Endpoint is the endpoint that the request came to.
	Endpoint Endpoint
	// Outcome says how the request ended.
	Outcome Outcome
	// GrantType is the grant, or empty if the request did not get so far.
	GrantType string
	// ClientID is the client, once it was found. A request may have a secret in its
	// place, such as an API key that was sent as the user of Basic. So an identifier
	// that no request of this process has shown to be a client's is "unverified:" with
	// eight hexadecimal digits, which are the same for the same text until the process
	// ends. It is empty if the request names no client, or if it was refused before
	// the endpoint looked at the client.
	ClientID string
	// RemoteAddr is the address of the client: the answer of Config.RemoteAddr, or else
	// the other end of the connection. It is not valid on a Unix socket without
	// Config.RemoteAddr. The address of a person's device is personal data in many
	// countries: keep it no longer than you need it. The log has it of a request that
	// was refused, limited or replayed, where it is needed against attackers, and of no
	// other; ReplaceAttr of a slog handler takes it out.
	RemoteAddr netip.Addr
	// Network is the network of the request, as in an [Attempt] for a [Limiter],
	// if the request showed a secret that can be guessed. It is invalid for
	// every other request.
	Network netip.Prefix
	// Subject is the "sub" that the grant decided on, or the "sub" of the token
	// that the request was about.
	Subject string
	// Family names all that descends from one authorization: the family of the
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
	// Scope is the granted scope, or the scope of an introspected token.
	Scope []string

	// Status is the status code of the response.
	Status int
	// Error is the error code of the response, or empty.
	Error grants.ErrorCode
	// ErrorID is the id in the response if the fault is on this side.
	ErrorID string
	// Cause is why, for the operator. It may be nil for an error whose code
	// says it all. Beside Issued it says why no refresh token went along that the
	// grant had asked for: the client has too many, or is not registered for
	// refresh_token.
	Cause error

	// Read, Authenticate, Decide, Judge, Hook, Sign, Commit and Respond are how long
	// the steps took, each by its name in the documentation of the package. Decide is
	// the grant, or the search for the token; Hook is all hooks together; Commit is
	// the state change. A step that the request did not come to is zero. Total is how
	// long the request took, and more than their sum.
	Read, Authenticate, Decide, Judge, Hook, Sign, Commit, Respond, Total time.Duration
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
func (h *Handler) report(ctx context.Context, e *Event, start time.Time) {
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
	h.log(ctx, e, start)
}

func (h *Handler) log(ctx context.Context, e *Event, start time.Time) {
	level := e.Outcome.level()
	if !h.logger.Enabled(ctx, level) {
		return
	}
	if h.observe == nil { // nobody has asked for it before
		e.Total = time.Since(start)
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
	if e.Outcome == Refused || e.Outcome == Limited || e.Outcome == Replayed {
		if e.RemoteAddr.IsValid() {
			attrs = append(attrs, slog.String("remote_addr", e.RemoteAddr.String()))
		}
		if e.Network.IsValid() {
			attrs = append(attrs, slog.String("network", e.Network.String()))
		}
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	h.logger.LogAttrs(ctx, level, string(e.Endpoint)+" request", attrs...)
}
