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
	// codeLifetime is the lifetime of a code if the request sets none.
	codeLifetime = time.Minute
	// maxCodeLifetime is the longest lifetime that RFC 6749 §4.1.2 recommends.
	maxCodeLifetime = 10 * time.Minute
)

// AuthorizationRequest is an authorization request (RFC 6749 §4.1.1) that a
// user has approved on the host's page.
type AuthorizationRequest struct {
	// Issuer is the issuer of the endpoint that redeems the code, Config.Issuer of
	// package tokenendpoint. It is required.
	Issuer string
	// Client is the client that the client_id of the request names. It is required.
	Client *storage.Client
	// Subject is the user, as the "sub" of the tokens will name them. It is required.
	Subject string
	// RedirectURI is the redirect_uri of the request as it came, or empty if the
	// request had none.
	RedirectURI string
	// Scope is the scope that the user granted, see [RequestedScope]. If empty, none.
	Scope []string
	// Audience holds the audiences that the user granted, such as the resource
	// parameters of the request (RFC 8707), see [SameAudience]. If nil, those of the
	// client apply. If the client has none of its own, compare these audiences with
	// those of the endpoint first: only the host can do so, and the endpoint would
	// refuse the code.
	Audience []string
	// CodeChallenge and CodeChallengeMethod are the parameters of the request (RFC
	// 7636 §4.3). The method is "S256"; plain is refused.
	CodeChallenge, CodeChallengeMethod string
	// Claims are further claims for the access tokens, such as auth_time. The code
	// and all refresh tokens of its family keep them. See [ReservedClaim] for the
	// names that are refused.
	Claims map[string]any
	// Lifetime is the lifetime of the code. If zero, one minute; at most ten (RFC
	// 6749 §4.1.2).
	Lifetime time.Duration
}

var (
	errNoRequester  = errors.New("grants: an authorization request needs a Client")
	errCodeLifetime = errors.New("grants: a code lives at most ten minutes")

	errForeignScope   = InvalidScope.Describe("scope has a value that the client is not registered for")
	errUnregistered   = InvalidRequest.Describe("redirect_uri is not registered")
	errDisabled       = errors.New("grants: the client is disabled")
	errNotRegistered  = errors.New("grants: the client is not registered for authorization_code (Client.GrantTypes)")
	errAudienceBeyond = errors.New("grants: the audience is not among those that the client is registered for (Client.Audience)")
)

// NewAuthorizationCode makes the code for an approved request, and the record of it.
// It stores nothing: the host adds the record with
// storage.Credentials.CreateCredential, in its own transaction if it likes, and then
// sends the code to the redirection endpoint.
//
// It returns the errors of [AuthorizationRequest.Check] and of [NewCredential], and
// ServerError if the Claims cannot be encoded.
func NewAuthorizationCode(a AuthorizationRequest, now time.Time) (storage.Secret, *storage.Credential, error) {
	if err := a.Check(); err != nil {
		return storage.Secret{}, nil, err
	}
	c := storage.Credential{
		Kind:        storage.KindAuthorizationCode,
		Issuer:      a.Issuer,
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

// NewCredential completes the record of a single-use credential, such as that of a
// host's own grant, for the secret that its holder gets. It stores nothing. The
// caller sets Kind, Issuer, ClientID, Subject and an ExpiresAt after now: without
// them the error is ServerError. Issuer is the issuer of the endpoint that takes the
// credential; [storage.AnyIssuer] is for old records and is refused. A record without
// a Family begins a family.
//
// A record that the endpoint would refuse at every redemption is a ServerError, too:
// Claims that are no JSON object, are longer than 12 KiB or have a reserved name (see
// [ReservedClaim]), a Subject or an Audience with a control character or invalid
// UTF-8, a malformed Scope (RFC 6749 §3.3), and an empty Audience that is not nil.
//
// A digest protects a secret of 128 random bits or more. If the secret is shorter, so
// that people can type it, an attacker with access to the store can find it from the
// digest; let such a credential expire within minutes.
func NewCredential(secret storage.Secret, c storage.Credential, now time.Time) (*storage.Credential, error) {
	if missing := missing(secret, &c, now); len(missing) > 0 {
		return nil, ServerError.Because(errors.New("grants: a credential needs " + strings.Join(missing, ", ")))
	}
	if err := redeemable(&c); err != nil {
		return nil, ServerError.Because(err)
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

// missing names each field that a credential lacks.
func missing(secret storage.Secret, c *storage.Credential, now time.Time) (names []string) {
	for _, field := range []struct {
		name string
		lack bool
	}{
		{"a secret", secret.Empty()},
		{"a Kind", c.Kind == ""},
		{"an Issuer", c.Issuer == ""},
		{"an Issuer other than storage.AnyIssuer", c.Issuer == storage.AnyIssuer},
		{"a ClientID", c.ClientID == ""},
		{"a Subject", c.Subject == ""},
		{"an ExpiresAt to come", !c.ExpiresAt.After(now)},
	} {
		if field.lack {
			names = append(names, field.name)
		}
	}
	return names
}

// Check reports the faults of an authorization request. It needs no Issuer and no
// Subject, and reads only the names of the Claims: a host calls it before it shows a
// login page.
//
// It returns errors of RFC 6749 §4.1.2.1, such as InvalidRequest, UnauthorizedClient
// or InvalidScope, InvalidTarget of RFC 8707, and ServerError for mistakes of the
// host itself, such as a client's record with a fault that [storage.Client.Check]
// names. An error about a RedirectURI that is not registered must be shown to
// the user and must not be sent to that URI: call [MayRedirect] first.
func (a *AuthorizationRequest) Check() error {
	switch {
	case a.Client == nil:
		return ServerError.Because(errNoRequester)
	case a.Lifetime < 0 || a.Lifetime > maxCodeLifetime:
		return ServerError.Because(errCodeLifetime)
	case a.Client.Disabled:
		return UnauthorizedClient.Because(errDisabled)
	case a.Client.CheckUsed() != nil:
		return ServerError.Because(a.Client.CheckUsed())
	case !a.Client.MayUse(TypeAuthorizationCode):
		return UnauthorizedClient.Describe("the client is not registered for authorization codes").Because(errNotRegistered)
	case !MayRedirect(a.Client, a.RedirectURI):
		if err := a.Client.CheckRedirectURIs(); err != nil {
			return ServerError.Because(err)
		}
		return errUnregistered
	case a.CodeChallenge == "" && (pkceRequired(a.Client) || a.CodeChallengeMethod != ""):
		return InvalidRequest.Describe("code_challenge is missing")
	case a.CodeChallenge != "" && a.CodeChallengeMethod != storage.PKCES256: // RFC 7636 §4.3: absent means plain
		return InvalidRequest.Describe("code_challenge_method is not S256")
	case a.CodeChallenge != "" && !isChallenge(a.CodeChallenge):
		return InvalidRequest.Describe("code_challenge is malformed")
	}
	switch {
	case !Subset(a.Scope, a.Client.Scope):
		return errForeignScope.Because(scopeBeyond(a.Scope, a.Client))
	case a.Client.Audience != nil && !audiencesWithin(a.Audience, a.Client.Audience):
		return InvalidTarget.Because(errAudienceBeyond)
	case a.Audience != nil && len(a.Audience) == 0:
		return ServerError.Because(errNobody)
	}
	if err := checkClaims(a.Claims); err != nil {
		return ServerError.Because(err)
	}
	return nil
}
