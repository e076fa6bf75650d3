package grants

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

// The grant types of this package, as they stand in the grant_type parameter and,
// except for TypeAPIKeyURN, in storage.Client.GrantTypes.
const (
	TypeClientCredentials = "client_credentials" // RFC 6749 §4.4
	TypeRefreshToken      = "refresh_token"      // RFC 6749 §6
	TypeAuthorizationCode = "authorization_code" // RFC 6749 §4.1
	TypeAPIKey            = "api_key"
	// TypeAPIKeyURN is another name of TypeAPIKey in requests, in the form that
	// RFC 6749 §4.5 wants for extension grants. Clients are registered for
	// TypeAPIKey.
	TypeAPIKeyURN = "urn:contit:params:oauth:grant-type:api-key"
)

// Grant decides on the rights of a request. Its methods are called concurrently.
type Grant interface {
	// Authorize returns the most that the request may have, or an [ErrorCode] or an
	// [Error] if the request may have nothing. Every other error is an outage.
	// Authorize changes nothing; the endpoint uses up the credential that
	// [Request.Present] found.
	Authorize(ctx context.Context, r *Request) (*Authorization, error)
}

// Func is a function that is a [Grant]. The endpoint calls it when the client has
// been authenticated. A grant that reports a missing parameter before that is a
// [Checker].
type Func func(ctx context.Context, r *Request) (*Authorization, error)

// Authorize calls f.
func (f Func) Authorize(ctx context.Context, r *Request) (*Authorization, error) { return f(ctx, r) }

// Hook has the last word on an authorization. The endpoint calls it after every check
// has passed and before anything is signed or written. A Hook may refuse with an
// [ErrorCode] or an [Error]. It may also change a, a copy of the grant's decision
// that is already narrowed to the request: leave out scopes and audiences, add
// claims, shorten the lifetime, drop the refresh token. A hook that widens the scope
// or the audience or changes the subject is a defect, answered with server_error. A
// hook cannot lengthen anything: a longer Lifetime or a later ExpiresAt, or none, has
// no effect, and a Refresh that the grant has not asked for is ignored. Every other
// error is an outage.
//
// The endpoint calls the hook of the grant and then its own hook, which sees the
// result of the first. r is a copy too: changes that a hook makes to r or to its
// Client have no effect.
//
// If a hook narrows the scope when a refresh token is first issued, all later tokens
// of the family have the narrower scope. At a refresh the hook narrows one access
// token alone: the refresh token keeps its scope (RFC 6749 §6).
type Hook func(ctx context.Context, r *Request, a *Authorization) error

// Checker is a [Grant] that can tell from the request alone that a parameter is
// missing. The endpoint calls Check before it authenticates the client: r.Client is
// nil, and r.AuthMethod says how the request shows its secret, which may be wrong.
type Checker interface {
	Grant
	Check(r *Request) error
}

// ClientIdentifier is a [Grant] whose credential can stand for the authentication of
// the client, as an API key does. A grant that is no ClientIdentifier needs an
// authenticated client.
type ClientIdentifier interface {
	Grant
	// IdentifiesClient reports whether a confidential client may leave its secret
	// out.
	IdentifiesClient() bool
	// ClientID names the client of a request without client_id. The endpoint calls it
	// before it looks up the client: r.Client is nil.
	ClientID(ctx context.Context, r *Request) (string, error)
}

// Form holds the parameters of a token request, from a form or from JSON alike. Each
// parameter is there at most once, and one without a value is left out (RFC 6749
// §3.2). The client's secrets are left out too.
//
// fmt prints a placeholder for a Form. But if a struct has a Form in an unexported
// field, fmt prints the values: do not print such a struct.
type Form map[string]string

// Format prints a placeholder: the values are credentials.
func (Form) Format(f fmt.State, _ rune) { io.WriteString(f, "grants.Form{REDACTED}") }

// LogValue returns a placeholder.
func (Form) LogValue() slog.Value { return slog.StringValue("grants.Form{REDACTED}") }

// MarshalText returns a placeholder.
func (Form) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// Request is a token request whose syntax is right and whose client is authenticated.
// Its fields are read-only: the host's own grants and hooks get a copy with its own
// Client, Scope, Resource and Form, and the endpoint decides by the originals. A
// Request belongs to one goroutine, since it remembers the credential that
// [Request.Present] found.
type Request struct {
	// GrantType is the grant_type, and TypeAPIKey for the URN of it too.
	GrantType string
	// Issuer is the endpoint's issuer. Credentials of other issuers are not found
	// here.
	Issuer string
	// Client made the request. It is never nil in Authorize and in hooks.
	Client *storage.Client
	// AuthMethod is how the client authenticated, a value of
	// storage.Client.AuthMethod. It is storage.AuthNone for a public client,
	// and for a confidential one whose API key stands for its secret.
	AuthMethod string
	// Scope is the requested scope, nil when there is none (RFC 6749 §3.3).
	Scope []string
	// Resource holds the requested resources (RFC 8707). The endpoint compares them
	// with Authorization.Audience; a grant need not look at them.
	Resource []string
	// Form holds all parameters except resource and the client's secrets.
	Form Form
	// Time is the one instant at which the endpoint decides the request, in UTC.
	Time time.Time
	// HTTP is the request itself: headers, TLS, peer. Its body has been read.
	HTTP *http.Request
	// Storage finds credentials and API keys. It cannot change them.
	Storage storage.Reader

	own    found  // the credential that this request found
	shared *found // if not nil, in its place, see Share
}

// Format prints the grant type and the client, for every verb: the form and
// the headers hold credentials.
func (r Request) Format(f fmt.State, _ rune) {
	client := ""
	if r.Client != nil {
		client = r.Client.ID
	}
	fmt.Fprintf(f, "grants.Request{GrantType: %q, Client: %q}", r.GrantType, client)
}

// LogValue returns the text of [Request.Format].
func (r Request) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// MarshalText returns the text of [Request.Format].
func (r Request) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }

// Authorization is the most that a request may have. The endpoint narrows it to the
// registration of the client and to the parameters of the request.
type Authorization struct {
	// Subject is the "sub" of the token. It is required.
	Subject string
	// Scope is the scope that may be granted. If empty, none.
	Scope []string
	// Audience holds the audiences that may be granted. If nil, those of the client
	// apply, and if the client has none, those of the endpoint.
	Audience []string
	// Claims are further claims of the access token. The tokens of every later
	// refresh carry the claims that a grant sets; only this token carries the claims
	// that a hook adds. A hook gets a copy of the map, with copies of the maps and the
	// lists of strings and of any in it; a value of another type must not change. The
	// names that only the endpoint sets, such as iss and sub, are refused with
	// server_error, see [ReservedClaim].
	Claims map[string]any
	// Lifetime is the lifetime of the access token. If zero, that of the client
	// applies, and if the client has none, that of the endpoint.
	Lifetime time.Duration
	// ExpiresAt, if not zero, bounds the life of every token that is issued.
	ExpiresAt time.Time
	// Refresh asks for a refresh token as well. A client that may not use the
	// refresh_token grant gets none.
	Refresh bool
	// Hook, if not nil, has the last word.
	Hook Hook
}

// authorization returns an Authorization with copies of these lists, usually in one
// allocation. A host's grant that wraps one of ours may change the result in place.
// The record behind the request must not change with it, since the next refresh token
// inherits from that record.
func authorization(scope, audience []string) *Authorization {
	a := new(struct {
		Authorization
		text [8]string
	})
	both := append(append(a.text[:0], scope...), audience...)
	if scope != nil {
		a.Scope = both[:len(scope):len(scope)]
	}
	if audience != nil { // nil is the client's
		a.Audience = slices.Clip(both[len(scope):])
	}
	return &a.Authorization
}

// AddClaim adds a claim, or replaces the one of that name. Hooks call it, so that the
// other claims stay.
func (a *Authorization) AddClaim(name string, value any) {
	if a.Claims == nil {
		a.Claims = make(map[string]any)
	}
	a.Claims[name] = value
}
