package grants

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/contit/oauth/storage"
)

// AuthorizationResponse is the answer to an authorization request: the address of the
// client to which the browser of the user goes next (RFC 6749 §4.1.2). It may hold a
// code, so it does not print.
type AuthorizationResponse struct{ url string }

// URL returns the address: the redirect_uri, with the parameters of the answer behind
// its own. Treat it as a secret if it has a code. [AuthorizationEndpoint.Answer] sends
// the browser there.
func (r *AuthorizationResponse) URL() string { return r.url }

// redirect writes the answer, see [AuthorizationEndpoint.Answer].
func (r *AuthorizationResponse) redirect(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Location", r.url)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// Format prints a placeholder: the URL may hold a code.
func (AuthorizationResponse) Format(f fmt.State, _ rune) {
	io.WriteString(f, "grants.AuthorizationResponse{REDACTED}")
}

// LogValue returns a placeholder.
func (AuthorizationResponse) LogValue() slog.Value {
	return slog.StringValue("grants.AuthorizationResponse{REDACTED}")
}

// MarshalText returns a placeholder.
func (AuthorizationResponse) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// answers makes the answers to one request.
type answers struct {
	client, to, state, issuer, errorURI string
	unvetted                            bool // the client
}

func (a answers) code(code storage.Secret) *AuthorizationResponse {
	return a.with("code", code.Reveal())
}

// refusal is the error response of RFC 6749 §4.1.2.1.
func (a answers) refusal(err error) *AuthorizationResponse {
	v := Verdict(err)
	if v == nil {
		v = &Error{Code: TemporarilyUnavailable}
	}
	parameters := []string{"error", string(v.Code)}
	if v.Description != "" {
		parameters = append(parameters, "error_description", v.Description)
	}
	if a.errorURI != "" {
		parameters = append(parameters, "error_uri", v.Code.Page(a.errorURI))
	}
	return a.with(parameters...)
}

// with puts parameters behind the redirect_uri, and leaves every byte of it as it is
// (RFC 6749 §3.1.2). It has no fragment: [storage.Client.Check] refuses it.
func (a answers) with(parameters ...string) *AuthorizationResponse {
	var b strings.Builder
	b.WriteString(a.to)
	separator := "?"
	if _, query, ok := strings.Cut(a.to, "?"); ok {
		separator = "&"
		if query == "" || strings.HasSuffix(query, "&") {
			separator = ""
		}
	}
	if a.state != "" {
		parameters = append(parameters, "state", a.state)
	}
	parameters = append(parameters, "iss", a.issuer) // RFC 9207
	for i := 0; i < len(parameters); i += 2 {
		b.WriteString(separator + parameters[i] + "=" + url.QueryEscape(parameters[i+1]))
		separator = "&"
	}
	return &AuthorizationResponse{b.String()}
}
