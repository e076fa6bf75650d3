package params

import "github.com/contit/oauth/tokenendpoint/internal/authscheme"

// A SchemeError is why a request whose Authorization header has another scheme
// than Basic cannot authenticate its client. Its text is the scheme, spelled as
// in its registration, or empty for a word that is no known scheme.
type SchemeError string

// Error says which scheme came, for the log.
func (e SchemeError) Error() string {
	scheme := string(e)
	if scheme == "" {
		scheme = "an unknown scheme"
	}
	return "tokenendpoint: Authorization has " + scheme + ", and a client authenticates here by Basic or in the body"
}

// Challenge names the scheme that the client used (RFC 6749 §5.2). Basic in its
// place would open a browser's login box for a Bearer token that has expired.
func (e SchemeError) Challenge() string {
	if e == "" {
		return ChallengeBasic
	}
	return string(e) + challengeRest
}

const challengeRest = ` realm="oauth", error="invalid_client"`

// ChallengeBasic is the value of WWW-Authenticate for every other client.
const ChallengeBasic = "Basic" + challengeRest

// foreignScheme returns the error for a scheme that is not Basic.
func foreignScheme(scheme string) error { return SchemeError(authscheme.Known(scheme)) }
