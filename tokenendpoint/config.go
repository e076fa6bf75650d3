package tokenendpoint

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// Config holds all the settings of an endpoint. [New] copies it.
type Config struct {
	// Issuer is the "iss" of every token: an https URL without query and
	// fragment (RFC 8414 §2). http is accepted for a loopback address. It is
	// required, and nothing of a request ever takes its place. Another Issuer is
	// another server: nothing that this one has issued is good there.
	Issuer string
	// BaseURL is where clients reach the endpoints, if that is not the Issuer:
	// a URL with the form of an Issuer. The metadata stays where the Issuer is.
	BaseURL string
	// Paths are the paths of the endpoints. The [Handler] answers at them, and
	// the metadata names them. A host that mounts the endpoints one by one
	// mounts them at these paths.
	Paths Paths
	// Audience is the "aud" of tokens whose client has none of its own. It is
	// required (RFC 9068 §2.2). A client may ask for one of them by the parameter
	// resource (RFC 8707), in every spelling that [grants.SameAudience] takes for it;
	// "aud" has the spelling that stands here. A request without resource gets all of
	// them in one token, and an API that gets that token can use it at the others: if there
	// are several APIs, give each client an Audience of its own. RequireToken is for the
	// first alone, [Handler.Verifier] for each other.
	//
	// A refresh token keeps the audience that it was granted: if the endpoint has that
	// audience only under a new name, the refresh is an invalid_target. To rename one
	// and lose no session, list both, the former first, wait for
	// RefreshTokenLifetime, and list the new one alone.
	Audience []string
	// Keys sign the tokens. They are required. If they rotate, no access token
	// lives longer than the TokenLifetime of their Rotation, even if a client or a
	// grant says so. An access token is good, and can be revoked and
	// introspected, as long as its key is published; refresh tokens rest on no key.
	Keys *jws.KeySet

	// Storage keeps codes, refresh tokens and API keys, and the clients if
	// ClientValidator is nil. It may be nil if none of that is needed.
	Storage storage.Storage
	// Revocations remembers revoked access tokens. It is the store that keeps the
	// credentials of Storage, since a token dies with its family: all stores of
	// this library are one. If nil, an access token is good until it expires, even
	// one that was revoked while there were Revocations, and a client that wants to
	// revoke one gets unsupported_token_type.
	Revocations storage.Revocations
	// RevocationStaleness is how long [Handler.RequireToken] may take a token as
	// good that another replica has revoked: it asks Revocations about a token that
	// often. If zero, 5 seconds; if negative, it asks at every request; at most a
	// minute. Introspection always asks.
	RevocationStaleness time.Duration
	// MayIntrospect, if not nil, decides whether a client may learn about an
	// access token that is signed and has not expired. The endpoint may still
	// find it revoked afterwards. An error is an outage. If nil, a client may
	// learn about tokens that have its identifier in aud or as client_id.
	MayIntrospect func(ctx context.Context, client *storage.Client, t *jws.AccessToken) (bool, error)
	// ClientValidator knows the clients and checks their secrets and keys. If
	// nil, it is clientauth.Secrets over Storage, with ClientAssertions.
	ClientValidator ClientValidator
	// ClientAssertions, if not nil, let in clients of Storage that show an assertion in
	// place of a secret (private_key_jwt, RFC 7523 §2.2): &clientauth.Assertions{}, whose
	// empty fields Issuer, TokenEndpoint and Logger mean those of this endpoint. New uses a
	// copy. They need a Storage that keeps credentials, since an assertion is good once. A
	// ClientValidator has assertions of its own, so New refuses both together. If nil, such
	// a client is refused, the endpoint fetches no URL that stands in the record of a
	// client, and the program contains no HTTP client for it.
	ClientAssertions clientauth.AssertionVerifier
	// Grants are the grants of this endpoint by their grant_type, such as
	// grants.RefreshToken for "refresh_token". A client has those among them that it
	// is registered for, and every other grant_type is answered with
	// unsupported_grant_type. A refresh token outlives the grant that gave it, and can
	// be revoked without grants.RefreshToken.
	//
	// A grant of the host's own that takes a typed code needs a grant_type of its own:
	// the Limiter does not count InvalidGrant under authorization_code, refresh_token
	// and client_credentials, whose secrets have 256 bits.
	//
	// If nil, they are the zero values of the ready grants that the rest of the
	// configuration can serve: client_credentials; refresh_token if Storage keeps
	// credentials, and then authorization_code too if there is an
	// AuthorizationEndpoint; api_key if Storage keeps API keys. A map that is empty
	// and not nil is refused.
	Grants map[string]grants.Grant
	// Hook, if not nil, has the last word on every request that a grant has said
	// yes to, for every grant: those of this library, the host's own,
	// refresh_token and api_key too. The endpoint asks it after the grant's own
	// hook, and it has the same powers: refuse, narrow, add claims (see
	// [grants.Hook]). It sees the claims of the grant and those that the grant's
	// hook has added. It is the place to refuse a user who was locked, since no
	// grant can forget it. The subject may be a client, see
	// grants.ClientCredentials. RequireToken, revocation and introspection do
	// not ask it: access tokens of a locked user live until they expire.
	Hook grants.Hook

	// AuthorizationEndpoint is the URL of the host's login page (the code behind that
	// page is [Handler.AuthorizationEndpoint]), where clients
	// send users for a code (RFC 6749 §3.1): an https URL without a fragment, or
	// http for a loopback address. Where Grants have authorization_code and the
	// metadata is published, it is required: a document with the response type
	// code and without this page is invalid (RFC 8414 §2), and clients refuse
	// it. Without that grant it is published all the same, for clients that want
	// it in every document.
	AuthorizationEndpoint string
	// AuthorizationResponseWithoutIss says that the login page answers without the
	// parameter iss (RFC 9207). Otherwise the metadata of an endpoint with the grant
	// authorization_code promise it, and clients refuse an answer, or an error, that
	// has no iss or another than Issuer. Package grants writes it. A client that uses
	// several servers notices by it when an attacker's server has passed it the answer
	// of this one.
	AuthorizationResponseWithoutIss bool
	// ScopesSupported are the scopes that clients learn of in the metadata of the
	// endpoint and of each Audience. They are documentation: a client may have the
	// scopes that it is registered for, and no others, whether they stand here or not.
	// A client that got no scope in a challenge asks for all of them, so leave out what
	// few clients may have. If empty, none is named.
	ScopesSupported []string
	// Metadata are further members of the metadata (RFC 8414 §2), such as
	// service_documentation. They cannot contain a member
	// that the endpoint sets itself or has a field for. They can contain
	// jwks_uri if Paths.JWKS is "-". Do not set a member to null or an empty
	// list: leave it out (RFC 8414 §3.2). New encodes them.
	Metadata map[string]any
	// ErrorURI is the URL below which a page explains each error: then every error
	// answer of the token, revocation and introspection endpoints has an error_uri (RFC
	// 6749 §5.2), ErrorURI + "/errors/" + the code. So have the challenges of
	// [Handler.RequireToken] (RFC 6750 §3) and the refusals of
	// [Handler.AuthorizationEndpoint] that go to a client (RFC 6749 §4.1.2.1). The page of
	// package reference has these pages, so ErrorURI is its URL, such as
	// https://auth.example.com/docs. It is a URL without query and fragment, https or of a
	// loopback address. If empty, no error has an error_uri. The public documents have none
	// in any case: programs fetch them, and the one error there is an outage.
	ErrorURI string
	// OpenIDConfiguration serves the metadata as openid-configuration too (OpenID
	// Connect Discovery 1.0 §4), for clients that look nowhere else: below the Issuer,
	// and where RFC 8414 §5 has clients look if the Issuer has a path. Such clients
	// require an authorization_endpoint and a jwks_uri, so New does. They require
	// subject_types_supported and id_token_signing_alg_values_supported as well; the
	// document has "public" and the algorithms of package jws, unless Metadata says
	// otherwise. It makes no OpenID provider: the endpoint issues no ID token, and
	// there is no userinfo_endpoint.
	OpenIDConfiguration bool

	// AccessTokenLifetime is the lifetime of access tokens, unless the grant or
	// the client sets another. If zero, one hour; at most a year.
	AccessTokenLifetime time.Duration
	// RefreshTokenLifetime bounds a chain of refreshes, however often the
	// token is rotated. If zero, 30 days.
	RefreshTokenLifetime time.Duration
	// RefreshTokenIdle bounds the time a refresh token may lie unused. If zero,
	// 14 days. Neither it nor RefreshTokenLifetime may exceed ten years. A
	// change applies to tokens issued from then on: tokens issued before keep
	// the end in their record.
	RefreshTokenIdle time.Duration
	// RefreshGrace is how long after its first use a refresh token may be
	// presented again, by the same client, to get the same successor: so an
	// answer that was lost logs nobody out. If zero, 10 seconds; if negative,
	// none; at most a minute. A client may be registered with a longer one, see
	// [storage.Client]. It holds for tokens from before, too, as CodeReuseWindow
	// does for codes.
	RefreshGrace time.Duration
	// RefreshRetries bounds how often it may be presented again in that time.
	// Beyond it the answer is invalid_grant, and the family lives as long as the
	// successor has not been used. If zero, 100. To allow none, set RefreshGrace
	// to a negative value. A refresh token keeps the number that it was issued
	// with.
	RefreshRetries int
	// CodeReuseWindow is how long after its first use a code that is presented
	// again is refused and nothing more, as happens when a proxy repeats a
	// request. After it, a code that is presented again ends the family. If
	// zero, 2 seconds; if negative, none; at most a minute. Where the clocks of
	// replicas differ by more than this or RefreshGrace, a request that loses a
	// race ends the family; even then, nothing is used twice. A first use that a
	// store dates more than a minute into the future counts as one of long ago,
	// for both windows.
	CodeReuseWindow time.Duration

	// ReuseAccessTokens, if not zero, gives a client the access token again that
	// was signed for it less than that long ago; expires_in is then the rest of
	// its life. It does so for client_credentials and api_key without a refresh
	// token, if every claim but iat, exp and jti is the same. The grant and its
	// hook are asked all the same. A token that was revoked, or whose key no
	// longer signs, is not given again, nor one whose client has changed. It
	// spares a signature, and with Revocations asks the store once instead: over
	// a database that pays with RS256, and hardly with ES256 or EdDSA. Several
	// holders then have one token, with one jti: if one of them revokes it, all
	// of them lose it. Each process remembers up to 2048 tokens of its own; a
	// grant of the host's is always signed anew. A token is given again in the
	// first half of its life. At most an hour, and shorter than
	// AccessTokenLifetime.
	ReuseAccessTokens time.Duration

	// TokenType is the "typ" of access tokens: jws.TypeAccessToken or
	// jws.TypeJWT. If empty, jws.TypeAccessToken (RFC 9068 §2.1). When it
	// changes, RequireToken refuses the tokens from before, though they have not
	// expired. They can be revoked; introspection calls an old at+jwt active. It
	// does not call an old JWT active, since a JWT may be anything.
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

	// Limiter slows down attackers who guess secrets, keys, and the credentials
	// of a host's own grant. If nil, the count of this process serves: 300
	// failures at once for one client from one network, one more each second.
	// Requests under way count as failures until they are judged.
	//
	// With a Limiter too, this process counts by network over all clients. Beyond 300
	// failures at once, and one more each second, the network is crowded: an unknown
	// client costs nothing more, the endpoint answers every failure that counts with
	// 429, and it serves right secrets. Beyond 3000 failures at once with clients that
	// exist, and ten more each second, the endpoint judges nothing from that network
	// that could be a guess. A wrong secret, an unknown client, a wrong API key and
	// InvalidGrant of a host's own grant count; codes, refresh tokens and refusals by a
	// hook do not.
	Limiter Limiter
	// RemoteAddr tells the address of a request's client, for the Limiter, the
	// counts of this process, the events and the log. If it is nil or its answer not
	// valid, the address of the connection counts. Behind a proxy, or on a Unix
	// socket, all clients have one address: use [TrustedProxies], or an attacker who
	// guesses locks clients out for everybody.
	RemoteAddr func(*http.Request) netip.Addr

	// ClientCertificate, if not nil, finds the certificate that a client has shown in the
	// TLS handshake (RFC 8705): mtls.Connection, or mtls.Header behind a proxy. Clients
	// that are registered so are then authenticated by it (Certificates of
	// clientauth.Secrets), and the tokens of others are bound to it
	// (storage.ClientCertificate.Bound). RequireToken uses it too. If nil, no certificate
	// is looked at, such a client is refused, and there are no tokens for a client whose
	// tokens have to be bound.
	ClientCertificate mtls.Source
	// MTLSBaseURL is where clients with a certificate reach the endpoints, if that is
	// another host name or port than that of the others: a URL with the form of BaseURL,
	// under which the same paths lead to this endpoint. The metadata then have
	// mtls_endpoint_aliases (RFC 8705 §5). Browsers ask their users for a certificate
	// wherever a server asks for one, so it spares them that. It needs
	// ClientCertificate. If empty, there are no aliases.
	MTLSBaseURL string

	// Observe, if not nil, gets the event of every request to the token,
	// revocation and introspection endpoints but the preflight of a browser,
	// when its outcome stands. It must not block: net/http sends the answer when
	// Observe has returned. Slow work belongs into a goroutine of the host's.
	Observe func(context.Context, Event)
	// ObserveBearer, if not nil, gets the event of every request to a route
	// behind [Handler.RequireToken], or behind a verifier of [Handler.Verifier]:
	// whether it was admitted, and if not, why. It must not block either. It is
	// a function of its own since these are the requests of the host's API.
	ObserveBearer func(context.Context, bearer.Event)
	// Logger gets one line for each of these events: issued tokens and
	// introspections at debug level, refusals and revocations at info, replays
	// at warn, faults at error. An introspection that hides a valid token of
	// another client is at info. If nil, slog.Default(). A panic of Observe is a
	// line more. For the lines of RequireToken, see [bearer.Config].
	Logger *slog.Logger
}
