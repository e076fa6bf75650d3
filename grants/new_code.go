package grants

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/contit/oauth/storage"
)

// CodePrefix begins every authorization code.
const CodePrefix = "ac_"

const (
	// codeLifetime is what a code lives unless the request says otherwise.
	codeLifetime = time.Minute
	// maxCodeLifetime is the most that RFC 6749 §4.1.2 recommends.
	maxCodeLifetime = 10 * time.Minute
)

// AuthorizationRequest is an authorization request (RFC 6749 §4.1.1) that a
// user has approved on the host's page.
type AuthorizationRequest struct {
	// Client is the client_id of the request, looked up. It is required.
	Client *storage.Client
	// Subject is the user, as the "sub" of the tokens will name them. It is
	// required.
	Subject string
	// RedirectURI is the redirect_uri of the request as it came, or empty if
	// the request had none.
	RedirectURI string
	// Scope is what the user granted. If empty, none: see [RequestedScope].
	Scope []string
	// Audience holds the audiences that were granted, such as the resource
	// parameters of the request (RFC 8707). If nil, the client's.
	Audience []string
	// CodeChallenge and CodeChallengeMethod are those of the request (RFC 7636
	// §4.3). The method is "S256"; plain is refused.
	CodeChallenge, CodeChallengeMethod string
	// Claims are further claims for the access tokens, such as auth_time. They
	// are kept with the code and with the refresh tokens that follow from it.
	Claims map[string]any
	// Lifetime is that of the code. If zero, one minute; at most ten (RFC 6749
	// §4.1.2).
	Lifetime time.Duration
}

var (
	errNoRequester  = errors.New("grants: an authorization request needs a Client")
	errIncomplete   = errors.New("grants: a credential needs a secret, Kind, ClientID, Subject and an ExpiresAt to come")
	errCodeLifetime = errors.New("grants: a code lives at most ten minutes")
)

// NewAuthorizationCode makes the code for an approved request, and the record
// of it. It stores nothing: the host adds the record with
// storage.Credentials.CreateCredential, in its own transaction if it likes, and
// then sends the code to the redirection endpoint.
//
// The errors are those of [AuthorizationRequest.Check], and ServerError if there
// is no Subject or the Claims cannot be encoded.
func NewAuthorizationCode(a AuthorizationRequest, now time.Time) (storage.Secret, *storage.Credential, error) {
	if err := a.Check(); err != nil {
		return storage.Secret{}, nil, err
	}
	c := storage.Credential{
		Kind:        storage.KindAuthorizationCode,
		ClientID:    a.Client.ID,
		Subject:     a.Subject,
		Scope:       a.Scope,
		Audience:    a.Audience,
		RedirectURI: a.RedirectURI,
		PKCE:        storage.PKCENone,
		ExpiresAt:   now.Add(a.Lifetime),
	}
	if a.Lifetime == 0 {
		c.ExpiresAt = now.Add(codeLifetime)
	}
	if c.RedirectURI == "" {
		c.RedirectURI = storage.NoRedirectURI
	}
	if a.CodeChallenge != "" {
		c.PKCE, c.Challenge = storage.PKCES256, a.CodeChallenge
	}
	if len(a.Claims) > 0 {
		claims, err := json.Marshal(a.Claims)
		if err != nil {
			return storage.Secret{}, nil, ServerError.Because(err)
		}
		c.Claims = claims
	}
	secret := storage.NewSecret(CodePrefix)
	record, err := NewCredential(secret, c, now)
	if err != nil {
		return storage.Secret{}, nil, err
	}
	return secret, record, nil
}

// NewCredential completes the record of a single-use credential, such as that
// of a host's own grant, for the secret that its holder gets. It stores nothing.
// Kind, ClientID, Subject and an ExpiresAt after now are the caller's to set:
// without them the error is ServerError. A record without a Family begins one.
//
// A digest protects a secret of 128 random bits or more. A shorter one, that
// people type, can be found from the digest by who reads the store; let it
// expire within minutes.
func NewCredential(secret storage.Secret, c storage.Credential, now time.Time) (*storage.Credential, error) {
	if secret.Empty() || c.Kind == "" || c.ClientID == "" || c.Subject == "" || !c.ExpiresAt.After(now) {
		return nil, ServerError.Because(errIncomplete)
	}
	record := c.Clone()
	record.Digest = secret.Digest(c.Kind)
	record.IssuedAt = now.UTC().Truncate(time.Microsecond)
	record.ExpiresAt = c.ExpiresAt.UTC().Truncate(time.Microsecond)
	if record.Family == "" {
		record.Family = uuid.NewString()
	}
	if record.FamilyExpiresAt.Before(record.ExpiresAt) {
		record.FamilyExpiresAt = record.ExpiresAt // the endpoint extends it when it is spent
	}
	return record, nil
}

// Check reports what is wrong with an authorization request. It wants no Subject
// and does not look at the Claims: a host asks it before it shows a login page.
//
// Its errors are those of RFC 6749 §4.1.2.1, such as InvalidRequest,
// UnauthorizedClient or InvalidScope, InvalidTarget of RFC 8707, and ServerError
// for what the host itself did wrong. One that comes from a RedirectURI that is
// not registered must be shown to the user and not be sent there: ask
// [MayRedirect] first.
func (a *AuthorizationRequest) Check() error {
	switch {
	case a.Client == nil:
		return ServerError.Because(errNoRequester)
	case a.Lifetime < 0 || a.Lifetime > maxCodeLifetime:
		return ServerError.Because(errCodeLifetime)
	case a.Client.Disabled || !a.Client.MayUse(TypeAuthorizationCode):
		return UnauthorizedClient
	case !MayRedirect(a.Client, a.RedirectURI):
		return InvalidRequest.Describe("redirect_uri is not registered")
	case a.CodeChallenge == "" && (pkceRequired(a.Client) || a.CodeChallengeMethod != ""):
		return InvalidRequest.Describe("code_challenge is missing")
	case a.CodeChallenge != "" && a.CodeChallengeMethod != storage.PKCES256: // RFC 7636 §4.3: absent means plain
		return InvalidRequest.Describe("code_challenge_method is not S256")
	case a.CodeChallenge != "" && !isChallenge(a.CodeChallenge):
		return InvalidRequest.Describe("code_challenge is malformed")
	}
	switch {
	case !subset(a.Scope, a.Client.Scope):
		return InvalidScope
	case a.Client.Audience != nil && !subset(a.Audience, a.Client.Audience):
		return InvalidTarget
	}
	return nil
}

// MayRedirect reports whether uri, the redirect_uri of an authorization
// request, is registered for the client: the very same string (RFC 9700
// §2.1), but for the port of a loopback address (RFC 8252 §7.3). An empty uri
// is right for a client that has registered exactly one (RFC 6749 §3.1.2.3).
func MayRedirect(c *storage.Client, uri string) bool {
	if uri == "" {
		return len(c.RedirectURIs) == 1
	}
	portless, loopback := withoutLoopbackPort(uri)
	for _, registered := range c.RedirectURIs {
		if uri == registered {
			return true
		}
		if other, ok := withoutLoopbackPort(registered); loopback && ok && portless == other {
			return true
		}
	}
	return false
}

// withoutLoopbackPort cuts the port out of an http URI of a loopback address.
// It does not parse: what two parsers would read in two ways is no match.
func withoutLoopbackPort(uri string) (string, bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		if port, ok := strings.CutPrefix(rest, ":"); ok {
			rest = strings.TrimLeft(port, "0123456789")
		}
		return host + rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", false
}
