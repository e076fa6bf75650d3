package storage

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Check returns an error that names every fault of a registration, or nil: an
// ID that is empty or has control characters, an unknown authentication method,
// a secret without a hash of a known form, secrets that share an ID, a grant
// type or a scope that no request can name, a redirect URI that is relative, has a
// fragment, or does not lead to one place for every reader, a negative lifetime, a
// grace over a day, BasicNotEncoded for a client that cannot use it, an Assertion whose
// parts do not fit together or that any client of its issuer fits. The stores of this
// module call it before they keep a client. A record that came into the store in
// another way can still have such a fault. The endpoint answers a request that uses the
// field with an outage, and the cause in its log names the field.
//
// A redirect URI leads to one place if a browser and RFC 3986 read the same host, port
// and path in it. So it has no user, no backslash, no dot segment such as "/../", no
// number for a host but an IPv4 address as people write it, and no scheme such as
// javascript or data that a browser runs by itself.
//
// Of a hash it knows only the form, "name:…", "$name$…", "{name}…" or
// "pbkdf2_name$…": a secret that stands where its hash should be is refused. Whether a
// hash can be verified is for clientauth.CheckHash to say.
func (c *Client) Check() error {
	var faults clientFaults
	if c.ID == "" || !utf8.ValidString(c.ID) || strings.ContainsFunc(c.ID, unicode.IsControl) {
		faults.add("ID must be UTF-8 without control characters and not empty")
	}
	faults.checkUsed(c)
	if c.BasicNotEncoded && c.AuthMethod != "" && c.AuthMethod != ClientSecretBasic && !isAbsoluteURI(c.AuthMethod) {
		faults.add("BasicNotEncoded is set, and its AuthMethod is not Basic")
	}
	if c.BasicNotEncoded && strings.ContainsAny(c.ID, "+%") {
		faults.add("BasicNotEncoded is set, and its ID has a plus or a percent sign, which Basic decodes")
	}
	seen := make(map[string]bool)
	for i, s := range c.Secrets {
		if seen[s.ID] {
			faults.add("Secrets[%d] has the ID of another: two secrets of a client have one ID", i)
		}
		seen[s.ID] = true
		if s.Hash != "" && !hasMark(s.Hash) {
			faults.add("Secrets[%d].Hash is no hash of a known form: see package clientauth", i)
		}
	}
	faults.checkRedirectURIs(c)
	c.checkAssertion(faults.add)
	c.checkCertificate(faults.add)
	return errors.Join(faults...)
}

// clientFaults are the faults of a registration.
type clientFaults []error

func (f *clientFaults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("storage: the client's "+format, args...))
}

// checkUsed checks the fields that every token request uses. It costs a request no
// allocation as long as there is no fault.
func (f *clientFaults) checkUsed(c *Client) {
	f.checkAuthMethod(c)
	for i, g := range c.GrantTypes {
		if !isPlain(g) && (g == "" || strings.ContainsFunc(g, isSpaceOrControl)) {
			f.add("GrantTypes[%d] is empty or has a space", i)
		}
	}
	f.checkScope("Scope", c.Scope)
	f.checkScope("DefaultScope", c.DefaultScope)
	if c.AccessTokenLifetime < 0 {
		f.add("AccessTokenLifetime is negative")
	}
	if c.RefreshTokenLifetime < 0 {
		f.add("RefreshTokenLifetime is negative")
	}
	if c.RefreshTokenIdle < 0 {
		f.add("RefreshTokenIdle is negative")
	}
	if c.RefreshGrace < 0 || c.RefreshGrace > MaxRefreshGrace {
		f.add("RefreshGrace is negative or over a day")
	}
}

func (f *clientFaults) checkAuthMethod(c *Client) {
	if !slices.Contains(authMethods, c.AuthMethod) && !isAbsoluteURI(c.AuthMethod) {
		f.add("AuthMethod is unknown: it must be empty, one of RFC 7591 §2 or of a later RFC, or an absolute URI")
	}
}

func (f *clientFaults) checkScope(name string, scope []string) {
	for i, s := range scope {
		if !IsScopeToken(s) {
			f.add("%s[%d] is no scope-token (RFC 6749 §3.3): it is empty, or has a space, a quote, a backslash or what is not ASCII", name, i)
		}
	}
}

func (f *clientFaults) checkRedirectURIs(c *Client) {
	for i, uri := range c.RedirectURIs {
		if wrong := redirectURIFault(uri); wrong != "" {
			f.add("RedirectURIs[%d] %s", i, wrong)
		}
	}
}

// authMethods are those that IANA has registered for token endpoints. A host's own
// ClientValidator may know more than the library does.
var authMethods = []string{
	"", ClientSecretBasic, ClientSecretPost, AuthNone,
	"client_secret_jwt", PrivateKeyJWT, TLSClientAuth, SelfSignedTLSClientAuth, "attest_jwt_client_auth",
}

// hasMark reports whether a hash begins with the mark of its form and goes on after it:
// "name:", "$name$", "{name}" or "pbkdf2_name$", where a name has letters, digits, minus
// signs and underscores. It is no regexp: every program would contain that package for it.
func hasMark(hash string) bool {
	open, rest := "", hash
	if strings.HasPrefix(hash, "$") || strings.HasPrefix(hash, "{") {
		open, rest = hash[:1], hash[1:]
	}
	after := strings.TrimLeftFunc(rest, isNameCharacter)
	name := strings.TrimSuffix(rest, after)
	if name == "" || len(after) < 2 || after[1] == '\n' {
		return false
	}
	switch open + after[:1] {
	case ":", "$$", "{}":
		return true
	case "$":
		digest, django := strings.CutPrefix(name, "pbkdf2_")
		return django && digest != "" && !strings.ContainsFunc(digest, func(c rune) bool { return c == '-' || c == '_' || unicode.IsUpper(c) })
	}
	return false
}

func isNameCharacter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// IsScopeToken reports whether s is one scope-token: printable ASCII without ", \
// and space, and not empty (RFC 6749 §3.3).
func IsScopeToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// isPlain reports whether s is printable ASCII without a space, and not empty. It
// spares the usual text the tables of Unicode.
func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c <= 0x20 || c >= 0x7f {
			return false
		}
	}
	return s != ""
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// isAbsoluteURI reports whether s names a scheme (RFC 3986 §4.3), as that of a
// native app may be its own.
func isAbsoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.ContainsFunc(s, isSpaceOrControl)
}

var (
	errNoSecretID     = errors.New("storage: a secret must have an ID")
	errSecretForever  = errors.New("storage: a secret that ends at the zero time would never end")
	errSecretNotFound = fmt.Errorf("storage: the client has no secret with this ID: %w", ErrNotFound)
	errSecretExists   = fmt.Errorf("storage: the client has a secret with this ID: %w", ErrExists)
)

// AddSecret adds a secret, so that secrets can be rotated with an overlap, or
// returns [ErrExists] if there is one with its ID. Call it in
// [ManagedClients.UpdateClient]:
//
//	err := store.UpdateClient(ctx, id, func(c *storage.Client) error { return c.AddSecret(secret) })
func (c *Client) AddSecret(s ClientSecret) error {
	if s.ID == "" {
		return errNoSecretID
	}
	if slices.ContainsFunc(c.Secrets, func(other ClientSecret) bool { return other.ID == s.ID }) {
		return errSecretExists
	}
	c.Secrets = append(c.Secrets, s)
	return nil
}

// ExpireSecret lets a secret work until an instant and no longer, or returns
// [ErrNotFound]. A secret that ends sooner is left as it is. The zero time is
// refused, because it would never come. Call it in [ManagedClients.UpdateClient].
func (c *Client) ExpireSecret(id string, at time.Time) error {
	if at.IsZero() {
		return errSecretForever
	}
	for i := range c.Secrets {
		s := &c.Secrets[i]
		if s.ID != id {
			continue
		}
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(at) {
			s.ExpiresAt = at
		}
		return nil
	}
	return errSecretNotFound
}
