package tokenendpoint

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/internal/params"
)

// These are shared by all responses. Header.Set and Header.Add of a host's
// middleware replace or copy them.
var (
	headerJSON    = []string{"application/json"}
	headerNoStore = []string{"no-store"}
	headerNoCache = []string{"no-cache"}
	headerNoSniff = []string{"nosniff"}
)

// retryAfter is the time that a client is told when nothing better is known.
const retryAfter = 2 * time.Second

// respond returns the body of a successful answer (RFC 6749 §5.1).
func (x *exchange) respond() []byte {
	scope := x.token.Scope
	x.event.Scope = scope
	if x.event.Outcome == "" {
		x.event.Outcome = Issued
	}
	b := append(x.body, `","token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, int64(x.token.ExpiresAt.Sub(x.token.IssuedAt)/time.Second), 10)
	if !x.refreshToken.Empty() {
		b = append(b, `,"refresh_token":"`...)
		b = append(b, x.refreshToken.Reveal()...)
		b = append(b, '"')
	}
	for i, s := range scope { // scope tokens have neither " nor \
		if i == 0 {
			b = append(b, `,"scope":"`...)
		} else {
			b = append(b, ' ')
		}
		b = append(b, s...)
	}
	if len(scope) > 0 {
		b = append(b, '"')
	}
	return append(b, "}\n"...)
}

// refusal is the meaning of an error for a client.
type refusal struct {
	*grants.Error
	status    int
	challenge string // of a 401
	abandoned bool   // nobody is there to hear it
}

// refusalOf judges an error. One that is no verdict is an outage.
func refusalOf(err error) *refusal {
	v := grants.Verdict(err)
	if v == nil {
		v = grants.TemporarilyUnavailable.Because(err)
	}
	if v.Code == "" || !isQuotable(string(v.Code)) { // a host's own code, or one that it made from input
		v = grants.ServerError.Because(errCode)
	}
	r := &refusal{Error: v, status: status(v), challenge: params.ChallengeBasic}
	if scheme, ok := errors.AsType[params.SchemeError](v); ok {
		r.challenge = scheme.Challenge()
	}
	if envelope, ok := errors.AsType[*params.StatusError](err); ok {
		r.status = envelope.Status
	}
	return r
}

var errCode = errors.New("tokenendpoint: an error code has a character that RFC 6749 §5.2 forbids, or none")

// respondError writes an error (RFC 6749 §5.2). After an outage or a defect, the
// client learns only an identifier that also stands in the log.
func (h *Handler) respondError(w http.ResponseWriter, r *refusal, e *Event) {
	e.Error, e.Status, e.Cause = r.Code, r.status, r.Cause
	e.ClientID = strings.Clone(e.ClientID) // it may be a part of the body
	if e.Cause == nil && r.Description != "" {
		e.Cause = errors.New(r.Description)
	}
	description := r.Description
	header := w.Header()
	switch r.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		header.Set("Connection", "close") // part of the body is still on its way
	case http.StatusUnauthorized: // RFC 9110 §15.5.2; some clients look only here
		header.Set("WWW-Authenticate", r.challenge)
		description = "" // the same answer for every fault
	case http.StatusInternalServerError:
		e.ErrorID = uuid.NewString()
	case http.StatusServiceUnavailable:
		e.ErrorID = uuid.NewString()
		header.Set("Retry-After", seconds(r.RetryAfter))
	case http.StatusTooManyRequests:
		header.Set("Retry-After", seconds(r.RetryAfter))
	}
	if e.ErrorID != "" {
		description = "error id " + e.ErrorID
	}
	switch {
	case r.abandoned:
		e.Outcome = Abandoned
	case e.Outcome != Replayed:
		e.Outcome = outcomeOf(r.status)
	}
	b := append(make([]byte, 0, 128), `{"error":"`...)
	b = append(b, r.Code...)
	if description != "" && isQuotable(description) {
		b = append(b, `","error_description":"`...)
		b = append(b, description...)
	}
	if h.errorURI != "" {
		b = append(b, `","error_uri":"`...)
		b = append(b, r.Code.Page(h.errorURI)...)
	}
	b = append(b, "\"}\n"...)
	writeJSON(w, r.status, b)
}

// seconds is a Retry-After (RFC 9110 §10.2.3): a whole number, one at least and
// an hour at most.
func seconds(d time.Duration) string {
	d = min(max(cmp.Or(d, retryAfter), time.Second), time.Hour)
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func outcomeOf(status int) Outcome {
	switch {
	case status == http.StatusTooManyRequests:
		return Limited
	case status >= 500:
		return Failed
	}
	return Refused
}

// status returns the HTTP status of a verdict: 400 for nearly everything, since
// clients and the conformance suites of OpenID look for it.
func status(v *grants.Error) int {
	switch {
	case v.Limited:
		return http.StatusTooManyRequests
	case v.Code == grants.InvalidClient:
		return http.StatusUnauthorized
	case v.Code == grants.ServerError:
		return http.StatusInternalServerError
	case v.Code == grants.TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// isQuotable reports whether s may stand in an error_description (RFC 6749
// §5.2). An Error that was not made by Describe can hold anything.
func isQuotable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 || r > 0x7e || r == '"' || r == '\\'
	})
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = headerJSON
	header["Cache-Control"] = headerNoStore
	header["Pragma"] = headerNoCache
	header["X-Content-Type-Options"] = headerNoSniff
	w.WriteHeader(status)
	w.Write(body)
}
