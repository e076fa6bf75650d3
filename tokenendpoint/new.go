package tokenendpoint

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/deadline"
	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/internal/params"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	year                   = 365 * 24 * time.Hour
	maxAccessTokenLifetime = year
)

// New makes an endpoint. Its error names every fault of the configuration, not
// the first alone. It logs one line at warn level about settings that were probably
// forgotten, if there are any.
func New(c Config) (*Handler, error) {
	var faults faults
	if c.Grants == nil {
		c.Grants = servable(c)
	}
	h := &Handler{
		issuer:         c.Issuer,
		audience:       slices.Clone(c.Audience),
		keys:           c.Keys,
		storage:        c.Storage,
		hasCredentials: partsOf(c.Storage).Credentials != nil,
		revocations:    c.Revocations,
		hasRevocations: c.Revocations != nil,
		introspectable: c.MayIntrospect,
		clients:        c.ClientValidator,
		knownIDs:       newKnownIDs(),
		grants:         make(map[string]configuredGrant, len(c.Grants)),
		lastHook:       c.Hook,
		tokenType:      c.TokenType,
		scopes:         slices.Clone(c.ScopesSupported),
		allowedOrigins: slices.Clone(c.AllowedOrigins),
		errorURI:       c.ErrorURI,
		limiter:        c.Limiter,
		counts:         newCounts(),
		limits:         explain(c),
		remoteAddr:     c.RemoteAddr,
		observe:        c.Observe,
		observeBearer:  c.ObserveBearer,
		logger:         c.Logger,

		clientCertificate: c.ClientCertificate,

		maxTokenSize:         faults.size("MaxTokenSize", c.MaxTokenSize, 4096, params.MaxToken),
		accessTokenLifetime:  faults.lifetime("AccessTokenLifetime", c.AccessTokenLifetime, time.Hour, maxAccessTokenLifetime),
		refreshTokenLifetime: faults.lifetime("RefreshTokenLifetime", c.RefreshTokenLifetime, 30*24*time.Hour, 10*year),
		refreshTokenIdle:     faults.lifetime("RefreshTokenIdle", c.RefreshTokenIdle, 14*24*time.Hour, 10*year),
		refreshGrace:         faults.window("RefreshGrace", c.RefreshGrace, 10*time.Second),
		refreshRetries:       faults.size("RefreshRetries", c.RefreshRetries, 100, 1<<20),
		codeReuseWindow:      faults.window("CodeReuseWindow", c.CodeReuseWindow, 2*time.Second),
		revocationStaleness:  faults.window("RevocationStaleness", c.RevocationStaleness, 5*time.Second),
		timeout:              faults.lifetime("Timeout", c.Timeout, 2*time.Second, time.Minute),
		readTimeout:          faults.lifetime("ReadTimeout", c.ReadTimeout, deadline.UsualBody, 10*time.Minute),
	}
	faults.check(c)
	h.boundByKeys(&faults)
	h.rememberTokens(c, &faults)
	for name, grant := range c.Grants {
		h.grants[name] = configuredGrant{name, grant, isHosts(grant), isBuiltIn(name), isGuessable(name)}
	}
	site := h.layOut(c, &faults)
	if h.storage == nil {
		h.storage = storage.Parts{}
	}
	if nils.Is(h.clients) { // a nil pointer is a fault already
		h.clients = h.ownValidator(c, site, &faults)
	}
	h.publish(c, site, &faults)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if err := h.complete(); err != nil {
		return nil, err
	}
	h.remind(append(forgotten(c), h.unusable()...))
	return h, nil
}

// ownValidator validates the clients of Storage: their secrets and, if the host asks for
// it, their assertions.
func (h *Handler) ownValidator(c Config, s site, f *faults) ClientValidator {
	v := &clientauth.Secrets{Clients: h.storage}
	if nils.Is(c.ClientAssertions) || h.issuer == "" { // which is a fault already
		return v
	}
	var err error
	if v.Assertions, err = c.ClientAssertions.ForEndpoint(h.issuer, s.token, h.logger); err != nil {
		f.add("ClientAssertions: %w", err)
	}
	return v
}

// servable returns the grants that the rest of a configuration can serve. A client
// has those among them that it is registered for.
func servable(c Config) map[string]grants.Grant {
	parts := partsOf(c.Storage)
	all := map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{}}
	if parts.Credentials != nil {
		all[grants.TypeRefreshToken] = grants.RefreshToken{}
	}
	if parts.Credentials != nil && c.AuthorizationEndpoint != "" { // else no page gives codes
		all[grants.TypeAuthorizationCode] = grants.AuthorizationCode{}
	}
	if parts.APIKeys != nil {
		all[grants.TypeAPIKey] = grants.APIKey{}
	}
	return all
}

// complete sets the fields that the configuration has left out.
func (h *Handler) complete() (err error) {
	if h.tokenType == "" {
		h.tokenType = jws.TypeAccessToken
	}
	h.reader = reader{h.storage}
	switch {
	case h.revocations == nil:
		h.revocations = noRevocations{}
	case h.revocationStaleness > 0:
		if h.cached, err = bearer.CacheRevocations(h.revocations, h.revocationStaleness); err != nil {
			return err
		}
	}
	if h.logger == nil {
		h.logger = slog.Default()
	}
	h.verifier, err = h.Verifier(h.audience[0])
	return err
}

// boundByKeys bounds the lifetime of access tokens by the TokenLifetime of the
// keys: a key is published for that long after its last signature.
func (h *Handler) boundByKeys(f *faults) {
	h.maxAccessTokenLifetime = maxAccessTokenLifetime
	if h.keys == nil || *h.keys == (jws.KeySet{}) || !h.keys.Rotates() {
		return
	}
	h.maxAccessTokenLifetime = h.keys.Rotation().TokenLifetime
	if h.accessTokenLifetime > h.maxAccessTokenLifetime {
		f.add("AccessTokenLifetime is longer than the TokenLifetime of the Rotation of Keys, %s", h.maxAccessTokenLifetime)
	}
}

// rememberTokens sets up the tokens that are given again. The endpoint gives a
// token again only in the first half of its life, so a ReuseAccessTokens as long
// as a whole life is a mistake.
func (h *Handler) rememberTokens(c Config, f *faults) {
	if c.ReuseAccessTokens == 0 {
		return
	}
	h.reuseFor, h.signedTokens = f.lifetime("ReuseAccessTokens", c.ReuseAccessTokens, 0, time.Hour), new(signedTokens)
	if h.reuseFor >= h.accessTokenLifetime {
		f.add("ReuseAccessTokens must be shorter than AccessTokenLifetime")
	}
}

// partsOf lists the kinds of records that a store keeps.
func partsOf(s storage.Storage) storage.Parts {
	if parts, split := s.(storage.Parts); split || s == nil {
		return parts
	}
	return storage.Parts{Clients: s, Credentials: s, APIKeys: s}
}
