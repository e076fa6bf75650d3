package bearer

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// The error codes of RFC 6750 §3.1, and the code of RFC 6749 §4.1.2.1 for an outage.
const (
	invalidRequest    = "invalid_request"
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
	unavailable       = "temporarily_unavailable"
)

// refusal says why a request does not get through: the status and the code for its
// client, the rest for the log and the event.
type refusal struct {
	status int
	code   string // empty for a request that shows no token
	reason Reason
	cause  error
	token  *jws.AccessToken // if its signature is right, or nil
	at     time.Time
}

// refuse answers. Neither the challenge nor the body says more than the code: the
// caller must not learn the fault of a token that may be stolen or forged.
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
	v.report(r, refused, errorID)
}

// challengeFor returns the challenge of RFC 6750 §3. Each says which scopes the route
// demands and where the metadata are (RFC 9728 §5.1), so that a client can ask its
// user for all of them at once. Scopes have neither " nor \ in them.
func (v route) challengeFor(code string) string {
	challenge := v.challenge
	if code != "" {
		challenge += `, error="` + code + `"`
		if v.errorURI != "" {
			challenge += `, error_uri="` + grants.ErrorCode(code).Page(v.errorURI) + `"`
		}
	}
	if len(v.scope) > 0 {
		challenge += `, scope="` + strings.Join(v.scope, " ") + `"`
	}
	return challenge + v.challengeEnd
}
