package clientmetadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Bounds are the most that a client may have that nobody has registered by hand.
type Bounds struct {
	// GrantTypes are the grants that such a client may use. If nil,
	// authorization_code and refresh_token. client_credentials is refused: nobody
	// vouches for such a client.
	GrantTypes []string
	// Scope holds all scopes that a user may grant it. If empty, none.
	Scope []string
	// DefaultScope is the scope of a request that names none. If nil, all of Scope.
	DefaultScope []string
	// Audience holds the audiences of its tokens. If nil, the endpoint's.
	Audience []string
}

// check names the bounds that no client can be registered with: every client would be
// an outage.
func (b *Bounds) check() error {
	err := (&storage.Client{ID: "client", GrantTypes: b.GrantTypes, Scope: b.Scope, DefaultScope: b.DefaultScope}).Check()
	if err != nil {
		err = fmt.Errorf("clientmetadata: Bounds: %w", err)
	}
	if slices.Contains(b.GrantTypes, grants.TypeClientCredentials) {
		err = errors.Join(err, errors.New("clientmetadata: Bounds.GrantTypes has client_credentials: anybody could get a token"))
	}
	return err
}

// clone returns a copy that shares nothing with b.
func (b Bounds) clone() Bounds {
	return Bounds{slices.Clone(b.GrantTypes), slices.Clone(b.Scope), slices.Clone(b.DefaultScope), slices.Clone(b.Audience)}
}

// metadata are the members of RFC 7591 §2 that matter here. Every other member is
// ignored.
type metadata struct {
	ClientID     string          `json:"client_id,omitempty"`
	ClientName   string          `json:"client_name,omitempty"`
	RedirectURIs []string        `json:"redirect_uris"`
	GrantTypes   []string        `json:"grant_types,omitempty"`
	AuthMethod   string          `json:"token_endpoint_auth_method,omitempty"`
	Algorithm    string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS         json.RawMessage `json:"jwks,omitempty"`
	JWKSURI      string          `json:"jwks_uri,omitempty"`
	Scope        string          `json:"scope,omitempty"`
}

// fault describes a fault of a client's metadata, for the client's author.
type fault struct {
	code        grants.ErrorCode // of RFC 7591 §3.2.2
	description string
}

func (f *fault) Error() string {
	return "clientmetadata: " + string(f.code) + ": " + f.description
}

const (
	invalidMetadata    grants.ErrorCode = "invalid_client_metadata"
	invalidRedirectURI grants.ErrorCode = "invalid_redirect_uri"
)

func wrong(format string, args ...any) *fault {
	return &fault{invalidMetadata, fmt.Sprintf(format, args...)}
}

const (
	maxRedirectURIs = 20
	maxName         = 200
)

// parse reads metadata. It refuses secrets: everybody who reads the document would have
// them (draft §4.1).
func parse(text []byte) (*metadata, *fault) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, wrong("the metadata is no JSON object")
	}
	for _, name := range []string{"client_secret", "client_secret_expires_at"} {
		if _, there := members[name]; there {
			return nil, wrong("%s must not be there", name)
		}
	}
	m := new(metadata)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, wrong("a member has another type than RFC 7591 gives it")
	}
	if string(m.JWKS) == "null" {
		m.JWKS = nil
	}
	if m.AuthMethod == "" { // RFC 7591 §2 means client_secret_basic, and a server may choose another
		m.AuthMethod = storage.AuthNone
	}
	return m, nil
}

// check finds the faults of metadata.
func (m *metadata) check() *fault {
	switch m.AuthMethod {
	case storage.AuthNone, storage.PrivateKeyJWT:
	default:
		return wrong("token_endpoint_auth_method must be none or private_key_jwt: a secret cannot be shared here")
	}
	for _, check := range []func() *fault{m.checkName, m.checkKeys, m.checkRedirects} {
		if f := check(); f != nil {
			return f
		}
	}
	return nil
}

// checkName refuses a text that would disarrange the consent page that shows the name: a line
// end, or a character that turns the direction of the sentence around it (CVE-2021-42574).
func (m *metadata) checkName() *fault {
	switch {
	case len(m.ClientName) > maxName:
		return wrong("client_name is over %d bytes", maxName)
	case strings.ContainsFunc(m.ClientName, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029'
	}):
		return wrong("client_name has a control character")
	}
	return nil
}

func (m *metadata) checkKeys() *fault {
	if m.AuthMethod != storage.PrivateKeyJWT {
		return nil
	}
	if (m.JWKS != nil) == (m.JWKSURI != "") {
		return wrong("private_key_jwt needs jwks or jwks_uri, and not both")
	}
	if m.JWKS != nil {
		if _, err := jws.ParseJWKS(m.JWKS); err != nil {
			return wrong("jwks: a key cannot be used: public keys of RSA, P-256 and Ed25519 are taken")
		}
	} else if _, f := checkURL(m.JWKSURI); f != "" {
		return wrong("jwks_uri %s", f)
	}
	if a := m.Algorithm; a != "" && !slices.Contains(jws.Algorithms(), a) {
		return wrong("token_endpoint_auth_signing_alg must be RS256, PS256, ES256 or EdDSA")
	}
	if !isClient(&storage.Client{AuthMethod: storage.PrivateKeyJWT, Assertion: m.assertion()}) {
		return wrong("jwks is no JWK Set, or jwks_uri no URL of one")
	}
	return nil
}

// isClient reports whether a registration with these fields passes the rules of every
// client. Metadata of a stranger that do not pass are the stranger's fault: it must not
// become an outage of this server.
func isClient(c *storage.Client) bool {
	c.ID = "client"
	return c.Check() == nil
}

func (m *metadata) assertion() storage.ClientAssertion {
	return storage.ClientAssertion{JWKS: m.JWKS, JWKSURI: m.JWKSURI, Algorithm: m.Algorithm}
}

func (m *metadata) checkRedirects() *fault {
	if len(m.RedirectURIs) == 0 || len(m.RedirectURIs) > maxRedirectURIs {
		return &fault{invalidRedirectURI, fmt.Sprintf("redirect_uris must have 1 to %d members", maxRedirectURIs)}
	}
	for _, uri := range m.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || len(uri) > 1000 || !isClient(&storage.Client{RedirectURIs: []string{uri}}) {
			return &fault{invalidRedirectURI, "a member of redirect_uris is no absolute URI that every reader reads alike: it has no fragment, no user, no dot segments, and a scheme that leads to the client"}
		}
		if u.Scheme == "http" && !weburl.IsLoopback(u.Hostname()) {
			return &fault{invalidRedirectURI, "a member of redirect_uris is http, which only a loopback address may be"}
		}
	}
	return nil
}

// client is the client that a host gets, within its bounds.
func (m *metadata) client(id string, b *Bounds) (*storage.Client, error) {
	c := &storage.Client{
		ID: id, AuthMethod: m.AuthMethod, Unvetted: true,
		GrantTypes: b.GrantTypes, Scope: b.Scope, DefaultScope: b.DefaultScope, Audience: b.Audience, RedirectURIs: m.RedirectURIs,
	}
	if b.GrantTypes == nil {
		c.GrantTypes = []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken}
	}
	if m.AuthMethod == storage.PrivateKeyJWT {
		c.Assertion = m.assertion()
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c.Clone(), nil
}
