package grants

import (
	"errors"
	"maps"
	"net/url"
	"time"

	"github.com/contit/oauth/storage"
)

// PendingAuthorization is an authorization request that was found right and waits for
// the decision of the user. The host shows it, and then approves or refuses it. Its
// fields are for the host to read: a change has no effect on the decision.
type PendingAuthorization struct {
	// Client is the client that asks.
	Client *storage.Client
	// Scope is the requested scope, or the default of the client if it requested none
	// (RFC 6749 §3.3). The host shows it to the user, who may grant less.
	Scope []string
	// Audience holds the audiences that the resource parameters name (RFC 8707), in
	// the spelling that is configured. If nil, the request names none, and those of
	// the client apply or, if it has none, those of the endpoint.
	Audience []string
	// RedirectURI is where the answer goes: the redirect_uri of the request as it came
	// or, if it had none, the only one of the client.
	RedirectURI string
	// State is the state of the request, or empty. The answer carries it back.
	State string
	// CodeChallenge and CodeChallengeMethod are the parameters of RFC 7636 §4.3. Both
	// are empty, or the method is S256.
	CodeChallenge, CodeChallengeMethod string
	// PromptNone says that the client wants an answer without a page (prompt=none of
	// OpenID Connect Core 1.0 §3.1.2.1). If the user is not logged in or would have to be
	// asked, the host refuses with LoginRequired or ConsentRequired.
	PromptNone bool
	// Parameters are all parameters of the request that it has once, such as
	// login_hint, prompt and max_age, which the host may heed. Nobody has judged the
	// ones that this package has no field for.
	Parameters url.Values

	request AuthorizationRequest
	answers answers
}

// Query returns the request as the query of a URL, for the action of the consent form
// and for the address to which the user comes back from the login. Read it again with
// [AuthorizationEndpoint.ReadQuery]. Build such an address in Go, and not in a template:
// html/template escapes all that a template puts behind a question mark. Within another
// query, as behind /login?next=, the address needs [url.QueryEscape].
func (a *PendingAuthorization) Query() string { return a.Parameters.Encode() }

// Approval is the answer of a user that agrees.
type Approval struct {
	// Subject is the user, as the "sub" of the tokens will name them. It is required.
	Subject string
	// Scope is the part of [PendingAuthorization.Scope] that the user granted. If
	// empty, none: a host that asks for all or nothing passes all of it.
	Scope []string
	// AuthTime, if not zero, is when the user logged in. The tokens carry it as
	// auth_time (RFC 9068 §2.2.1).
	AuthTime time.Time
	// Claims are further claims for the access tokens, see [AuthorizationRequest].
	Claims map[string]any
	// Lifetime is the lifetime of the code, see [AuthorizationRequest].
	Lifetime time.Duration
}

var errBeyondRequest = errors.New("grants: the approved scope is not part of the requested scope (Approval.Scope, PendingAuthorization.Scope)")

// Approve makes the code of an approved request: the record that the host stores with
// storage.Credentials.CreateCredential, in its own transaction if it likes, and the
// answer that it sends when the record is stored. Approve stores nothing.
//
// The error is an [*AuthorizationError] that goes to the client. It is InvalidScope if
// the approval exceeds the request, as when a user has changed the consent form, and
// otherwise one of [NewAuthorizationCode].
func (a *PendingAuthorization) Approve(by Approval, now time.Time) (*storage.Credential, *AuthorizationResponse, error) {
	if !Subset(by.Scope, a.request.Scope) {
		return nil, nil, a.answers.tell(InvalidScope.Because(errBeyondRequest))
	}
	r := a.request
	r.Subject, r.Scope, r.Claims, r.Lifetime = by.Subject, by.Scope, by.Claims, by.Lifetime
	if !by.AuthTime.IsZero() {
		r.Claims = maps.Clone(by.Claims)
		if r.Claims == nil {
			r.Claims = make(map[string]any, 1)
		}
		r.Claims["auth_time"] = by.AuthTime.Unix()
	}
	code, record, err := NewAuthorizationCode(r, now)
	if err != nil {
		return nil, nil, a.answers.tell(err)
	}
	return record, a.answers.code(code), nil
}

// Refuse returns err as an [*AuthorizationError] that goes to the client, or nil if err
// is nil. A host refuses with AccessDenied if the user said no, with LoginRequired,
// ConsentRequired or InteractionRequired if PromptNone allows no page, and with any
// verdict of its own. An error that is no verdict, such as one of its store, is an
// outage: the client gets temporarily_unavailable, and the log the error.
//
// If the client is [storage.Client.Unvetted], AccessDenied alone goes to the client, since
// that is the answer of the user; every other error is for the user's eyes.
func (a *PendingAuthorization) Refuse(err error) error {
	switch v := Verdict(err); {
	case err == nil:
		return nil
	case a.answers.unvetted && (v == nil || v.Code != AccessDenied):
		return a.answers.withhold(err, v)
	}
	return a.answers.tell(err)
}
