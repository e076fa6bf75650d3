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
	// [ClientSecretBasic] or [ClientSecretPost]. A public client has [AuthNone].
	AuthMethod string

	// Secrets are the client's secrets. Each that is live at the time of a
	// request authenticates the client, so that secrets can be rotated with an
	// overlap. A confidential client without any cannot authenticate.
	Secrets []ClientSecret

	// Disabled makes every request of the client fail as if it did not exist. Its
	// access tokens live until they expire.
	Disabled bool

	// GrantTypes are the grants that the client may use, by their grant_type. If
	// empty, none. A client without refresh_token gets no refresh tokens.
	GrantTypes []string

	// Scope holds all scopes that any token of this client may carry. If empty,
	// none.
	Scope []string

	// DefaultScope is what the client gets for client_credentials when it asks
	// for none (RFC 6749 §3.3), and what an authorization request that names
	// none asks for. If nil, all of Scope.
	DefaultScope []string

	// Audience holds the audiences that tokens of this client may be meant
	// for. If nil, the endpoint's.
	Audience []string

	// RedirectURIs are the registered redirection endpoints (RFC 6749 §3.1.2).
	RedirectURIs []string

	// PKCENotRequired lets a confidential client obtain codes without PKCE
	// (RFC 7636), as clients from before OAuth 2.1 do. A public client always
	// needs PKCE.
	PKCENotRequired bool

	// RefreshNotRotated gives the client the same refresh token back at every
	// refresh. Idle lifetimes do not apply to it, since nothing is written.
	RefreshNotRotated bool

	// AccessTokenLifetime, if not zero, replaces the endpoint's. Where keys
	// rotate, their TokenLifetime bounds it.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime, if not zero, replaces the endpoint's bound on the
	// whole chain of refreshes.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdle, if not zero, replaces the endpoint's bound on the time
	// a refresh token may lie unused.
	RefreshTokenIdle time.Duration
}

// The values of [Client.AuthMethod] that the library knows (RFC 7591 §2).
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	AuthNone          = "none"
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
	text, secrets := room[string](d.text[:]), room[ClientSecret](d.secrets[:])
	d.Secrets = secrets.clone(c.Secrets)
	d.GrantTypes = text.clone(c.GrantTypes)
	d.Scope = text.clone(c.Scope)
	d.DefaultScope = text.clone(c.DefaultScope)
	d.Audience = text.clone(c.Audience)
	d.RedirectURIs = text.clone(c.RedirectURIs)
	return &d.Client
}

// room is memory for copies of short lists, allocated together with the record
// that they belong to: a store copies a record at every request.
type room[E any] []E

// clone copies a list into the room, or elsewhere if there is not enough of it.
// The copy cannot grow into what comes after it.
func (r *room[E]) clone(list []E) []E {
	n := len(list)
	if list == nil || n > len(*r) {
		return slices.Clone(list)
	}
	c := (*r)[:n:n]
	copy(c, list)
	*r = (*r)[n:]
	return c
}

// ClientSecret is what is kept of one secret of a client.
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
	// KindAccessToken is that of an access token's identifier, its "jti". It is
	// not secret; its digest has a length that every index takes.
	KindAccessToken = "access_token"
)

// What [Credential.PKCE] says. It has no default: a record that lost the field
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

// Credential is the record of something that can be used once: an
// authorization code, a refresh token, or a custom grant's own. It holds
// nothing that could be presented: only the [Digest] of what its holder has.
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
	// ExpiresAt is when it stops working, used or not.
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
	text, salt := room[string](d.text[:]), room[byte](d.salt[:])
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
	// ClientID names the client that the key belongs to, the only one that may
	// present it.
	ClientID string
	// Subject is the "sub" of the tokens that the key gives, such as the user
	// who owns it. If empty, it is "api_key:" and the ID.
	Subject string
	// Scope holds the scopes that the key may be used for, within the client's.
	// If empty, none.
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

// Clone returns a copy that shares nothing with k.
func (k *APIKey) Clone() *APIKey {
	l := &struct {
		APIKey
		text [8]string
	}{APIKey: *k}
	text := room[string](l.text[:])
	l.Scope = text.clone(k.Scope)
	l.Audience = text.clone(k.Audience)
	return &l.APIKey
}
