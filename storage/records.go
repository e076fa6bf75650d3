package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Client is a registered client (RFC 6749 §2). The zero value can do nothing:
// no grant, no scope, no way to authenticate.
type Client struct {
	// ID is the client_id. RFC 6749 appendix A.1 wants printable ASCII; only
	// control characters are refused.
	ID string

	// AuthMethod is the client's token_endpoint_auth_method (RFC 7591 §2). If
	// empty, the client is confidential and may show its secret either way,
	// [ClientSecretBasic] or [ClientSecretPost]. A public client has
	// [AuthNone]. A change also applies to credentials issued before it: the
	// refresh tokens of a confidential client that becomes public are good
	// without a secret.
	AuthMethod string

	// BasicNotEncoded lets a client show its secret in Basic without form-encoding
	// it, as many libraries do against RFC 6749 §2.3.1. Both readings of the header
	// are then tried, so each guess is two; a secret with a plus or a percent sign
	// needs it. The ID is always decoded, and must have neither sign.
	BasicNotEncoded bool

	// Secrets are the client's secrets. Each that is live at the time of a
	// request authenticates the client, so that secrets can be rotated with an
	// overlap. A confidential client without any cannot authenticate.
	Secrets []ClientSecret

	// Assertion says how the client shows itself by an assertion, if AuthMethod is
	// [PrivateKeyJWT]. Its JWKS or JWKSURI also have the key of the certificate, if
	// AuthMethod is [SelfSignedTLSClientAuth]. The zero value is nothing.
	Assertion ClientAssertion

	// Certificate says which certificate the client shows in the TLS handshake, and
	// whether its tokens are bound to it (RFC 8705). The zero value is nothing.
	Certificate ClientCertificate

	// Disabled makes every request of the client fail as if it did not exist. Its
	// access tokens live until they expire, and its refresh tokens are good again
	// when it is enabled again before they expire.
	Disabled bool

	// GrantTypes are the grants that the client may use, by their grant_type. If
	// empty, none. A client without refresh_token gets no refresh tokens, and
	// cannot use those that it has; it can revoke them.
	GrantTypes []string

	// Scope holds all scopes that any token of this client may carry. If empty,
	// none. A scope that you remove is missing from the next refresh, and a
	// scope that you add back is there again. Access tokens already issued keep
	// their scopes.
	Scope []string

	// DefaultScope is the scope of a client_credentials request or an
	// authorization request that names none (RFC 6749 §3.3). If nil, all of
	// Scope.
	DefaultScope []string

	// Audience holds the audiences that tokens of this client may be meant
	// for. If nil, the endpoint's. It is changed as tokenendpoint.Config.Audience
	// is.
	Audience []string

	// RedirectURIs are the registered redirection endpoints (RFC 6749 §3.1.2),
	// compared byte for byte but for the port of a native app, see
	// grants.MayRedirect. A code that was on its way to one when that was taken away
	// can be redeemed.
	RedirectURIs []string

	// PKCENotRequired lets a confidential client obtain codes without PKCE
	// (RFC 7636), as clients from before OAuth 2.1 do. A public client always
	// needs PKCE. Without the field, a code from before is refused that has none.
	PKCENotRequired bool

	// RefreshNotRotated gives the client the same refresh token back at every
	// refresh. Idle lifetimes do not apply to it, since nothing is written. That
	// holds for tokens from before the field was set, too: they live as long as
	// their family. When the field is taken back, such a token is rotated at its
	// next use, and the idle lifetime begins there.
	RefreshNotRotated bool

	// Unvetted says that nobody has looked at the client: it has registered itself, or its
	// client_id is the URL of a document. Anybody may have made it for one phishing mail, so
	// no error sends a browser to it without a click of the user (RFC 9700 §4.11.2), see
	// grants.AuthorizationError. Package clientmetadata sets it. No store needs to
	// keep it: a host whose store has such clients sets it where it reads them.
	Unvetted bool

	// AccessTokenLifetime, if not zero, replaces the endpoint's. Where keys
	// rotate, their TokenLifetime bounds it.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime, if not zero, replaces the endpoint's bound on the
	// whole chain of refreshes.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdle, if not zero, replaces the endpoint's bound on the time
	// a refresh token may lie unused. Like the other lifetimes, a new value
	// applies only to tokens issued after the change.
	RefreshTokenIdle time.Duration
	// RefreshGrace, if not zero, replaces the endpoint's RefreshGrace; at most
	// [MaxRefreshGrace]. For that long after its first use, a refresh token that is
	// presented again gets the same successor, unless the successor has been used.
	//
	// It is for clients whose processes share one token file, such as command line
	// tools and editors: a process that stops between the answer and the write of
	// the file leaves the old token there for hours. Each process has to read the
	// file before it refreshes. A process that presents a token whose successor was
	// used looks like a thief, and ends the family, however long the grace is.
	//
	// The price: a thief who copies a token goes unnoticed until the thief and the
	// client differ by one more use. A new value also holds for tokens from before.
	RefreshGrace time.Duration
}

// MaxRefreshGrace is the longest [Client.RefreshGrace].
const MaxRefreshGrace = 24 * time.Hour

// The values of [Client.AuthMethod] that the library knows (RFC 7591 §2).
//
// With ClientSecretBasic the client form-encodes its identifier and its secret
// before it joins them with a colon (RFC 6749 §2.3.1): "p+s%" is sent as
// "p%2Bs%25". Clients that do not encode cannot show a secret with a plus or a
// percent sign, and are refused, unless they have [Client.BasicNotEncoded]; the log
// says so of the right secret. Letters, digits, "-" and "_", of which
// clientauth.NewSecret makes secrets, stay as they are.
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	PrivateKeyJWT     = "private_key_jwt" // RFC 7523 §2.2
	AuthNone          = "none"

	TLSClientAuth           = "tls_client_auth"             // RFC 8705 §2.1
	SelfSignedTLSClientAuth = "self_signed_tls_client_auth" // RFC 8705 §2.2
)

// Public reports whether the client is a public one, which cannot keep a
// secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// MayUse reports whether the client is registered for a grant type.
func (c *Client) MayUse(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Clone returns a copy that shares nothing with c.
func (c *Client) Clone() *Client {
	d := &struct {
		Client
		text    [16]string
		secrets [2]ClientSecret
	}{Client: *c}
	text, secrets := arena[string](d.text[:]), arena[ClientSecret](d.secrets[:])
	d.Secrets = secrets.clone(c.Secrets)
	d.GrantTypes = text.clone(c.GrantTypes)
	d.Scope = text.clone(c.Scope)
	d.DefaultScope = text.clone(c.DefaultScope)
	d.Audience = text.clone(c.Audience)
	d.RedirectURIs = text.clone(c.RedirectURIs)
	d.Assertion.JWKS, d.Assertion.Claims = bytes.Clone(c.Assertion.JWKS), bytes.Clone(c.Assertion.Claims)
	return &d.Client
}

// arena is memory for copies of short lists, allocated together with the record
// that they belong to: a store copies a record at every request.
type arena[E any] []E

// clone copies a list into the arena, or elsewhere if the arena is too small. The
// copy cannot grow into the next one.
func (a *arena[E]) clone(list []E) []E {
	n := len(list)
	if list == nil || n > len(*a) {
		return slices.Clone(list)
	}
	c := (*a)[:n:n]
	copy(c, list)
	*a = (*a)[n:]
	return c
}

// ClientSecret is the record of one secret of a client.
type ClientSecret struct {
	// ID names the secret for people and logs. It is unique within the client.
	ID string
	// Hash verifies the secret. Package clientauth makes it and documents its
	// formats; its CheckHash tells whether a text has one of them. An empty one
	// never matches.
	Hash string
	// NotBefore, if not zero, is when the secret begins to work.
	NotBefore time.Time
	// ExpiresAt, if not zero, is when the secret stops working.
	ExpiresAt time.Time
}

// The kinds of secrets. A kind is part of the [Digest], so that a code cannot
// pass for a refresh token even where both stand in one table. A custom grant
// names its own.
const (
	KindAuthorizationCode = "authorization_code"
	KindRefreshToken      = "refresh_token"
	KindAPIKey            = "api_key"
	KindClientSecret      = "client_secret"
	// KindAccessToken is the kind of an access token's identifier, its "jti". It is
	// not secret; its digest has a length that every index takes.
	KindAccessToken = "access_token"
)

// The values of [Credential.PKCE]. It has no default: a record that lost the field
// is refused.
const (
	// PKCENone says that the authorization request had no code_challenge.
	PKCENone = "none"
	// PKCES256 says that Challenge is the S256 code_challenge.
	PKCES256 = "S256"
)

// NoRedirectURI is the [Credential.RedirectURI] of a code whose authorization
// request had none. The empty string is not that: it is refused.
const NoRedirectURI = "none"

// AnyIssuer is the [Credential.Issuer] of a record from before records named
// theirs: each issuer that shares the store takes it. The empty string is not
// that: it is refused.
const AnyIssuer = "*"

// Credential is the record of something that can be used once: an authorization
// code, a refresh token, or a custom grant's own. It holds nothing that could
// be presented: only the [Digest] of the secret that its holder has.
//
// A record stays after its use, since that is how a replay is recognised.
type Credential struct {
	// Digest is the key of the record.
	Digest Digest
	// Kind tells codes from refresh tokens and from a custom grant's own.
	Kind string
	// Family is shared by all that descends from one authorization: the code,
	// every refresh token after it. A replay revokes the family. It is never
	// empty, and compared byte for byte.
	Family string

	// Issuer is the "iss" of the endpoint that made it, the only one at which it
	// is good, or [AnyIssuer]. It is never empty.
	Issuer string
	// ClientID names the client that it was issued to, the only one that may
	// present it.
	ClientID string
	// Subject is the "sub" of the tokens that it is good for.
	Subject string
	// Scope is the scope that was granted. Narrowing an access token does not
	// change it (RFC 6749 §6).
	Scope []string
	// Audience holds the audiences that were granted. If nil, the client's.
	Audience []string
	// Claims is a JSON object of further claims for the access tokens, or nil.
	// It is kept byte for byte.
	Claims []byte
	// APIKey is the digest of the API key that the authorization rests on, or
	// zero. A refresh token dies with its key.
	APIKey Digest

	// RedirectURI is the redirect_uri of the authorization request, or
	// [NoRedirectURI]. Only codes have it.
	RedirectURI string
	// PKCE is [PKCES256] or [PKCENone]. Only codes have it.
	PKCE string
	// Challenge is the code_challenge if PKCE is [PKCES256].
	Challenge string

	// IssuedAt is when it was made.
	IssuedAt time.Time
	// ExpiresAt is when it stops working, used or not. A refresh token whose client
	// is registered as not rotating works until FamilyExpiresAt.
	ExpiresAt time.Time
	// FamilyExpiresAt ends the family: nothing that descends from this
	// credential outlives it. The record is kept until then, so that a replay
	// is recognised while there is something to protect. It is never zero.
	FamilyExpiresAt time.Time

	// MaxUses is how often it may be used, counting the repeated uses of a
	// refresh token whose answer was lost. Zero means once.
	MaxUses int
	// Uses is how often it has been used.
	Uses int
	// SpentAt is when it was used first, zero if it was not.
	SpentAt time.Time
	// Salt is set when it is spent: its holder's token and this salt together
	// give the successor (see [Secret.Derive]). Neither does alone.
	Salt []byte
	// Revoked tells that the family has been revoked. Stores set it on the way
	// out; they need not keep it in each record.
	Revoked bool
}

// Spent reports whether the credential has been used.
func (c *Credential) Spent() bool { return c.Uses > 0 }

// GoodAt reports whether the credential is good at an issuer. One that has lost its
// Issuer is good at none.
func (c *Credential) GoodAt(issuer string) bool {
	return c.Issuer != "" && (c.Issuer == issuer || c.Issuer == AnyIssuer)
}

// DecodeClaims returns the claims that the record carries. Numbers are
// json.Number, as they stand.
func (c *Credential) DecodeClaims() (map[string]any, error) {
	if len(c.Claims) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(c.Claims))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil {
		return nil, fmt.Errorf("storage: the claims of a credential: %w", err)
	}
	return claims, nil
}

// Clone returns a copy that shares nothing with c.
func (c *Credential) Clone() *Credential {
	d := &struct {
		Credential
		text [4]string
		salt [16]byte
	}{Credential: *c}
	text, salt := arena[string](d.text[:]), arena[byte](d.salt[:])
	d.Scope = text.clone(c.Scope)
	d.Audience = text.clone(c.Audience)
	d.Claims = bytes.Clone(c.Claims)
	d.Salt = salt.clone(c.Salt)
	return &d.Credential
}

// APIKey is the record of an API key. The key itself is shown once, when it is
// made, and not kept.
type APIKey struct {
	// Digest is the key of the record.
	Digest Digest
	// ID names the API key for people, logs and the api_key_id claim. It is
	// not secret.
	ID string
	// Name is the owner's name for the key, such as "laptop". It is for people
	// only, and may be empty.
	Name string
	// ClientID names the client that the key belongs to, the only one that may
	// present it.
	ClientID string
	// Subject is the "sub" of the tokens that the key gives, such as the ID of
	// its owner. If empty, it is "api_key:" and the ID. A refresh token that
	// the key gave keeps the subject that it was given for.
	Subject string
	// Scope holds the scopes that the key may be used for, within the client's.
	// If empty, none. Like Audience, ExpiresAt and ClientID it bounds the refresh
	// tokens that the key gave, as it is at each refresh.
	Scope []string
	// Audience holds the audiences that the key may be used for. If nil, the
	// client's.
	Audience []string
	// CreatedAt is when the key was made.
	CreatedAt time.Time
	// ExpiresAt, if not zero, is when the key stops working.
	ExpiresAt time.Time
	// RevokedAt, if not zero, is when the key was revoked. Any value revokes
	// it, one in the future too. Access tokens that it gave live until they
	// expire.
	RevokedAt time.Time
}

// Owner returns the "sub" of the tokens that the key gives, which is also the
// subject that [ManagedAPIKeys] lists and revokes it for: Subject or, if that is
// empty, "api_key:" and the ID.
func (k *APIKey) Owner() string {
	if k.Subject == "" {
		return ownerPrefix + k.ID
	}
	return k.Subject
}

const ownerPrefix = "api_key:"

// Clone returns a copy that shares nothing with k.
func (k *APIKey) Clone() *APIKey {
	l := &struct {
		APIKey
		text [8]string
	}{APIKey: *k}
	text := arena[string](l.text[:])
	l.Scope = text.clone(k.Scope)
	l.Audience = text.clone(k.Audience)
	return &l.APIKey
}
