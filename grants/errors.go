package grants

import (
	"errors"
	"time"
)

// Code is an error code of RFC 6749 §5.2 or §4.1.2.1, or of an RFC that extends
// it. A Code is an error itself: returning one is a verdict about the request.
// Any other error that a grant, a hook or a store returns is an outage: the
// client sees temporarily_unavailable and nothing of the error.
type Code string

// Error returns the code.
func (c Code) Error() string { return string(c) }

// The error codes of the token endpoint, and of the host's authorization page.
const (
	// InvalidRequest: a parameter is missing, repeated or malformed.
	InvalidRequest Code = "invalid_request" // RFC 6749 §5.2
	// InvalidClient: client authentication failed.
	InvalidClient Code = "invalid_client" // RFC 6749 §5.2
	// InvalidGrant: the code, refresh token or API key is not good for this
	// client, now.
	InvalidGrant Code = "invalid_grant" // RFC 6749 §5.2
	// UnauthorizedClient: the client may not use this grant.
	UnauthorizedClient Code = "unauthorized_client" // RFC 6749 §5.2
	// UnsupportedGrantType: the endpoint does not have this grant.
	UnsupportedGrantType Code = "unsupported_grant_type" // RFC 6749 §5.2
	// InvalidScope: the scope is malformed or exceeds what may be granted.
	InvalidScope Code = "invalid_scope" // RFC 6749 §5.2
	// InvalidTarget: the resource is malformed or exceeds what may be granted.
	InvalidTarget Code = "invalid_target" // RFC 8707 §2
	// UnsupportedTokenType: the endpoint cannot revoke tokens of this kind.
	UnsupportedTokenType Code = "unsupported_token_type" // RFC 7009 §2.2.1
	// AccessDenied: the user said no. This package never returns it, nor
	// UnsupportedResponseType: they are for the host's authorization page.
	AccessDenied Code = "access_denied" // RFC 6749 §4.1.2.1
	// UnsupportedResponseType: the response_type is another than code.
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749 §4.1.2.1
	// ServerError: a defect on the server's side, answered with 500.
	ServerError Code = "server_error" // RFC 6749 §4.1.2.1
	// TemporarilyUnavailable: an outage, answered with 503 and Retry-After.
	TemporarilyUnavailable Code = "temporarily_unavailable" // RFC 6749 §4.1.2.1
)

// Error is a [Code] with more to say: to the client a description, to the log
// a cause.
type Error struct {
	// Code is what the client acts on.
	Code Code
	// Description is for the developer of the client (error_description).
	Description string
	// Cause is for the operator of the server. The client never sees it.
	Cause error
	// RetryAfter, if not zero, is how long to wait before coming back.
	RetryAfter time.Duration
	// Limited tells that the client came too often (429, RFC 6585 §4).
	Limited bool
}

// literal has no name outside this package: only a constant in the source of
// the caller converts to it, never a value of the request.
type literal string

// Describe adds a sentence that the client may see. It takes string constants
// only, so that no input can be echoed. RFC 6749 §5.2 allows neither " nor \
// in it; Describe panics on a constant that has one.
func (c Code) Describe(sentence literal) *Error { return (&Error{Code: c}).Describe(sentence) }

// Because adds the cause, which only the log and the event see.
func (c Code) Because(cause error) *Error { return (&Error{Code: c}).Because(cause) }

// Describe returns a copy of e with a sentence that the client may see. See
// [Code.Describe].
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

// Because returns a copy of e with a cause, which only the log and the event
// see.
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

// Verdict returns what err says to a client: its outermost [Error] or [Code],
// or nil if it has none and is an outage. An error that wraps several, such as
// that of errors.Join, is an outage: a verdict takes its cause by Because. A nil
// *Error that was returned as an error says ServerError: it is neither.
func Verdict(err error) *Error {
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) {
		case *Error:
			if e == nil { // a nil pointer that was returned as an error
				return ServerError.Because(errNilError)
			}
			return e
		case Code:
			return &Error{Code: e}
		}
	}
	return nil
}
