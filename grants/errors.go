package grants

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

// ErrorCode is an error code of RFC 6749 §5.2 or §4.1.2.1, or of an RFC that extends
// it. An ErrorCode is itself an error: returning one is a verdict about the request.
// Any other error that a grant, a hook or a store returns is an outage: the client
// sees temporarily_unavailable and nothing of the error.
type ErrorCode string

// Error returns the code.
func (c ErrorCode) Error() string { return string(c) }

// Page returns the address of the page that explains the code: errorURI + "/errors/" +
// the code. errorURI is ErrorURI of tokenendpoint.Config, and package reference serves
// these pages. If errorURI is empty, there is no page, and Page returns "".
func (c ErrorCode) Page(errorURI string) string {
	if errorURI == "" {
		return ""
	}
	// A host's own code may have a space or a slash.
	return strings.TrimSuffix(errorURI, "/") + "/errors/" + url.PathEscape(string(c))
}

// The error codes of the token endpoint, and of the host's authorization page.
const (
	// InvalidRequest: a parameter is missing, repeated or malformed.
	InvalidRequest ErrorCode = "invalid_request" // RFC 6749 §5.2
	// InvalidClient: client authentication failed.
	InvalidClient ErrorCode = "invalid_client" // RFC 6749 §5.2
	// InvalidGrant: this client cannot use the code, refresh token or API key now.
	InvalidGrant ErrorCode = "invalid_grant" // RFC 6749 §5.2
	// UnauthorizedClient: the client may not use this grant.
	UnauthorizedClient ErrorCode = "unauthorized_client" // RFC 6749 §5.2
	// UnsupportedGrantType: the endpoint does not have this grant.
	UnsupportedGrantType ErrorCode = "unsupported_grant_type" // RFC 6749 §5.2
	// InvalidScope: the scope is malformed or exceeds the greatest possible grant.
	InvalidScope ErrorCode = "invalid_scope" // RFC 6749 §5.2
	// InvalidTarget: the resource is malformed or exceeds the greatest possible grant.
	InvalidTarget ErrorCode = "invalid_target" // RFC 8707 §2
	// UnsupportedTokenType: the endpoint cannot revoke tokens of this kind.
	UnsupportedTokenType ErrorCode = "unsupported_token_type" // RFC 7009 §2.2.1
	// AccessDenied: the user said no. It is for the host's authorization page, as are
	// the codes after it; no grant of this package returns it.
	AccessDenied ErrorCode = "access_denied" // RFC 6749 §4.1.2.1
	// UnsupportedResponseType: the response_type is not code.
	UnsupportedResponseType ErrorCode = "unsupported_response_type" // RFC 6749 §4.1.2.1
	// LoginRequired: the user is not logged in, and prompt=none allows no login page.
	LoginRequired ErrorCode = "login_required" // OpenID Connect Core 1.0 §3.1.2.6
	// ConsentRequired: the user would have to be asked, and prompt=none forbids it.
	ConsentRequired ErrorCode = "consent_required" // OpenID Connect Core 1.0 §3.1.2.6
	// InteractionRequired: another page would have to be shown, and prompt=none
	// forbids it.
	InteractionRequired ErrorCode = "interaction_required" // OpenID Connect Core 1.0 §3.1.2.6
	// RequestNotSupported: the parameters are in a request object.
	RequestNotSupported ErrorCode = "request_not_supported" // RFC 9101 §8
	// RequestURINotSupported: the parameters are in a request object elsewhere.
	RequestURINotSupported ErrorCode = "request_uri_not_supported" // RFC 9101 §8
	// ServerError: a defect on the server's side, answered with 500.
	ServerError ErrorCode = "server_error" // RFC 6749 §4.1.2.1
	// TemporarilyUnavailable: an outage, answered with 503 and Retry-After.
	TemporarilyUnavailable ErrorCode = "temporarily_unavailable" // RFC 6749 §4.1.2.1
)

// Error is an [ErrorCode] with more detail: a description for the client, and a cause
// for the log.
type Error struct {
	// Code tells the client how to react.
	Code ErrorCode
	// Description is for the developer of the client (error_description).
	Description string
	// Cause is for the operator of the server. The client never sees it.
	Cause error
	// RetryAfter, if not zero, is the time for which the client should wait.
	RetryAfter time.Duration
	// Limited says that the client came too often (429, RFC 6585 §4).
	Limited bool
}

// literal has no name outside this package. So only a constant in the caller's source
// converts to it, never a value of the request.
type literal string

// Describe adds a sentence that the client may see. It takes string constants only,
// so that no input can be echoed. RFC 6749 §5.2 allows neither " nor \ in the
// sentence; Describe panics on a constant that has one.
func (c ErrorCode) Describe(sentence literal) *Error { return (&Error{Code: c}).Describe(sentence) }

// Because adds the cause, which only the log and the event show.
func (c ErrorCode) Because(cause error) *Error { return (&Error{Code: c}).Because(cause) }

// Describe returns a copy of e with a sentence that the client may see. See
// [ErrorCode.Describe].
func (e *Error) Describe(sentence literal) *Error {
	for _, b := range []byte(sentence) {
		if b < 0x20 || b > 0x7e || b == '"' || b == '\\' {
			panic("grants: an error_description has a character that RFC 6749 §5.2 forbids")
		}
	}
	d := *e
	d.Description = string(sentence)
	return &d
}

// Because returns a copy of e with a cause, which only the log and the event show.
func (e *Error) Because(cause error) *Error {
	d := *e
	d.Cause = cause
	return &d
}

// RateLimited is the error for a client that comes too often: 429 with Retry-After.
func RateLimited(after time.Duration) *Error {
	return &Error{Code: TemporarilyUnavailable, Limited: true, RetryAfter: after}
}

// Error returns the code, the description and the cause, for the log.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Description != "" {
		text += ": " + e.Description
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Is reports whether target is the code of e, for [errors.Is].
func (e *Error) Is(target error) bool { return e != nil && target == error(e.Code) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil { // a nil pointer that was returned as an error
		return nil
	}
	return e.Cause
}

var errNilError = errors.New("grants: a nil *Error was returned as an error")

// Verdict returns the part of err that a client may see: its outermost [Error] or
// [ErrorCode], or nil if err has neither and is an outage. An error that wraps
// several, such as one of errors.Join, is an outage: a verdict takes its cause by
// Because. A nil *Error that was returned as an error is a ServerError, since it is
// neither a verdict nor nil.
func Verdict(err error) *Error {
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) {
		case *Error:
			if e == nil { // a nil pointer that was returned as an error
				return ServerError.Because(errNilError)
			}
			return e
		case ErrorCode:
			return &Error{Code: e}
		}
	}
	return nil
}
