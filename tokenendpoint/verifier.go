package tokenendpoint

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/bearer"
)

// RequireToken returns middleware for an API in the process of the endpoint: it
// lets a request through that bears an access token of this endpoint for the
// first of Config.Audience, with every one of the scopes. See
// [bearer.Verifier.RequireToken] for its answers, and [bearer.Token] for the
// claims. For another audience, ask [Handler.Verifier] once and use its
// RequireToken. Config.ObserveBearer and the log say why a token is refused.
//
// It judges by the current configuration. A token that was signed under another
// Issuer or TokenType, for an audience that is no longer the first, or by a key
// that is no longer published is refused, though it has not expired.
//
// With Config.Revocations, a token that this endpoint revokes in this process is
// refused at once, and one that another replica revokes, or the host in its
// store, after Config.RevocationStaleness at most. Without Config.Revocations, a
// token is good until it expires.
//
// It panics if a scope is not one of RFC 6749 §3.3.
func (h *Handler) RequireToken(scope ...string) func(http.Handler) http.Handler {
	return h.verifier.RequireToken(scope...)
}

// Verifier returns a verifier of this endpoint's access tokens for an audience,
// which is one of Config.Audience or of a client. It knows the revocations that
// [Handler.RequireToken] knows. Each has a memory of its own: make one for an
// audience, not one for a request.
//
// If Config.Audience does not have the audience, only the tokens of clients with an
// Audience of their own can be for it. That can be meant, so Verifier writes a line to the
// log, at info level. If Config.Audience has it in another spelling, the line is at warn
// level: a verifier compares byte for byte.
func (h *Handler) Verifier(audience string) (*bearer.Verifier, error) {
	c := bearer.Config{
		Issuer:    h.issuer,
		Audience:  audience,
		Keys:      h.keys,
		TokenType: h.tokenType,
		Timeout:   h.timeout,
		Observe:   h.observeBearer,

		ClientCertificate: h.clientCertificate,

		Logger: h.logger,

		ScopesSupported: h.scopes,
		ErrorURI:        h.errorURI,
	}
	switch {
	case h.cached != nil:
		c.Revocations = h.cached
	case h.hasRevocations:
		c.Revocations = h.revocations
	}
	v, err := bearer.New(c)
	if err != nil {
		return nil, fmt.Errorf("tokenendpoint: %w", err)
	}
	if !slices.Contains(h.audience, audience) {
		h.hintAtAudience(audience)
	}
	return v, nil
}

// hintAtAudience tells the log of a verifier that perhaps takes no token at all. A logger
// that panics stops no process that starts.
func (h *Handler) hintAtAudience(audience string) {
	defer func() { recover() }() // the logger's
	if i := grants.FindAudience(h.audience, audience); i >= 0 {
		h.logger.Warn("token endpoint: a verifier for another spelling of an audience: it refuses tokens for the spelling in Config.Audience", "audience", audience, "configured", h.audience[i])
		return
	}
	h.logger.Info("token endpoint: a verifier for an audience that is not in Config.Audience: it takes tokens of clients that have this Audience, and no others", "audience", audience)
}

// ForgetRevocations makes the verifiers of this process ask the store again,
// since their answers are from before a revocation. The endpoint does so by
// itself when it revokes; a host calls it when it has revoked something in its
// store, so that this holds at once here, too.
func (h *Handler) ForgetRevocations() {
	if h.cached != nil {
		h.cached.Forget()
	}
}
