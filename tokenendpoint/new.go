package tokenendpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const (
	year                   = 365 * 24 * time.Hour
	maxAccessTokenLifetime = year
)

// New makes an endpoint. Its error names every fault of the configuration, not
// the first alone.
func New(c Config) (*Handler, error) {
	var faults faults
	h := &Handler{
		issuer:         c.Issuer,
		audience:       slices.Clone(c.Audience),
		keys:           c.Keys,
		storage:        c.Storage,
		hasCredentials: partsOf(c.Storage).Credentials != nil,
		revocations:    c.Revocations,
		introspectable: c.MayIntrospect,
		clients:        c.Clients,
		grants:         make(map[string]configuredGrant, len(c.Grants)),
		tokenType:      c.TokenType,
		allowedOrigins: slices.Clone(c.AllowedOrigins),
		limiter:        c.Limiter,
		failures:       newFailureCount(),
		remoteAddr:     c.RemoteAddr,
		observe:        c.Observe,
		logger:         c.Logger,

		maxTokenSize:         faults.size("MaxTokenSize", c.MaxTokenSize, 4096, maxToken),
		accessTokenLifetime:  faults.lifetime("AccessTokenLifetime", c.AccessTokenLifetime, time.Hour, maxAccessTokenLifetime),
		refreshTokenLifetime: faults.lifetime("RefreshTokenLifetime", c.RefreshTokenLifetime, 30*24*time.Hour, 10*year),
		refreshTokenIdle:     faults.lifetime("RefreshTokenIdle", c.RefreshTokenIdle, 14*24*time.Hour, 10*year),
		refreshGrace:         faults.window("RefreshGrace", c.RefreshGrace, 10*time.Second),
		refreshRetries:       faults.size("RefreshRetries", c.RefreshRetries, 100, 1<<20),
		codeReuseWindow:      faults.window("CodeReuseWindow", c.CodeReuseWindow, 2*time.Second),
		revocationStaleness:  faults.window("RevocationStaleness", c.RevocationStaleness, 5*time.Second),
		timeout:              faults.lifetime("Timeout", c.Timeout, 2*time.Second, time.Minute),
		readTimeout:          faults.lifetime("ReadTimeout", c.ReadTimeout, 5*time.Second, 10*time.Minute),
	}
	if c.Issuer == "" {
		faults.add("Issuer is missing")
	} else {
		faults.url("Issuer", c.Issuer)
	}
	faults.reuse(c, h)
	faults.audience(c.Audience)
	faults.grants(c)
	faults.origins(c.AllowedOrigins)
	faults.keys(c, h)
	for name, grant := range c.Grants {
		h.grants[name] = configuredGrant{name, grant}
	}
	site := faults.site(c, h)
	h.routes, h.metadata = site.routes, faults.metadata(h, site, c.Metadata)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if err := h.complete(); err != nil {
		return nil, err
	}
	return h, nil
}

// complete fills in what the configuration has left out.
func (h *Handler) complete() (err error) {
	if h.tokenType == "" {
		h.tokenType = jws.TypeAccessToken
	}
	if h.storage == nil {
		h.storage = storage.Parts{}
	}
	h.reader = reader{h.storage}
	switch {
	case h.revocations == nil:
		h.revocations, h.forgetful = noRevocations{}, true
	case h.revocationStaleness > 0:
		if h.cached, err = bearer.CacheRevocations(h.revocations, h.revocationStaleness); err != nil {
			return err
		}
	}
	if h.clients == nil {
		h.clients = &clientauth.Secrets{Clients: h.storage}
	}
	if h.logger == nil {
		h.logger = slog.Default()
	}
	h.verifier, err = h.Verifier(h.audience[0])
	return err
}

// faults are what is wrong with a configuration.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("tokenendpoint: "+format, args...))
}

func (f *faults) size(field string, n, zero, most int) int {
	if n < 0 || n > most {
		f.add("%s is not between 1 and %d", field, most)
	}
	if n == 0 {
		return zero
	}
	return n
}

func (f *faults) lifetime(field string, d, zero, most time.Duration) time.Duration {
	switch {
	case d == 0:
		return zero
	case d < time.Second || d > most:
		f.add("%s is not between 1s and %s", field, most)
	}
	return d
}

// window is a duration whose negative value means none.
func (f *faults) window(field string, d, zero time.Duration) time.Duration {
	switch {
	case d == 0:
		return zero
	case d < 0:
		return 0
	case d > time.Minute:
		f.add("%s is over a minute", field)
	}
	return d
}

func (f *faults) url(field, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil, checkValue(visible, text) != nil, strings.ContainsAny(text, " ?#"), u.Host == "", u.User != nil:
		f.add("%s is not a URL without query and fragment", field)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		f.add("%s is http: only a loopback address may be", field)
	case u.Scheme != "http" && u.Scheme != "https":
		f.add("%s is not an https URL", field)
	}
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// keys bounds the lifetime of access tokens by that of the keys.
func (f *faults) keys(c Config, h *Handler) {
	h.maxAccessTokenLifetime = maxAccessTokenLifetime
	switch {
	case c.Keys == nil:
		f.add("Keys is nil")
	case *c.Keys == (jws.KeySet{}):
		f.add("Keys was not made by jws.NewKeySet or jws.OpenKeySet")
	case c.Keys.Rotates():
		// A key is published for that long after its last signature.
		h.maxAccessTokenLifetime = c.Keys.Rotation().TokenLifetime
		if h.accessTokenLifetime > h.maxAccessTokenLifetime {
			f.add("AccessTokenLifetime is longer than the TokenLifetime of the Rotation of Keys, %s", h.maxAccessTokenLifetime)
		}
	}
	if c.TokenType != "" && c.TokenType != jws.TypeAccessToken && c.TokenType != jws.TypeJWT {
		f.add("TokenType is neither %s nor %s", jws.TypeAccessToken, jws.TypeJWT)
	}
}

// reuse sets up what is remembered. It is only for tokens in the first half of
// their lives, so that a time as long as a whole one is a mistake.
func (f *faults) reuse(c Config, h *Handler) {
	if c.ReuseAccessTokens == 0 {
		return
	}
	h.reuseFor, h.reuse = f.lifetime("ReuseAccessTokens", c.ReuseAccessTokens, 0, time.Hour), new(reuse)
	if h.reuseFor >= h.accessTokenLifetime {
		f.add("ReuseAccessTokens must be shorter than AccessTokenLifetime")
	}
}

func (f *faults) audience(audience []string) {
	if len(audience) == 0 || slices.Contains(audience, "") {
		f.add("Audience is missing")
	}
	for _, a := range audience {
		if !isText(a) {
			f.add("Audience: %q is not UTF-8 without control characters", a)
		}
	}
}

// grants refuses grants that are missing, nil, unsafe, or without their store.
func (f *faults) grants(c Config) {
	if len(c.Grants) == 0 {
		f.add("Grants is empty")
	}
	parts := partsOf(c.Storage)
	if isNil(c.Storage) && c.Storage != nil {
		f.add("Storage is a nil pointer")
	}
	if isNil(c.Revocations) && c.Revocations != nil {
		f.add("Revocations is a nil pointer")
	}
	if isNil(c.Clients) && c.Clients != nil {
		f.add("Clients is a nil pointer or function")
	}
	if c.Clients == nil && parts.Clients == nil {
		f.add("Clients is nil and Storage has no clients")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Grants)) {
		switch grant := c.Grants[name]; {
		case isNil(grant):
			f.add("the grant %q is nil", name)
		case name == "" || len(name) > maxValue || checkValue(visible, name) != nil:
			f.add("%q is not a grant_type", name)
		case name == "password" || name == "implicit":
			f.add("the grant %q is unsafe (RFC 9700 §2.1.2, §2.4)", name)
		case name == grants.TypeAPIKeyURN:
			f.add("the grant %q is configured under its other name, %q", name, grants.TypeAPIKey)
		case name == grants.TypeAPIKey && parts.APIKeys == nil:
			f.add("the grant %q needs API keys, and Storage has none", name)
		case (name == grants.TypeRefreshToken || name == grants.TypeAuthorizationCode) && parts.Credentials == nil:
			f.add("the grant %q needs credentials, and Storage has none", name)
		}
	}
}

// partsOf tells what a store keeps.
func partsOf(s storage.Storage) storage.Parts {
	if parts, split := s.(storage.Parts); split || s == nil {
		return parts
	}
	return storage.Parts{Clients: s, Credentials: s, APIKeys: s}
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

func (f *faults) origins(origins []string) {
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || o != u.Scheme+"://"+strings.ToLower(u.Host) ||
			u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] && u.Port() != "" {
			f.add("AllowedOrigins: %q is not an origin such as https://spa.example.com", o)
		}
	}
}
