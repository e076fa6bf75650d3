package jws

import "fmt"

// The faults of a token. Each of these, and [ErrUnknownKey] where [Verify] returns
// it, is an [ErrInvalid] too. The text of such an error says more, for the operator's
// log. A client learns none of it.
var (
	// ErrMalformed says that a text is no signed JWT, or only a part of one.
	ErrMalformed = fmt.Errorf("%w: it is no signed JWT", ErrInvalid)
	// ErrType says that a token has another typ than the wanted one.
	ErrType = fmt.Errorf("%w: it is of another type", ErrInvalid)
	// ErrAlgorithm says that a token has another alg than its verification key.
	ErrAlgorithm = fmt.Errorf("%w: its algorithm is not allowed", ErrInvalid)
	// ErrSignature says that the signing key which a token names has not signed it.
	ErrSignature = fmt.Errorf("%w: its signature is wrong", ErrInvalid)
	// ErrClaims says that a payload is not that of an access token.
	ErrClaims = fmt.Errorf("%w: its claims are not those of an access token", ErrInvalid)
)

// unknownKey is the error for a token whose key is not here.
type unknownKey struct{ id string }

// Error names the key, and the likely reason.
func (e unknownKey) Error() string {
	return fmt.Sprintf("%v: it is signed by the key %s, which is not here: is it the key of another replica, or has it been rotated out?",
		ErrInvalid, shown(e.id))
}

// Unwrap returns both ErrInvalid and ErrUnknownKey.
func (e unknownKey) Unwrap() []error { return []error{ErrInvalid, ErrUnknownKey} }

// maxShown bounds the text of an unverified token that an error repeats.
const maxShown = 64

// shown makes a stranger's text fit for a log.
func shown(s string) string {
	if s == "" {
		return "(none)"
	}
	if len(s) > maxShown {
		return "(a long one)"
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return "(one that is not printable)"
		}
	}
	return `"` + s + `"`
}
