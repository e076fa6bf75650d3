package bearer

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// RequireToken returns middleware that lets a request through if it bears an
// access token that is good here and has every one of the scopes. The handler
// then has the claims from [Token]. In any other case it does not run:
//
//	no token                     401, a challenge without an error (RFC 6750 §3)
//	a malformed or second one    400 invalid_request
//	one that is not good         401 invalid_token, whatever is wrong with it
//	one that lacks a scope       403 insufficient_scope, with the scopes of the route
//	keys or revocations in trouble
//	                             503 temporarily_unavailable, with Retry-After
//
// The token is taken from the Authorization header alone. One in the query ends
// up in logs (RFC 9700 §4.3.2), and one in the body could not be read without
// spending the body.
//
// The preflight of a browser bears no token and is refused like any request:
// put what answers to CORS around this, not inside. The challenge is for
// scripts of other origins to read if Access-Control-Expose-Headers names
// WWW-Authenticate.
//
// It panics if a scope is not one of RFC 6749 §3.3, as http.ServeMux does with
// a pattern.
func (v *Verifier) RequireToken(scope ...string) func(http.Handler) http.Handler {
	scope = slices.Clone(scope)
	for _, s := range scope {
		if !isScope(s) {
			panic("bearer: RequireToken: not a scope of RFC 6749 §3.3")
		}
	}
	route := route{Verifier: v, scope: scope}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, refused := route.admit(r)
			if refused != nil {
				route.refuse(w, r, refused)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, t)))
		})
	}
}

// route is a Verifier and what a route asks for beyond a good token.
type route struct {
	*Verifier
	scope []string
}

func (v route) admit(r *http.Request) (*jws.AccessToken, *refusal) {
	token, refused := presented(r)
	if refused != nil {
		return nil, refused
	}
	t, err := v.judge(r.Context(), token, time.Now())
	switch {
	case errors.Is(err, jws.ErrInvalid):
		return nil, &refusal{status: http.StatusUnauthorized, code: invalidToken, cause: err}
	case err != nil:
		return nil, &refusal{status: http.StatusServiceUnavailable, code: unavailable, cause: err}
	}
	for _, s := range v.scope {
		if !t.HasScope(s) {
			return nil, &refusal{status: http.StatusForbidden, code: insufficientScope, cause: errLacksScope}
		}
	}
	return t, nil
}

var (
	errNone       = errors.New("bearer: the request has no bearer token")
	errMalformed  = errors.New("bearer: the Authorization header is malformed")
	errTwice      = errors.New("bearer: the request has two tokens")
	errLacksScope = errors.New("bearer: the token lacks a scope")
)

// presented returns the token that a request shows (RFC 6750 §2.1).
func presented(r *http.Request) (string, *refusal) {
	header := r.Header["Authorization"]
	if len(header) > 1 {
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, cause: errTwice}
	}
	if len(header) == 0 {
		return "", &refusal{status: http.StatusUnauthorized, cause: errNone}
	}
	scheme, rest, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1
		return "", &refusal{status: http.StatusUnauthorized, cause: errNone}
	}
	token := strings.TrimLeft(rest, " ")
	switch {
	case !isToken(token):
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, cause: errMalformed}
	case inQuery(r.URL): // RFC 6750 §2: one method in each request
		return "", &refusal{status: http.StatusBadRequest, code: invalidRequest, cause: errTwice}
	}
	return token, nil
}

// isToken reports whether s is a b64token: letters, digits, -._~+/ and then any
// number of =.
func isToken(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/", c) < 0:
			return false
		}
	}
	return s != ""
}

// inQuery reports whether there is a token in the query. Only a query that may
// have one is taken apart.
func inQuery(u *url.URL) bool {
	if u == nil || !strings.Contains(u.RawQuery, "access_token") && !strings.Contains(u.RawQuery, "%") {
		return false
	}
	return u.Query().Has("access_token")
}

// isScope reports whether s is a scope-token: %x21 / %x23-5B / %x5D-7E.
func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return s != ""
}

type contextKey struct{}

// Token returns the access token of a request that [Verifier.RequireToken] has
// let through, from the request's context, and whether there is one. Each call
// returns a copy that is the caller's to change. Numbers among the further
// claims are json.Number.
func Token(ctx context.Context) (*jws.AccessToken, bool) {
	t, ok := ctx.Value(contextKey{}).(*jws.AccessToken)
	if !ok {
		return nil, false
	}
	return clone(t), true
}
