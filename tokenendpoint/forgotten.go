package tokenendpoint

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// forgotten names the settings that a configuration probably lacks. Each of these can be meant,
// so that New logs it and does not refuse it. It only says what a configuration shows
// by itself: not whether there is a proxy, nor what clients are registered for.
func forgotten(c Config) (hints []string) {
	hint := func(format string, args ...any) { hints = append(hints, fmt.Sprintf(format, args...)) }
	_, codes := c.Grants[grants.TypeAuthorizationCode]
	_, refreshes := c.Grants[grants.TypeRefreshToken]
	if codes && !refreshes {
		hint("Grants has %q and not %q: users log in again when their access token expires", grants.TypeAuthorizationCode, grants.TypeRefreshToken)
	}
	own, _ := c.Grants[grants.TypeClientCredentials].(grants.ClientCredentials)
	key, _ := c.Grants[grants.TypeAPIKey].(grants.APIKey)
	if (own.Refresh || key.Refresh) && !refreshes {
		hint("a grant has Refresh, which does nothing: Grants has no %q", grants.TypeRefreshToken)
	}
	if _, remembers := partsOf(c.Storage).Credentials.(storage.Revocations); remembers && c.Revocations == nil {
		hint("Revocations is nil, though Storage remembers revocations: a revoked access token is good until it expires")
	}
	if strings.HasSuffix(c.Issuer, "/") {
		hint("Issuer ends with a slash, and clients and APIs compare iss byte for byte (RFC 8414 §3.3): leave the slash out, or all of them must have it")
	}
	if root := pathOf(cmp.Or(c.BaseURL, c.Issuer)); root != "" {
		for _, p := range []string{c.Paths.Token, c.Paths.Revocation, c.Paths.Introspection, c.Paths.JWKS} {
			if strings.HasPrefix(p, root+"/") {
				hint("%s is below the path of the BaseURL, so that the endpoint is at %s: leave %s out of Paths", p, root+p, root)
			}
		}
	}
	return hints
}

// unusable says whether there may be clients that nobody has registered and that show a
// key, such as those of package clientmetadata, while no assertion is taken.
func (h *Handler) unusable() []string {
	v, says := h.clients.(interface{ ServerMetadata() map[string]any })
	if !says || h.takesAssertions() {
		return nil
	}
	m := v.ServerMetadata()
	if m["registration_endpoint"] == nil && m["client_id_metadata_document_supported"] == nil {
		return nil
	}
	return []string{"clients that nobody has registered may show a key (private_key_jwt), and are refused: ClientAssertions, or the Assertions of ClientValidator, is nil"}
}

// remind logs the settings that were probably forgotten. A logger that panics stops no process that
// starts.
func (h *Handler) remind(hints []string) {
	defer func() { recover() }() // the logger's
	if len(hints) > 0 {
		h.logger.Warn("token endpoint: probably forgotten", "settings", hints)
	}
}
