package tokenendpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/document"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Metadata returns the handler of the authorization server's metadata (RFC
// 8414): the members that follow from the configuration, and Config.Metadata.
// Scripts of every origin may read it, and a reader may keep it for an hour.
func (h *Handler) Metadata() http.Handler { return published(&h.metadata) }

// published serves a document that New has made, and that does not change.
func published(d *document.Document) http.Handler {
	return document.Handler(func(*http.Request) (document.Document, time.Duration, error) { return *d, time.Hour, nil })
}

// describeServer returns the server's description of itself. A request can prove
// each of its members.
func (h *Handler) describeServer(c Config, s site, methods, algorithms []string) map[string]any {
	_, codes := h.grants[grants.TypeAuthorizationCode]
	every := append(slices.Clone(methods), storage.AuthNone)
	m := map[string]any{
		"issuer":                h.issuer,
		"token_endpoint":        s.token,
		"grant_types_supported": h.grantTypes(),
		// RFC 8414 §2 requires this member even if there is no value, and §3.2
		// forbids an empty list. Clients that check the document want the member
		// to be there.
		"response_types_supported": []string{},

		"token_endpoint_auth_methods_supported": methods,
	}
	if len(h.scopes) > 0 {
		m["scopes_supported"] = h.scopes
	}
	if c.AuthorizationEndpoint != "" {
		m["authorization_endpoint"] = c.AuthorizationEndpoint
		if codes && !c.AuthorizationResponseWithoutIss {
			m["authorization_response_iss_parameter_supported"] = true
		}
	}
	if codes { // the page that answers to it is the host's
		m["response_types_supported"] = []string{"code"}
		m["code_challenge_methods_supported"] = []string{storage.PKCES256}
	}
	if _, alone := h.grants[grants.TypeClientCredentials]; !alone || len(h.grants) > 1 {
		m["token_endpoint_auth_methods_supported"] = every
	}
	if s.jwks != "" {
		m["jwks_uri"] = s.jwks
	}
	if s.revocation != "" {
		m["revocation_endpoint"] = s.revocation
		m["revocation_endpoint_auth_methods_supported"] = every
	}
	if s.introspection != "" {
		m["introspection_endpoint"] = s.introspection
		m["introspection_endpoint_auth_methods_supported"] = methods
	}
	if h.clientCertificate != nil {
		m["tls_client_certificate_bound_access_tokens"] = true
		if aliases := s.aliases(strings.TrimRight(c.MTLSBaseURL, "/")); aliases != nil {
			m["mtls_endpoint_aliases"] = aliases
		}
	}
	if v, says := h.clients.(interface{ ServerMetadata() map[string]any }); says {
		maps.Copy(m, v.ServerMetadata()) // how a client comes to be known
	}
	for name := range m { // RFC 8414 §2: required beside private_key_jwt
		if endpoint, ok := strings.CutSuffix(name, "_auth_methods_supported"); ok && algorithms != nil {
			m[endpoint+"_auth_signing_alg_values_supported"] = algorithms
		}
	}
	return m
}

// aliases are the endpoints at which a client shows its certificate (RFC 8705 §5), or nil
// if they are the others.
func (s site) aliases(base string) map[string]string {
	if base == "" {
		return nil
	}
	aliases := make(map[string]string)
	for name, url := range map[string]string{"token_endpoint": s.token, "revocation_endpoint": s.revocation, "introspection_endpoint": s.introspection} {
		if url != "" {
			aliases[name] = base + strings.TrimPrefix(url, s.base)
		}
	}
	return aliases
}

// authMethods are the ways in which a client can show itself, and the algorithms of
// assertions. A validator of the host's takes secrets, unless it says more, as
// clientauth.Secrets does.
func (h *Handler) authMethods() (methods, algorithms []string) {
	if v, says := h.clients.(authMethodsSayer); says {
		return v.AuthMethods()
	}
	return []string{storage.ClientSecretBasic, storage.ClientSecretPost}, nil
}

// authMethodsSayer is a validator that names the methods it reads, see [ClientValidator].
type authMethodsSayer interface {
	AuthMethods() (methods, algorithms []string)
}

// saysAuthMethods reports whether the validator knows of all that a client can show in
// the place of a decoded secret.
func (h *Handler) saysAuthMethods() bool {
	_, says := h.clients.(authMethodsSayer)
	return says
}

// takesAssertions reports whether an assertion may be shown to the validator. One that
// was written for secrets may take a request without a secret for one that shows
// nothing, and return its client: then any text would authenticate it.
func (h *Handler) takesAssertions() bool {
	methods, _ := h.authMethods()
	return slices.Contains(methods, storage.PrivateKeyJWT)
}

// grantTypes are the values that a request may have as its grant_type.
func (h *Handler) grantTypes() []string {
	types := slices.Sorted(maps.Keys(h.grants))
	if _, ok := h.grants[grants.TypeAPIKey]; ok {
		types = append(types, grants.TypeAPIKeyURN)
	}
	return types
}

// publish makes the documents, and refuses one that clients would refuse.
func (h *Handler) publish(c Config, s site, f *faults) {
	if c.AuthorizationEndpoint != "" {
		f.page("AuthorizationEndpoint", c.AuthorizationEndpoint, "is not a URL without a fragment, such as https://www.example.com/login")
	}
	methods, algorithms := h.authMethods()
	f.certificates(c, methods)
	m := h.describeServer(c, s, methods, algorithms)
	h.describeEndpoint(c, s, m["token_endpoint_auth_methods_supported"].([]string), algorithms)
	_, codes := m["code_challenge_methods_supported"]
	if codes && c.AuthorizationEndpoint == "" && s.published {
		f.add("AuthorizationEndpoint is missing: the grant %q needs it in the metadata (RFC 8414 §2). Set it to the URL of your login page, or switch the metadata off (Paths.Metadata)", grants.TypeAuthorizationCode)
	}
	addFurther(m, c.Metadata, f)
	h.metadata = encode(m, f)
	if !c.OpenIDConfiguration {
		return
	}
	if c.AuthorizationEndpoint == "" && !codes {
		f.add("OpenIDConfiguration needs AuthorizationEndpoint (OpenID Connect Discovery 1.0 §3)")
	}
	if m["jwks_uri"] == nil {
		f.add("OpenIDConfiguration needs a jwks_uri (OpenID Connect Discovery 1.0 §3): Paths.JWKS is off and Metadata has none")
	}
	for name, value := range map[string]any{
		"subject_types_supported": []string{"public"},
		// It must have RS256. No ID token is signed; clients that take it for
		// the list of all tokens find the algorithm of their tokens in it, and
		// of the next keys too.
		"id_token_signing_alg_values_supported": jws.Algorithms(),
	} {
		if _, said := m[name]; !said {
			m[name] = value
		}
	}
	h.openID = encode(m, f)
}

// fieldOf names the members that have a field of Config, which must say them: other
// documents and challenges have them too.
var fieldOf = map[string]string{
	"authorization_endpoint":                         "AuthorizationEndpoint",
	"authorization_response_iss_parameter_supported": "AuthorizationResponseWithoutIss",
	"scopes_supported":                               "ScopesSupported",
}

// addFurther puts the host's members beside the endpoint's own.
func addFurther(m, further map[string]any, f *faults) {
	// PKCE is the endpoint's business, also where it has no codes.
	reserved := slices.AppendSeq([]string{"code_challenge_methods_supported"}, maps.Keys(m))
	for _, name := range slices.Sorted(maps.Keys(further)) {
		encoded, err := json.Marshal(further[name])
		switch value := string(encoded); {
		case fieldOf[strings.ToLower(name)] != "":
			f.add("Metadata: %q is %s", name, fieldOf[strings.ToLower(name)])
		// In upper or lower case: encoding/json would let one stand for the
		// other.
		case slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }):
			f.add("Metadata: %q is said by the endpoint itself", name)
		case err != nil:
			f.add("Metadata: %w", err)
		case value == "null" || value == "[]":
			f.add("Metadata: %q is empty: leave it out (RFC 8414 §3.2)", name)
		default:
			if isEndpoint(name) {
				text, _ := further[name].(string)
				f.page(fmt.Sprintf("Metadata: %q", name), text, "is not a URL without a fragment")
			}
			m[name] = further[name]
		}
	}
}

// isEndpoint reports whether a member of the metadata is where clients send
// requests, or find keys.
func isEndpoint(name string) bool { return name == "jwks_uri" || strings.HasSuffix(name, "_endpoint") }

// encode makes the document of some members.
func encode(m map[string]any, f *faults) document.Document {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		f.add("Metadata: %w", err)
	}
	return document.New(b.Bytes())
}
