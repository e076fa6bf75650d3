package bearer

import (
	"errors"
	"fmt"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Reason says in a word why a request did not get through. A host can count by it.
// The client learns none of it. See [Event].
type Reason string

// The faults of a request, or of a token whose signature could not be verified.
// Nothing in such a token can be believed. Of it, only its typ, its alg and its key
// id are logged, if they are short and printable.
const (
	// NoToken: there is no Authorization header of the scheme Bearer.
	NoToken Reason = "no_token"
	// MalformedHeader: the header has no token of RFC 6750 §2.1.
	MalformedHeader Reason = "malformed_header"
	// TwoTokens: there are two headers, or there is a token in the query, too.
	TwoTokens Reason = "two_tokens"
	// NotAToken: the text is no signed JWT, or only a part of one.
	NotAToken Reason = "not_a_token"
	// WrongType: the token has another typ. The TokenType of the endpoint and of this
	// verifier differ, or it is an ID token.
	WrongType Reason = "wrong_type"
	// UnknownKey: the token names a signing key that is not here. Another replica has
	// keys of its own, or the key has been rotated out.
	UnknownKey Reason = "unknown_key"
	// WrongAlgorithm: the alg is not the one of the verification key.
	WrongAlgorithm Reason = "wrong_algorithm"
	// WrongSignature: the signing key that the token names has not signed it.
	WrongSignature Reason = "wrong_signature"
)

// The faults of a token whose signature is right.
const (
	// NotAnAccessToken: it lacks a claim of RFC 9068 §2.2.
	NotAnAccessToken Reason = "not_an_access_token"
	// WrongIssuer: its iss is not Config.Issuer.
	WrongIssuer Reason = "wrong_issuer"
	// WrongAudience: its aud does not have Config.Audience.
	WrongAudience Reason = "wrong_audience"
	// Expired: its exp has passed.
	Expired Reason = "expired"
	// NotYetValid: its iat or nbf is in the future. Clocks differ by more than
	// Config.Leeway.
	NotYetValid Reason = "not_yet_valid"
	// BoundToKey: the token needs a proof (RFC 9449, RFC 8705), and came without one, or
	// with another certificate than its own.
	BoundToKey Reason = "bound_to_key"
	// KeyWithdrawn: the token was good, but its signing key is no longer published.
	KeyWithdrawn Reason = "key_withdrawn"
	// Revoked: the token or its family was revoked.
	Revoked Reason = "revoked"
	// LacksScope: the token is good, but lacks a scope that the route demands.
	LacksScope Reason = "lacks_scope"
)

// The reasons why this process could not decide.
const (
	// Outage: the verification keys or the revocations could not be asked.
	Outage Reason = "outage"
	// HungUp: the client hung up before the verification keys or the revocations
	// answered.
	HungUp Reason = "hung_up"
)

// verified reports whether the signature of the token was right, so that its claims
// can be believed.
func (r Reason) verified() bool {
	switch r {
	case NotAnAccessToken, WrongIssuer, WrongAudience, Expired, NotYetValid, BoundToKey, KeyWithdrawn, Revoked, LacksScope:
		return true
	}
	return false
}

// invalid is the verdict on a token whose signature is right. It wraps
// jws.ErrInvalid.
type invalid struct {
	reason Reason
	cause  string
}

// Error has the cause, for the log.
func (e *invalid) Error() string { return jws.ErrInvalid.Error() + ": " + e.cause }

// Unwrap returns jws.ErrInvalid.
func (e *invalid) Unwrap() error { return jws.ErrInvalid }

func because(reason Reason, cause string, args ...any) *invalid {
	return &invalid{reason, fmt.Sprintf(cause, args...)}
}

// reasonOf returns the reason for a verdict of Verify.
func reasonOf(err error) Reason {
	var own *invalid
	switch {
	case errors.As(err, &own):
		return own.reason
	case errors.Is(err, jws.ErrUnknownKey):
		return UnknownKey
	case errors.Is(err, jws.ErrType):
		return WrongType
	case errors.Is(err, jws.ErrAlgorithm):
		return WrongAlgorithm
	case errors.Is(err, jws.ErrSignature):
		return WrongSignature
	case errors.Is(err, jws.ErrClaims):
		return NotAnAccessToken
	}
	return NotAToken
}

// maxShown bounds the part of a claim that a cause repeats, in bytes.
const maxShown = 200

// shown returns a claim as a cause repeats it. The signature of the token is right.
func shown(v any) string {
	text := fmt.Sprintf("%+q", v) // ASCII, so that it can be cut anywhere
	if len(text) > maxShown {
		return text[:maxShown] + "…"
	}
	return text
}
