package bearer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/internal/resource"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// Config is all that a [Verifier] can be told. [New] copies it.
type Config struct {
	// Issuer is the "iss" that a token must have, byte for byte: Issuer of
	// tokenendpoint.Config. It is required.
	Issuer string
	// Audience is the name of this API in the "aud" of a token, byte for byte. A
	// token without it is for another API. It is required.
	Audience string
	// Keys verify the tokens: a *jws.KeySet in the process that signs, a *jws.Remote
	// elsewhere. They are required.
	Keys jws.Keys
	// TokenType is the "typ" that a token must have: jws.TypeAccessToken, which empty
	// means too (RFC 9068 §4), or jws.TypeJWT, if the endpoint has that TokenType. A
	// token that was signed under another TokenType is refused.
	TokenType string

	// Leeway is by how much the clocks of the issuer and of this process may differ.
	// A token is good that long before its "iat" and after its "exp". If zero, 10
	// seconds; if negative, none; at most a minute. With Revocations there is none
	// after "exp": a store may forget a revocation when the token expires.
	Leeway time.Duration
	// ClientCertificate finds the certificate that a client has shown in the TLS
	// handshake: mtls.Connection, or mtls.Header behind a proxy. A token that is bound to
	// a certificate (RFC 8705 §3) is good for the client that shows it. If nil, such a
	// token is refused.
	ClientCertificate mtls.Source
	// Revocations is asked about each token that is good otherwise. If nil, no store
	// is asked: no request waits for one, and a token is good until it expires.
	// [CacheRevocations] makes asking cheap, at the price of a stated delay.
	Revocations Revocations
	// Timeout bounds the time in which Revocations must answer. If zero, 2 seconds;
	// at least one, at most a minute.
	Timeout time.Duration
	// CacheSize is how many tokens that verified are remembered, rounded up to a
	// multiple of four. If zero, 4096; if negative, none; at most 1048576. A token of
	// more than 8 KiB is not remembered.
	CacheSize int

	// ScopesSupported are the scopes of this API that clients learn of in its
	// metadata, see [Verifier.ResourceMetadata]. They are documentation: nothing is
	// checked against them. A client that got no scope in a challenge asks for all of
	// them, so leave out what few clients may have. If empty, none is named.
	ScopesSupported []string
	// Realm is the realm of the challenges (RFC 9110 §11.5). If empty, "api".
	Realm string
	// ErrorURI is the URL below which a page explains each error, ErrorURI of
	// tokenendpoint.Config: then a challenge with an error has an error_uri too (RFC 6750
	// §3), ErrorURI + "/errors/" + the code. If empty, none has.
	ErrorURI string
	// Observe, if not nil, is told of every request that comes to RequireToken: of an
	// admitted request before its handler runs, of any other after its answer has
	// been written. It must not block. It is called concurrently. A panic of Observe
	// is logged and changes no answer.
	Observe func(context.Context, Event)
	// Logger gets a line at error level for each request that was answered with 503,
	// with the cause and with the error id of the answer. It gets one for each
	// request that was refused: at info level, with the sub, client_id and jti, if
	// the signature of its token is right, else at debug level. If nil,
	// slog.Default().
	Logger *slog.Logger
}

// Revocations knows which tokens were revoked before they expired. A
// storage.Revocations is one.
type Revocations interface {
	// Revoked reports whether an access token is revoked, by its "jti" or by its
	// family, which is empty for a token without one. If it cannot tell, it returns
	// an error, and the token is not let through. It is safe for concurrent use.
	Revoked(ctx context.Context, id, family string) (bool, error)
}

// RevocationsFunc is a function that is a [Revocations].
type RevocationsFunc func(ctx context.Context, id, family string) (bool, error)

// Revoked calls f.
func (f RevocationsFunc) Revoked(ctx context.Context, id, family string) (bool, error) {
	return f(ctx, id, family)
}

// Verifier verifies access tokens. It is safe for concurrent use. Only [New] makes a
// working one.
type Verifier struct {
	issuer, audience, tokenType string

	keys         jws.Keys
	revocations  Revocations // may be nil
	timeout      time.Duration
	early, late  time.Duration // before iat, after exp
	remembered   *table[digest, verified]
	challenge    string                       // its beginning
	errorURI     string                       // or empty
	challengeEnd string                       // or empty
	resource     *resource.Resource           // nil if the audience is no URL
	certificate  mtls.Source                  // may be nil
	observe      func(context.Context, Event) // may be nil
	logger       *slog.Logger

	// verify is jws.Verify; tests count how often it is called.
	verify func(ctx context.Context, keys jws.Keys, token, typ string, at time.Time) ([]byte, *jws.PublicKey, error)
}

const defaultCacheSize = 4096

// New makes a Verifier. Its error names every fault of the configuration, and not
// only the first.
func New(c Config) (*Verifier, error) {
	var faults faults
	v := &Verifier{
		issuer:      c.Issuer,
		audience:    c.Audience,
		tokenType:   c.TokenType,
		keys:        c.Keys,
		revocations: c.Revocations,
		early:       faults.leeway(c.Leeway),
		timeout:     faults.timeout(c.Timeout),
		remembered:  newTable[digest, verified](faults.cacheSize(c.CacheSize)),
		challenge:   `Bearer realm="` + faults.realm(c.Realm) + `"`,
		errorURI:    faults.errorURI(c.ErrorURI),
		certificate: c.ClientCertificate,
		observe:     c.Observe,
		logger:      c.Logger,
		verify:      jws.Verify,
	}
	if v.revocations == nil {
		v.late = v.early
	}
	if v.resource = resource.Describe(c.Audience, c.Issuer, c.ScopesSupported); v.resource != nil {
		v.challengeEnd = `, resource_metadata="` + v.resource.URL + `"`
	}
	if !areScopes(c.ScopesSupported) {
		faults.add("ScopesSupported has one that is no scope of RFC 6749 §3.3")
	}
	if c.Issuer == "" {
		faults.add("Issuer is missing")
	}
	if c.Audience == "" {
		faults.add("Audience is missing")
	}
	switch {
	case nils.Is(c.Keys):
		faults.add("Keys is nil")
	case isZero(c.Keys):
		faults.add("Keys was not made by jws.NewKeySet, jws.OpenKeySet or jws.NewRemote")
	}
	switch {
	case c.Revocations == nil:
	case nils.Is(c.Revocations):
		faults.add("Revocations is a nil pointer or function")
	case isZero(c.Revocations):
		faults.add("Revocations was not made by CacheRevocations")
	case nils.Unopened(c.Revocations) != nil:
		faults.add("Revocations: %w", nils.Unopened(c.Revocations))
	}
	switch c.TokenType {
	case "":
		v.tokenType = jws.TypeAccessToken
	case jws.TypeAccessToken, jws.TypeJWT:
	default:
		faults.add("TokenType is neither %s nor %s", jws.TypeAccessToken, jws.TypeJWT)
	}
	if v.logger == nil {
		v.logger = slog.Default()
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return v, nil
}

// faults are the errors of a configuration.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("bearer: "+format, args...))
}

func (f *faults) leeway(d time.Duration) time.Duration {
	switch {
	case d == 0:
		return 10 * time.Second
	case d < 0:
		return 0
	case d > time.Minute:
		f.add("Leeway is over a minute")
	}
	return d
}

func (f *faults) timeout(d time.Duration) time.Duration {
	switch {
	case d == 0:
		return 2 * time.Second
	case d < time.Second || d > time.Minute:
		f.add("Timeout is not between 1s and 1m0s")
	}
	return d
}

func (f *faults) cacheSize(n int) int {
	switch {
	case n == 0:
		return defaultCacheSize
	case n > 1<<20:
		f.add("CacheSize is over %d", 1<<20)
		return 0
	}
	return max(n, 0)
}

func (f *faults) realm(s string) string {
	if s == "" {
		return "api"
	}
	if !isQuotable(s) {
		f.add("Realm is not printable ASCII without quotes and backslashes")
	}
	return s
}

func (f *faults) errorURI(s string) string {
	if s == "" {
		return ""
	}
	u, ok := weburl.Parse(s)
	switch {
	case !ok || !isQuotable(s) || strings.ContainsAny(s, " ?"):
		f.add("ErrorURI is not a URL without query and fragment, such as https://auth.example.com/docs")
	case weburl.SchemeFault(u) != "":
		f.add("ErrorURI %s", weburl.SchemeFault(u))
	}
	return s
}

// isQuotable reports whether s may stand between the quotes of a challenge.
func isQuotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// isZero reports whether v is the zero value of a type of this library that only a
// constructor makes. It would panic at the first request of the host's API.
func isZero(v any) bool {
	switch v.(type) {
	case *jws.KeySet, *jws.Remote, *CachedRevocations:
		return reflect.ValueOf(v).Elem().IsZero()
	}
	return false
}
