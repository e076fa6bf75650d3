// Package grants holds the decisions of a token endpoint: what a request may
// have.
//
// A [Grant] reads and answers with an [Authorization]. It mints nothing and
// writes nothing: package tokenendpoint signs, spends and issues, in one order,
// for every grant alike. So a grant of a host's own is one function, and it
// gets refresh tokens, rotation and replay detection without a further line:
//
//	func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
//		user, err := users.ByBadge(ctx, r.Form["badge"])
//		switch {
//		case errors.Is(err, sql.ErrNoRows):
//			return nil, grants.InvalidGrant // no
//		case err != nil:
//			return nil, err // an outage
//		}
//		return &grants.Authorization{Subject: user.ID, Scope: user.Scope, Refresh: true}, nil
//	}
//
// A [Hook] bends a grant: it refuses, narrows, or adds claims.
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

// The grant types of this package, as they stand in the grant_type parameter
// and, but for TypeAPIKeyURN, in storage.Client.GrantTypes.
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

// Grant decides what a request may have. Its methods are called concurrently.
type Grant interface {
	// Authorize answers with what the request may have at most, or with a
	// [Code] or an [Error] if nothing. Every other error is an outage. It
	// changes nothing; what it found by [Request.Present] is used up by the
	// endpoint.
	Authorize(ctx context.Context, r *Request) (*Authorization, error)
}

// Func is a function that is a [Grant]. It is called when the client has been
// authenticated; a grant that wants to complain of a missing parameter before
// that is a [Checker].
type Func func(ctx context.Context, r *Request) (*Authorization, error)

// Authorize calls f.
func (f Func) Authorize(ctx context.Context, r *Request) (*Authorization, error) { return f(ctx, r) }

// Hook has the last word on an authorization: it is asked after every check has
// passed and before anything is signed or written. It may refuse with a [Code]
// or an [Error], and change a, which is a copy of what the grant gave, narrowed
// to the request: leave out scopes and audiences, add claims, shorten the
// lifetime, drop the refresh token. A hook that widens the scope or the audience
// or changes the subject is a defect, answered with server_error. Every other
// error is an outage.
//
// A scope that is narrowed when a refresh token is first issued is narrowed in
// all that follows. At a refresh it is narrowed for one access token: the
// refresh token keeps what was granted (RFC 6749 §6).
type Hook func(ctx context.Context, r *Request, a *Authorization) error

// Checker is a [Grant] that can tell from the request alone that a parameter is
// missing. Check is called before the client is authenticated: r.Client is nil, and
// r.AuthMethod says how the request shows its secret, which may be wrong.
type Checker interface {
	Grant
	Check(r *Request) error
}

// Identifier is a [Grant] whose credential can stand for the authentication of
// the client, as an API key does. A grant that is no Identifier needs an
// authenticated client.
type Identifier interface {
	Grant
	// IdentifiesClient reports whether a confidential client need not
	// authenticate.
	IdentifiesClient() bool
	// ClientID names the client of a request without client_id. It is called
	// before the client is looked up: r.Client is nil.
	ClientID(ctx context.Context, r *Request) (string, error)
}

// Form holds the parameters of a token request. Each is there at most once,
// form and JSON alike, and one without a value is not there (RFC 6749 §3.2).
// The client's secrets are left out.
//
// fmt prints a placeholder for a Form, except in an unexported field of another
// struct, where it prints the values: do not print such a struct.
type Form map[string]string

// Format prints a placeholder: the values are credentials.
func (Form) Format(f fmt.State, _ rune) { io.WriteString(f, "grants.Form{REDACTED}") }

// LogValue returns a placeholder.
func (Form) LogValue() slog.Value { return slog.StringValue("grants.Form{REDACTED}") }

// MarshalText returns a placeholder.
func (Form) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// Request is a token request whose syntax is right and whose client is
// authenticated. Its fields are read-only. It belongs to one goroutine: what
// [Request.Present] finds is remembered in it.
type Request struct {
	// GrantType is the grant_type, TypeAPIKey for its URN too.
	GrantType string
	// Client made the request. It is never nil in Authorize and in hooks.
	Client *storage.Client
	// AuthMethod is how the client authenticated, a value of
	// storage.Client.AuthMethod. It is storage.AuthNone for a public client,
	// and for a confidential one whose API key stands for its secret.
	AuthMethod string
	// Scope is the requested scope, nil when there is none (RFC 6749 §3.3).
	Scope []string
	// Resource holds the requested resources (RFC 8707). The endpoint holds
	// them against Authorization.Audience; a grant need not look at them.
	Resource []string
	// Form holds all parameters but the client's secrets and resource.
	Form Form
	// Time is the one instant at which the request is judged, in UTC.
	Time time.Time
	// HTTP is the request itself: headers, TLS, peer. Its body is spent.
	HTTP *http.Request
	// Storage finds credentials and API keys. It cannot change them.
	Storage storage.Reader

	presented presented       // see Present
	key       *storage.APIKey // see APIKey
}

// Format prints the grant type and the client, whatever the verb: the form and
// the headers hold credentials.
func (r Request) Format(f fmt.State, _ rune) {
	client := ""
	if r.Client != nil {
		client = r.Client.ID
	}
	fmt.Fprintf(f, "grants.Request{GrantType: %q, Client: %q}", r.GrantType, client)
}

// LogValue returns what [Request.Format] prints.
func (r Request) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// MarshalText returns what [Request.Format] prints.
func (r Request) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }

// Authorization is what a request may have at most. The endpoint narrows it to
// what the client is registered for and to what the request asks for.
type Authorization struct {
	// Subject is the "sub" of the token. It is required.
	Subject string
	// Scope is what may be granted. If empty, none.
	Scope []string
	// Audience holds the audiences that may be granted. If nil, the client's,
	// and if it has none, the endpoint's.
	Audience []string
	// Claims are further claims of the access token. Those that a grant sets
	// are in the tokens of every later refresh too; those that a hook adds are
	// in this one. The map is copied for a hook, but not what is in it. The
	// names that RFC 9068 and RFC 7519 register for the endpoint's use, such as
	// iss and sub, are refused.
	Claims map[string]any
	// Lifetime is that of the access token. If zero, the client's, and if it
	// has none, the endpoint's.
	Lifetime time.Duration
	// ExpiresAt, if not zero, bounds the life of all that is issued.
	ExpiresAt time.Time
	// Refresh asks for a refresh token as well. None is issued to a client
	// that may not use the refresh_token grant.
	Refresh bool
	// Hook, if not nil, has the last word.
	Hook Hook
}

// authorization is one with copies of these lists, in one allocation as a rule. A
// host's grant around one of ours may change what it gets in place, and what the
// request rests on must stay what it is: the next refresh token inherits it.
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

// AddClaim adds a claim, or replaces the one of that name. It is what a hook
// calls: the other claims stay.
func (a *Authorization) AddClaim(name string, value any) {
	if a.Claims == nil {
		a.Claims = make(map[string]any)
	}
	a.Claims[name] = value
}
