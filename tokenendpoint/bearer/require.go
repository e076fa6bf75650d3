package bearer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/authscheme"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// RequireToken returns middleware that lets a request through if it bears an access
// token that is good here and has every one of the scopes. The handler then gets the
// claims from [Token]. In any other case the handler does not run:
//
//	no token                     401, a challenge without an error (RFC 6750 §3)
//	a malformed or second one    400 invalid_request
//	one that is bad              401 invalid_token, for every fault
//	one that lacks a scope       403 insufficient_scope
//	keys or revocations in trouble
//	                             503 temporarily_unavailable, with Retry-After
//
// Each of these but the last has a challenge with the scopes of the route and, if
// Config.Audience is a URL, with the address of its metadata: see
// [Verifier.ResourceMetadata]. The answers tell the client no more. The log and
// Config.Observe get the [Reason]. A refused token whose signature is right is logged
// at info level with its sub, client_id and jti; every other refusal at debug level,
// without a claim.
//
// The token is taken from the Authorization header alone. A token in the query ends
// up in logs (RFC 9700 §4.3.2), and a token in the body could not be read without
// spending the body.
//
// The preflight of a browser bears no token and is refused like any request: put the
// middleware that answers CORS requests around this, not inside. Scripts of other
// origins can read the challenge if Access-Control-Expose-Headers names
// WWW-Authenticate.
//
// RequireToken panics if a scope is not one of RFC 6749 §3.3, as http.ServeMux does
// with a pattern.
func (v *Verifier) RequireToken(scope ...string) func(http.Handler) http.Handler {
	scope = slices.Clone(scope)
	if !areScopes(scope) {
		panic("bearer: RequireToken: not a scope of RFC 6749 §3.3")
	}
	route := route{Verifier: v, scope: scope}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := time.Now()
			t, refused := route.admit(r, at)
			if refused != nil {
				refused.at = at
				route.refuse(w, r, refused)
				return
			}
			route.admitted(r, t, at)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, t)))
		})
	}
}

func areScopes(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !storage.IsScopeToken(s) })
}

// route is a Verifier with the scope that a route demands.
type route struct {
	*Verifier
	scope []string
}

func (v route) admit(r *http.Request, at time.Time) (*jws.AccessToken, *refusal) {
	token, refused := presented(r)
	if refused != nil {
		return nil, refused
	}
	t, err := v.check(r.Context(), token, at)
	if err == nil && t.CertificateThumbprint != "" {
		err = v.shows(r, t)
	}
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nil, &refusal{status: http.StatusUnauthorized, code: invalidToken, reason: reasonOf(err), cause: explained(token, err), token: t}
	case err != nil:
		reason := Outage
		if r.Context().Err() != nil {
			reason = HungUp
		}
		return nil, &refusal{status: http.StatusServiceUnavailable, code: unavailable, reason: reason, cause: err, token: t}
	}
	for _, s := range v.scope {
		if !t.HasScope(s) {
			cause := fmt.Errorf("bearer: the token lacks the scope %q: it has %s", s, shown(t.Scope))
			return nil, &refusal{status: http.StatusForbidden, code: insufficientScope, reason: LacksScope, cause: cause, token: t}
		}
	}
	return t, nil
}

var (
	errNone      = errors.New("bearer: the request has no bearer token: it has no Authorization header")
	errMalformed = errors.New("bearer: the Authorization header has no token of RFC 6750 §2.1: was it cut, or quoted?")
	errTwice     = errors.New("bearer: the request has two tokens")
)

// presented returns the token that a request shows (RFC 6750 §2.1).
func presented(r *http.Request) (string, *refusal) {
	header := r.Header["Authorization"]
	if len(header) > 1 {
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, reason: TwoTokens, cause: errTwice}
	}
	if len(header) == 0 {
		return "", &refusal{status: http.StatusUnauthorized, reason: NoToken, cause: errNone}
	}
	scheme, rest, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1
		return "", &refusal{status: http.StatusUnauthorized, reason: NoToken, cause: otherScheme(scheme)}
	}
	token := strings.TrimLeft(rest, " ")
	switch {
	case !isToken(token):
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, reason: MalformedHeader, cause: errMalformed}
	case inQuery(r.URL): // RFC 6750 §2: one method in each request
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, reason: TwoTokens, cause: errTwice}
	}
	return token, nil
}

// otherScheme is the cause of a refusal for the scheme of the Authorization header.
func otherScheme(scheme string) error {
	known := authscheme.Known(scheme)
	if known == "" {
		known = "no scheme that is known: did the client forget the word Bearer?"
	}
	return fmt.Errorf("bearer: the request has no bearer token: its Authorization header has %s", known)
}

// explained says what a text is that is no JWT, if it is another secret of this
// library: a client has taken one member of an answer for another.
func explained(token string, cause error) error {
	secret := storage.PresentedSecret(token)
	var is string
	switch {
	case secret.WellFormed(grants.RefreshTokenPrefix):
		is = "a refresh token: the client must send the access_token of the answer"
	case secret.WellFormed(grants.CodePrefix):
		is = "an authorization code: the client must redeem it at the token endpoint"
	case secret.WellFormedAny():
		is = "an API key or a client secret: the client must exchange it at the token endpoint"
	default:
		return cause
	}
	return fmt.Errorf("%w: it is %s", cause, is)
}

// isToken reports whether s is a b64token: letters, digits, -._~+/ and then any
// number of =.
func isToken(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		if !inToken[s[i]] {
			return false
		}
	}
	return s != ""
}

// inToken has the characters of a b64token. A token is long, and one look-up for each
// takes a quarter of the time of comparisons.
var inToken = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		in[c] = true
	}
	return in
}()

// inQuery reports whether there is a token in the query. It parses only a query that
// may have one.
func inQuery(u *url.URL) bool {
	if u == nil || !strings.Contains(u.RawQuery, "access_token") && !strings.Contains(u.RawQuery, "%") {
		return false
	}
	return u.Query().Has("access_token")
}

type contextKey struct{}

// Token returns the access token of a request that [Verifier.RequireToken] has let
// through, from the request's context, and whether there is one. Each call returns a
// copy, which the caller may change. Numbers among the further claims are
// json.Number.
func Token(ctx context.Context) (*jws.AccessToken, bool) {
	t, ok := ctx.Value(contextKey{}).(*jws.AccessToken)
	if !ok {
		return nil, false
	}
	return clone(t), true
}
