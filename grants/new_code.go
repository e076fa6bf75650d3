package grants

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
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
	// Scope is what the user granted. If nil, the client's default scope.
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
	errNoSubject    = errors.New("grants: an authorization request needs a Client and a Subject")
	errCodeLifetime = errors.New("grants: a code lives at most ten minutes")
)

// NewAuthorizationCode makes the code for an approved request, and the record
// of it. It stores nothing: the host adds the record with
// storage.Credentials.CreateCredential, in its own transaction if it likes, and
// then sends the code to the redirection endpoint.
//
// The errors are those of RFC 6749 §4.1.2.1: InvalidRequest, UnauthorizedClient
// or InvalidScope. One that comes from a RedirectURI that is not registered
// must be shown to the user and not be sent there: ask [MayRedirect] before
// anything else.
func NewAuthorizationCode(a AuthorizationRequest, now time.Time) (storage.Secret, *storage.Credential, error) {
	if err := a.check(); err != nil {
		return storage.Secret{}, nil, err
	}
	secret := storage.NewSecret(CodePrefix)
	now = now.UTC().Truncate(time.Microsecond)
	c := &storage.Credential{
		Digest:      secret.Digest(storage.KindAuthorizationCode),
		Kind:        storage.KindAuthorizationCode,
		Family:      uuid.NewString(),
		ClientID:    a.Client.ID,
		Subject:     a.Subject,
		Scope:       slices.Clone(a.Scope),
		Audience:    slices.Clone(a.Audience),
		RedirectURI: a.RedirectURI,
		PKCE:        storage.PKCENone,
		IssuedAt:    now,
		ExpiresAt:   now.Add(a.Lifetime),
	}
	if a.Lifetime == 0 {
		c.ExpiresAt = now.Add(codeLifetime)
	}
	c.FamilyExpiresAt = c.ExpiresAt // the endpoint extends it at the redemption
	if c.RedirectURI == "" {
		c.RedirectURI = storage.NoRedirectURI
	}
	if a.CodeChallenge != "" {
		c.PKCE, c.Challenge = storage.PKCES256, a.CodeChallenge
	}
	if c.Scope == nil {
		c.Scope = slices.Clone(a.Client.DefaultScope)
	}
	if c.Scope == nil {
		c.Scope = slices.Clone(a.Client.Scope)
	}
	if len(a.Claims) > 0 {
		claims, err := json.Marshal(a.Claims)
		if err != nil {
			return storage.Secret{}, nil, ServerError.Because(err)
		}
		c.Claims = claims
	}
	return secret, c, nil
}

func (a *AuthorizationRequest) check() error {
	switch {
	case a.Client == nil || a.Subject == "":
		return ServerError.Because(errNoSubject)
	case a.Lifetime < 0 || a.Lifetime > maxCodeLifetime:
		return ServerError.Because(errCodeLifetime)
	case a.Client.Disabled || !a.Client.MayUse(TypeAuthorizationCode):
		return UnauthorizedClient
	case !MayRedirect(a.Client, a.RedirectURI):
		return InvalidRequest.Describe("redirect_uri is not registered")
	case a.CodeChallenge == "" && pkceRequired(a.Client):
		return InvalidRequest.Describe("code_challenge is missing")
	case a.CodeChallenge == "" && a.CodeChallengeMethod != "":
		return InvalidRequest.Describe("code_challenge is missing")
	case a.CodeChallenge != "" && a.CodeChallengeMethod != storage.PKCES256: // RFC 7636 §4.3: absent means plain
		return InvalidRequest.Describe("code_challenge_method is not S256")
	case a.CodeChallenge != "" && !isChallenge(a.CodeChallenge):
		return InvalidRequest.Describe("code_challenge is malformed")
	}
	for _, s := range a.Scope {
		if !slices.Contains(a.Client.Scope, s) {
			return InvalidScope
		}
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
	for _, registered := range c.RedirectURIs {
		if uri == registered || sameButLoopbackPort(uri, registered) {
			return true
		}
	}
	return false
}

func sameButLoopbackPort(uri, registered string) bool {
	u, err := url.Parse(uri)
	if err != nil || strings.Contains(uri, "#") { // RFC 6749 §3.1.2: no fragment
		return false
	}
	r, err := url.Parse(registered)
	if err != nil || r.Scheme != "http" || u.User != nil {
		return false
	}
	if host := r.Hostname(); host != "127.0.0.1" && host != "::1" || u.Hostname() != host {
		return false
	}
	u.Host = r.Host
	return u.String() == registered
}
