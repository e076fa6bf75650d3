package bearer

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// The error codes of RFC 6750 §3.1, and that of RFC 6749 §4.1.2.1 for an
// outage.
const (
	invalidRequest    = "invalid_request"
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
	unavailable       = "temporarily_unavailable"
)

// refusal is why a request does not get through: what its client learns, and a
// cause for the log.
type refusal struct {
	status int
	code   string // empty for a request that shows no token
	cause  error
}

// refuse answers. Neither the challenge nor the body says more than the code:
// what is wrong with a token is no business of who shows it.
func (v route) refuse(w http.ResponseWriter, r *http.Request, refused *refusal) {
	header, body, errorID := w.Header(), "{}\n", ""
	if refused.code != "" {
		body = `{"error":"` + refused.code + "\"}\n"
	}
	if refused.status == http.StatusServiceUnavailable {
		errorID = uuid.NewString()
		header.Set("Retry-After", "2")
		body = `{"error":"` + refused.code + `","error_description":"error id ` + errorID + "\"}\n"
	} else {
		header.Set("WWW-Authenticate", v.challengeFor(refused.code))
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(refused.status)
	w.Write([]byte(body))
	v.log(r, refused, errorID)
}

// challengeFor is RFC 6750 §3. Scopes have neither " nor \ in them.
func (v route) challengeFor(code string) string {
	challenge := v.challenge
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	if code == insufficientScope {
		challenge += `, scope="` + strings.Join(v.scope, " ") + `"`
	}
	return challenge
}

func (v route) log(r *http.Request, refused *refusal, errorID string) {
	ctx := r.Context()
	switch {
	case errorID == "":
		v.logger.LogAttrs(ctx, slog.LevelDebug, "bearer token refused",
			slog.Int("status", refused.status), slog.String("error", refused.code), slog.String("cause", refused.cause.Error()))
	case ctx.Err() != nil: // the client has hung up, which may be all that went wrong
		v.logger.LogAttrs(ctx, slog.LevelInfo, "bearer token not verified: the client has gone",
			slog.String("error_id", errorID), slog.String("cause", refused.cause.Error()))
	default:
		v.logger.LogAttrs(ctx, slog.LevelError, "bearer token not verified",
			slog.String("error_id", errorID), slog.String("cause", refused.cause.Error()))
	}
}
