// Package tokenendpoint is the OAuth 2 token endpoint (RFC 6749 §3.2): an
// [http.Handler] for POST /connect/token. With it come the endpoints around it,
// for revocation (RFC 7009), introspection (RFC 7662), the keys (RFC 7517) and the
// metadata (RFC 8414). [Handler.Routes] has them all.
//
// A token request takes one way, whatever its grant:
//
//	read, authenticate the client, grant decides, hook, sign, write once, answer
//
// Nothing before the write changes anything, so a failure there costs nothing:
// no code is used up by a request that gets no token. The write is one atomic
// call of the host's [storage.Storage].
package tokenendpoint

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Config is all that an endpoint can be told. [New] copies it.
type Config struct {
	// Issuer is the "iss" of every token: an https URL without query and
	// fragment (RFC 8414 §2). http is accepted for a loopback address. It is
	// required, and nothing of a request ever takes its place.
	Issuer string
	// BaseURL is where clients reach the endpoints, if that is not the Issuer:
	// a URL as Issuer is one. The metadata is where the Issuer is, whatever this
	// says.
	BaseURL string
	// Paths are those of the endpoints. [Handler.Routes] and the metadata follow
	// them; who mounts the handlers one by one mounts them there.
	Paths Paths
	// Audience is the "aud" of tokens whose client has none of its own. It is
	// required (RFC 9068 §2.2).
	Audience []string
	// Keys sign the tokens. They are required. If they rotate, no access token
	// lives longer than the TokenLifetime of their Rotation, whatever a client
	// or a grant says.
	Keys *jws.KeySet

	// Storage keeps codes, refresh tokens and API keys, and the clients if
	// Clients is nil. It may be nil if none of that is needed.
	Storage storage.Storage
	// Revocations remembers revoked access tokens. It is the store that keeps the
	// credentials of Storage, since a token dies with its family: all stores of
	// this library are one. If nil, an access token is good until it expires, and
	// a client that wants to revoke one gets unsupported_token_type.
	Revocations storage.Revocations
	// RevocationStaleness is how long [Handler.RequireToken] may take a token as
	// good that another replica has revoked: it asks Revocations about a token that
	// often. If zero, 5 seconds; if negative, it asks at every request; at most a
	// minute. Introspection always asks.
	RevocationStaleness time.Duration
	// MayIntrospect, if not nil, decides whether a client is told about an access
	// token that is signed, has not expired, and may still turn out to be revoked.
	// An error is an outage. If nil, a client is told about tokens that have its
	// identifier in aud or as client_id.
	MayIntrospect func(ctx context.Context, client *storage.Client, t *jws.AccessToken) (bool, error)
	// Clients knows the clients and checks what they show. If nil, it is
	// clientauth.Secrets over Storage.
	Clients ClientValidator
	// Grants are the grants of this endpoint by their grant_type, such as
	// grants.RefreshToken for "refresh_token". At least one is required. What
	// is not here is answered with unsupported_grant_type, and what is here is
	// there for the clients that are registered for it.
	Grants map[string]grants.Grant

	// Metadata are further members of the metadata (RFC 8414 §2), such as
	// scopes_supported, service_documentation, or authorization_endpoint, the URL of
	// the host's login page: clients need it to send users there. What the endpoint
	// says itself cannot be among them; jwks_uri, say, can be if Paths.JWKS is "-".
	// They are encoded by New.
	Metadata map[string]any
	// OpenIDConfiguration serves the metadata at openid-configuration below the
	// Issuer too (OpenID Connect Discovery 1.0 §4), for clients that look nowhere
	// else. It makes no OpenID provider: nothing is said of ID tokens.
	OpenIDConfiguration bool

	// AccessTokenLifetime is that of access tokens, where neither the grant
	// nor the client says otherwise. If zero, one hour; at most a year.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime bounds a chain of refreshes, however often the
	// token is rotated. If zero, 30 days.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdle bounds the time a refresh token may lie unused. If
	// zero, 14 days. Neither it nor RefreshTokenLifetime may exceed ten years.
	RefreshTokenIdle time.Duration
	// RefreshGrace is how long after its first use a refresh token may be
	// presented again, by the same client, to get the same successor: so an
	// answer that was lost logs nobody out. If zero, 10 seconds; if negative,
	// none; at most a minute.
	RefreshGrace time.Duration
	// RefreshRetries bounds how often it may be presented again in that time.
	// If zero, 100. To allow none, set RefreshGrace to a negative value.
	RefreshRetries int
	// CodeReuseWindow is how long after its first use a code that is presented
	// again is refused and nothing more, as happens when a proxy repeats a
	// request. After it, a code that is presented again ends the family. If
	// zero, 2 seconds; if negative, none; at most a minute. Where the clocks of
	// replicas differ by more than this or RefreshGrace, one that loses a race
	// ends the family; nothing is used twice for that.
	CodeReuseWindow time.Duration

	// ReuseAccessTokens, if not zero, gives a client the access token again that
	// was signed for it less than that long ago, with what is left of its life as
	// expires_in: for client_credentials and api_key without a refresh token, if
	// what was decided is the same in every claim but iat, exp and jti. The grant
	// and its hook are asked all the same. A token that was revoked, or whose key
	// no longer signs, is not given again, nor one whose client has changed. It
	// spares a signature, and with Revocations asks the store once instead: over a
	// database that pays with RS256, and hardly with ES256 or EdDSA. Several
	// holders then have one token, with one jti: what one of them revokes, all of
	// them lose. Each process remembers up to 2048 tokens of its own; a grant of
	// the host's is always signed anew. A token is given again in the first half
	// of its life. At most an hour, and shorter than AccessTokenLifetime.
	ReuseAccessTokens time.Duration

	// TokenType is the "typ" of access tokens: jws.TypeAccessToken, which is
	// also what empty means (RFC 9068 §2.1), or jws.TypeJWT.
	TokenType string
	// MaxTokenSize bounds an access token, in bytes. A longer one, because of
	// its claims, is a server_error and not cut. If zero, 4096; at most 16384, since
	// a longer one could be neither revoked nor introspected.
	MaxTokenSize int

	// Timeout bounds the time for the stores, the grant and the hook together,
	// and again for the one write. Stores must honour their context. If zero,
	// 2 seconds; at least one, at most a minute.
	Timeout time.Duration
	// ReadTimeout bounds the time for the body of a request to arrive. If
	// zero, 5 seconds; at least one, at most ten minutes. Headers are the
	// server's: set http.Server's ReadHeaderTimeout.
	ReadTimeout time.Duration
	// AllowedOrigins are the origins, such as https://spa.example.com, whose
	// scripts may read the answers of the token and the revocation endpoint (CORS).
	// If empty, none. Any origin may read the metadata and the keys, and none the
	// answers of introspection.
	AllowedOrigins []string

	// Limiter slows down who guesses. If nil, the count of this process
	// serves: 300 failures at once for one client from one address, one more
	// each second.
	Limiter Limiter
	// RemoteAddr tells the address of a request's client, for the Limiter. If it
	// is nil or its answer not valid, that is the address of the connection.
	// Behind a proxy, or on a Unix socket, all clients have one address: read
	// the header that the proxy sets, or who guesses locks a client out for all.
	RemoteAddr func(*http.Request) netip.Addr

	// Observe, if not nil, is told of every request to the token, revocation and
	// introspection endpoints but the preflight of a browser, when its outcome
	// stands. It must not block: net/http sends the
	// answer when Observe has returned. What takes time it hands on.
	Observe func(context.Context, Event)
	// Logger gets one line for each of them: issued tokens and introspections at
	// debug level, refusals and revocations at info, replays at warn, faults at
	// error. If nil, slog.Default(). A panic of Observe is a line more.
	Logger *slog.Logger
}
