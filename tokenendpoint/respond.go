package tokenendpoint

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
)

// These are shared by all responses. Header.Set and Header.Add of a host's
// middleware replace or copy them.
var (
	headerJSON    = []string{"application/json"}
	headerNoStore = []string{"no-store"}
	headerNoCache = []string{"no-cache"}
	headerNoSniff = []string{"nosniff"}
)

// retryAfter is what a client is told when nothing better is known.
const retryAfter = 2 * time.Second

// respond writes a successful answer (RFC 6749 §5.1).
func (h *Handler) respond(w http.ResponseWriter, a *answer, e *Event) {
	e.Status, e.Scope = http.StatusOK, a.scope
	if e.Outcome == "" {
		e.Outcome = Issued
	}
	b := make([]byte, 0, len(a.accessToken)+256)
	b = append(b, `{"access_token":"`...)
	b = append(b, a.accessToken...)
	b = append(b, `","token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, a.expiresIn, 10)
	if !a.refreshToken.Empty() {
		b = append(b, `,"refresh_token":"`...)
		b = append(b, a.refreshToken.Reveal()...)
		b = append(b, '"')
	}
	for i, s := range a.scope { // scope tokens have neither " nor \
		if i == 0 {
			b = append(b, `,"scope":"`...)
		} else {
			b = append(b, ' ')
		}
		b = append(b, s...)
	}
	if len(a.scope) > 0 {
		b = append(b, '"')
	}
	b = append(b, "}\n"...)
	writeJSON(w, http.StatusOK, b)
}

// respondError writes an error (RFC 6749 §5.2). An error that is no verdict is
// an outage, and the client learns nothing of it but an identifier that stands
// in the log too.
func (h *Handler) respondError(w http.ResponseWriter, err error, e *Event) {
	v := grants.Verdict(err)
	if v == nil {
		v = grants.TemporarilyUnavailable.Because(err)
	}
	e.Cause = v.Cause
	if e.Cause == nil && v.Description != "" {
		e.Cause = errors.New(v.Description)
	}
	e.Error, e.Status = v.Code, status(v)
	header := w.Header()
	if envelope, ok := errors.AsType[*envelopeError](err); ok {
		e.Status = envelope.status
		if envelope.status == http.StatusMethodNotAllowed {
			header.Set("Allow", http.MethodPost)
		} else { // part of the body is still on its way
			header.Set("Connection", "close")
		}
	}
	description := v.Description
	switch e.Status {
	case http.StatusUnauthorized: // RFC 9110 §15.5.2; some clients look only here
		header.Set("WWW-Authenticate", `Basic realm="oauth", error="invalid_client"`)
		description = "" // the same answer whatever was wrong
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		e.ErrorID = uuid.NewString()
		description = "error id " + e.ErrorID
	}
	if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests {
		after := firstOf(v.RetryAfter, retryAfter)
		header.Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
	}
	if e.Outcome != Replayed {
		e.Outcome = outcomeOf(e.Status)
	}
	b := append(make([]byte, 0, 128), `{"error":"`...)
	b = append(b, v.Code...)
	if description != "" && isQuotable(description) {
		b = append(b, `","error_description":"`...)
		b = append(b, description...)
	}
	b = append(b, "\"}\n"...)
	writeJSON(w, e.Status, b)
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

// status is what HTTP says of a verdict: 400 for nearly everything, since
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
