package tokenendpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/internal/nils"
	"github.com/contit/oauth/tokenendpoint/internal/params"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// faults are the faults of a configuration.
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
	const not = "is not a URL without query and fragment, such as https://auth.example.com"
	if strings.Contains(text, "?") {
		f.add("%s %s", field, not)
		return
	}
	f.page(field, text, not)
}

// page wants a URL that may have a query, and otherwise names the fault.
func (f *faults) page(field, text, not string) {
	if u, ok := weburl.Parse(text); !ok {
		f.add("%s %s", field, not)
	} else if fault := weburl.SchemeFault(u); fault != "" {
		f.add("%s %s", field, fault)
	}
}

// check finds the faults that stand in one field or in a few, and change nothing
// in the handler.
func (f *faults) check(c Config) {
	if c.Issuer == "" {
		f.add("Issuer is missing")
	} else {
		f.url("Issuer", c.Issuer)
	}
	f.audience(c.Audience)
	f.keys(c)
	f.stores(c)
	f.assertions(c)
	f.grants(c)
	f.scopes(c.ScopesSupported)
	if c.ErrorURI != "" {
		f.errorURI(c.ErrorURI)
	}
	f.origins(c.AllowedOrigins)
}

// keys refuses keys that cannot sign, and an unknown type of tokens.
func (f *faults) keys(c Config) {
	switch {
	case c.Keys == nil:
		f.add("Keys is nil")
	case *c.Keys == (jws.KeySet{}):
		f.add("Keys was not made by jws.NewKeySet or jws.OpenKeySet")
	}
	if c.TokenType != "" && c.TokenType != jws.TypeAccessToken && c.TokenType != jws.TypeJWT {
		f.add("TokenType is neither %s nor %s", jws.TypeAccessToken, jws.TypeJWT)
	}
}

// audience refuses tokens for nobody.
func (f *faults) audience(audience []string) {
	if len(audience) == 0 || slices.Contains(audience, "") {
		f.add("Audience is missing")
	}
	for _, a := range audience {
		if !params.IsText(a) {
			f.add("Audience: %q is not UTF-8 without control characters", a)
		}
	}
}

// stores refuses a host's code that is nil inside its interface, and a store that
// cannot find the clients.
func (f *faults) stores(c Config) {
	parts := partsOf(c.Storage)
	for _, field := range []struct {
		fault string
		any
	}{
		{"Storage is a nil pointer", c.Storage}, {"Revocations is a nil pointer", c.Revocations},
		{"ClientValidator is a nil pointer or function", c.ClientValidator}, {"Limiter is a nil pointer", c.Limiter},
		{"ClientAssertions is a nil pointer", c.ClientAssertions},
	} {
		if field.any != nil && nils.Is(field.any) {
			f.add("%s", field.fault)
		}
	}
	for _, part := range []any{parts.Clients, parts.Credentials, parts.APIKeys} {
		if err := nils.Unopened(part); err != nil {
			f.add("Storage: %w", err)
			break // the others may be the same store
		}
	}
	if err := nils.Unopened(c.Revocations); err != nil {
		f.add("Revocations: %w", err)
	}
	for _, part := range []struct {
		name string
		any
	}{{"Clients", parts.Clients}, {"Credentials", parts.Credentials}, {"APIKeys", parts.APIKeys}} {
		if part.any != nil && nils.Is(part.any) && !nils.Is(c.Storage) {
			f.add("Storage.%s is a nil pointer", part.name)
		}
	}
	if c.ClientValidator == nil && parts.Clients == nil {
		f.add("ClientValidator is nil and Storage has no clients")
	}
	if s, ok := c.ClientValidator.(*clientauth.Secrets); ok && s != nil && nils.Is(partsOfClients(s.Clients)) {
		f.add("ClientValidator is a clientauth.Secrets whose own Clients is nil")
	}
}

// assertions refuses ClientAssertions that nobody would use, or without a store.
func (f *faults) assertions(c Config) {
	switch {
	case c.ClientAssertions == nil:
	case c.ClientValidator != nil:
		f.add("ClientAssertions are not for a ClientValidator: a clientauth.Secrets has a field for its own Assertions")
	case partsOf(c.Storage).Credentials == nil:
		f.add("ClientAssertions need credentials, and Storage has none: an assertion is good once")
	}
}

// grants refuses grants that are missing, nil, unsafe, or without their store.
func (f *faults) grants(c Config) {
	if len(c.Grants) == 0 {
		f.add("Grants is empty: nil means the grants that the rest of the configuration can serve")
	}
	parts := partsOf(c.Storage)
	for _, name := range slices.Sorted(maps.Keys(c.Grants)) {
		switch grant := c.Grants[name]; {
		case nils.Is(grant):
			f.add("the grant %q is nil", name)
		case name == "" || !params.IsGrantType(name):
			f.add("%q is not a grant_type", name)
		case name == "password" || name == "implicit":
			f.add("the grant %q is unsafe (RFC 9700 §2.1.2, §2.4)", name)
		case name == grants.TypeAPIKeyURN:
			f.add("the grant %q is configured under its other name, %q", name, grants.TypeAPIKey)
		case name == grants.TypeAPIKey && parts.APIKeys == nil:
			f.add("the grant %q needs API keys, and Storage has none", name)
		case (name == grants.TypeRefreshToken || name == grants.TypeAuthorizationCode) && parts.Credentials == nil:
			f.add("the grant %q needs credentials, and Storage has none", name)
		case usesUp(grant) && parts.Credentials == nil:
			f.add("the grant %q needs credentials, and Storage has none: its assertions are good once", name)
		}
	}
}

// usesUp reports whether a grant takes assertions that are good once.
func usesUp(g grants.Grant) bool {
	bearer, ok := g.(*assertion.JWTBearer)
	return ok && bearer.UsesUp()
}

// errorURI refuses a URL that cannot stand in every answer (RFC 6749 §5.2).
func (f *faults) errorURI(text string) {
	if !isQuotable(text) {
		f.add("ErrorURI has a character that an error_uri cannot have (RFC 6749 §5.2)")
		return
	}
	f.url("ErrorURI", text)
}

// scopes refuses a scope that no client can ask for.
func (f *faults) scopes(scopes []string) {
	for i, s := range scopes {
		switch {
		case !storage.IsScopeToken(s):
			f.add("ScopesSupported: %q is no scope (RFC 6749 §3.3)", s)
		case slices.Contains(scopes[:i], s):
			f.add("ScopesSupported: %q stands there twice", s)
		}
	}
}

// certificates refuses clients that show a certificate which nobody looks at.
func (f *faults) certificates(c Config, methods []string) {
	byCertificate := slices.Contains(methods, storage.TLSClientAuth) || slices.Contains(methods, storage.SelfSignedTLSClientAuth)
	switch {
	case byCertificate && c.ClientCertificate == nil:
		f.add("ClientCertificate is nil, and ClientValidator has clients that show a certificate")
	case c.MTLSBaseURL != "" && c.ClientCertificate == nil:
		f.add("MTLSBaseURL needs ClientCertificate")
	case c.MTLSBaseURL != "":
		f.url("MTLSBaseURL", c.MTLSBaseURL)
	}
}

// origins refuses an allowed origin that no browser sends.
func (f *faults) origins(origins []string) {
	for _, o := range origins {
		u, ok := weburl.Parse(o)
		if !ok || o != u.Scheme+"://"+strings.ToLower(u.Host) ||
			u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] && u.Port() != "" {
			f.add("AllowedOrigins: %q is not an origin such as https://spa.example.com", o)
		}
	}
}

// partsOfClients sees through storage.Parts: a part that is nil finds no client.
func partsOfClients(c storage.Clients) storage.Clients {
	if parts, split := c.(storage.Parts); split {
		return parts.Clients
	}
	return c
}
