// Package bearer protects an API with the access tokens of a token endpoint
// (RFC 6750, RFC 9068 §4).
//
//	verifier, err := bearer.New(bearer.Config{
//		Issuer:   "https://auth.example.com",
//		Audience: "https://api.example.com",
//		Keys:     keys, // the *jws.KeySet of the endpoint, or a *jws.Remote
//	})
//	mux.Handle("GET /orders", verifier.RequireToken("orders:read")(orders))
//
// [Verifier.RequireToken] is middleware for any router, and [Token] is what the
// handler behind it knows of who calls. In the process of the endpoint the keys
// are those of the endpoint itself; a resource server elsewhere has them from
// its jwks.json, by [jws.Remote].
//
// A token costs one check of a signature when it comes first, and none while it
// is remembered. No store is asked, unless Config.Revocations is set. Without
// it a token that was revoked is good until it expires.
package bearer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// Config is all that a [Verifier] can be told. [New] copies it.
type Config struct {
	// Issuer is the "iss" that a token must have, byte for byte: that of
	// tokenendpoint.Config. It is required.
	Issuer string
	// Audience is what this API is called in the "aud" of a token, byte for
	// byte. A token that does not have it is for somebody else. It is required.
	Audience string
	// Keys verify the tokens: a *jws.KeySet in the process that signs, a
	// *jws.Remote elsewhere. They are required.
	Keys jws.Keys
	// TokenType is the "typ" that a token must have: jws.TypeAccessToken, which
	// is also what empty means (RFC 9068 §4), or jws.TypeJWT, if that is the
	// TokenType of the endpoint.
	TokenType string

	// Leeway is by how much the clocks of the issuer and of this process may
	// differ: a token is good that long before its "iat" and after its "exp".
	// If zero, 10 seconds; if negative, none; at most a minute. With
	// Revocations there is none after "exp": a store may forget with the token
	// that it was revoked.
	Leeway time.Duration
	// Revocations is asked about each token that is good otherwise. If nil,
	// nothing is: no request waits for a store, and a token is good until it
	// expires. [CacheRevocations] makes asking cheap, at the price of a stated
	// delay.
	Revocations Revocations
	// Timeout bounds the time for Revocations to answer. If zero, 2 seconds; at
	// least one, at most a minute.
	Timeout time.Duration
	// CacheSize is how many tokens that verified are remembered, rounded up to
	// a multiple of four. If zero, 4096; if negative, none; at most 1048576. A
	// token of more than 8 KiB is not remembered.
	CacheSize int

	// Realm is that of the challenges (RFC 9110 §11.5). If empty, "api".
	Realm string
	// Logger gets a line at error level for each request that was answered with
	// 503, with the cause and an error id that the answer has too, and one at
	// debug level for each that was refused. If nil, slog.Default().
	Logger *slog.Logger
}

// Revocations knows which tokens were revoked before they expired. A
// storage.Revocations is one.
type Revocations interface {
	// Revoked reports whether an access token is revoked: itself, by its "jti",
	// or with its family, which is empty for a token without one. If that cannot
	// be found out it returns an error; then the token is not let through. It is
	// safe for concurrent use.
	Revoked(ctx context.Context, id, family string) (bool, error)
}

// RevocationsFunc is a function that is a [Revocations].
type RevocationsFunc func(ctx context.Context, id, family string) (bool, error)

// Revoked calls f.
func (f RevocationsFunc) Revoked(ctx context.Context, id, family string) (bool, error) {
	return f(ctx, id, family)
}

// Verifier verifies access tokens. It is safe for concurrent use. Only [New]
// makes one that works.
type Verifier struct {
	issuer, audience, tokenType string

	keys        jws.Keys
	revocations Revocations // may be nil
	timeout     time.Duration
	early, late time.Duration // before iat, after exp
	remembered  *table[digest, verified]
	challenge   string
	logger      *slog.Logger

	// verify is jws.Verify; tests count how often it is called.
	verify func(ctx context.Context, keys jws.Keys, token, typ string, at time.Time) ([]byte, *jws.PublicKey, error)
}

const defaultCacheSize = 4096

// New makes a Verifier. Its error names every fault of the configuration, not
// the first alone.
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
		logger:      c.Logger,
		verify:      jws.Verify,
	}
	if v.revocations == nil {
		v.late = v.early
	}
	if c.Issuer == "" {
		faults.add("Issuer is missing")
	}
	if c.Audience == "" {
		faults.add("Audience is missing")
	}
	if isNil(c.Keys) {
		faults.add("Keys is nil")
	}
	if c.Revocations != nil && isNil(c.Revocations) {
		faults.add("Revocations is a nil pointer or function")
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

// faults are what is wrong with a configuration.
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
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			f.add("Realm is not printable ASCII without quotes and backslashes")
			break
		}
	}
	return s
}

// isNil sees through an interface to a nil pointer or function.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map:
		return r.IsNil()
	}
	return false
}
