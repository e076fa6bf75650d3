package tokenendpoint

import (
	"fmt"
	"net/http"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// RequireToken returns middleware for an API in the process of the endpoint: it
// lets a request through that bears an access token of this endpoint for the
// first of Config.Audience, with every one of the scopes. See
// [bearer.Verifier.RequireToken] for its answers, and [bearer.Token] for the
// claims. For another audience, ask [Handler.Verifier] once and use its
// RequireToken.
//
// With Config.Revocations, a token that this endpoint revokes in this process is
// refused at once, and one that another replica revokes, or the host in its store,
// after Config.RevocationStaleness at most. Without, a token is good until it
// expires.
//
// It panics if a scope is not one of RFC 6749 §3.3.
func (h *Handler) RequireToken(scope ...string) func(http.Handler) http.Handler {
	return h.verifier.RequireToken(scope...)
}

// Verifier returns a verifier of this endpoint's access tokens for an audience,
// which is one of Config.Audience or of a client. It knows of revocations what
// [Handler.RequireToken] knows. What it remembers is its own: make one for an
// audience, not one for a request.
func (h *Handler) Verifier(audience string) (*bearer.Verifier, error) {
	c := bearer.Config{
		Issuer:    h.issuer,
		Audience:  audience,
		Keys:      h.keys,
		TokenType: h.tokenType,
		Timeout:   h.timeout,
		Logger:    h.logger,
	}
	switch {
	case h.cached != nil:
		c.Revocations = h.cached
	case !h.forgetful:
		c.Revocations = h.revocations
	}
	v, err := bearer.New(c)
	if err != nil {
		return nil, fmt.Errorf("tokenendpoint: %w", err)
	}
	return v, nil
}

// ForgetRevocations makes the verifiers of this process ask again, for what they
// were told is from before a revocation. The endpoint does so by itself when it
// revokes; a host calls it when it has revoked something in its store, so that
// this holds at once here, too.
func (h *Handler) ForgetRevocations() {
	if h.cached != nil {
		h.cached.Forget()
	}
}
