package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// The packages grants and tokenendpoint call the methods of this file. No host and no
// store needs them.

// Derive returns the secret that follows from s and a salt. One of them alone tells
// nothing of it; both give the same secret each time. Package tokenendpoint derives
// the successor of a refresh token with it; no host and no store needs it.
func (s Secret) Derive(prefix string, salt []byte) Secret {
	var message [64]byte
	key := hmacSHA256([]byte(s.Reveal()), append(append(message[:0], "github.com/contit/oauth successor\x00"...), salt...))
	return encodeSecret(prefix, &key)
}

// hmacSHA256 is HMAC with SHA-256 (RFC 2104), on the stack. crypto/hmac makes ten
// allocations, and takes a twentieth of the time of a refresh.
func hmacSHA256(key, message []byte) [sha256.Size]byte {
	var inner, outer [sha256.BlockSize]byte
	if len(key) > len(inner) {
		sum := sha256.Sum256(key)
		copy(inner[:], sum[:])
	} else {
		copy(inner[:], key)
	}
	for i := range inner {
		outer[i] = inner[i] ^ 0x5c
		inner[i] ^= 0x36
	}
	var room [192]byte
	sum := sha256.Sum256(append(append(room[:0], inner[:]...), message...))
	return sha256.Sum256(append(append(room[:0], outer[:]...), sum[:]...))
}

// CertificateThumbprint returns the x5t#S256 of the certificate to which a refresh token
// of a public client is bound (RFC 8705 §4), or "". It stands in Claims, under the name
// cnf, which no host and no grant can set. An error is a broken record.
func (c *Credential) CertificateThumbprint() (string, error) {
	if !bytes.Contains(c.Claims, []byte(`"cnf"`)) {
		return "", nil
	}
	var claims struct {
		Confirmation *map[string]string `json:"cnf"`
	}
	if err := json.Unmarshal(c.Claims, &claims); err != nil {
		return "", fmt.Errorf("storage: the cnf of a credential: %w", err)
	}
	if claims.Confirmation == nil {
		return "", nil
	}
	thumbprint := (*claims.Confirmation)["x5t#S256"]
	if thumbprint == "" || len(*claims.Confirmation) != 1 {
		return "", errConfirmation
	}
	return thumbprint, nil
}

var errConfirmation = errors.New("storage: the cnf of a credential is no x5t#S256")

// BindToCertificate puts a thumbprint, which is base64url, in front of the Claims. They
// have no cnf yet.
func (c *Credential) BindToCertificate(thumbprint string) {
	rest := bytes.TrimLeft(bytes.TrimLeft(c.Claims, " \t\r\n"), "{")
	bound := append([]byte(`{"cnf":{"x5t#S256":"`), thumbprint...)
	bound = append(bound, `"}`...)
	switch rest = bytes.TrimLeft(rest, " \t\r\n"); {
	case len(rest) == 0:
		bound = append(bound, '}')
	case rest[0] != '}':
		bound = append(bound, ',')
	}
	c.Claims = append(bound, rest...)
}

// WellFormedAny is [Secret.WellFormed] for any prefix. Packages grants and
// tokenendpoint call it, since API keys have the prefixes of their hosts.
func (s Secret) WellFormedAny() bool {
	text := s.Reveal()
	return len(text) >= bodyLength+checksumLength && checksumFits(text)
}

// CheckUsed is [Client.Check] for the fields that every token request uses:
// AuthMethod, GrantTypes, Scope, DefaultScope and the lifetimes. Packages grants and
// tokenendpoint call it at each request, so that a broken record is an outage and no
// verdict.
func (c *Client) CheckUsed() error {
	var faults clientFaults
	faults.checkUsed(c)
	return errors.Join(faults...)
}

// CheckAuthMethod is [Client.Check] for AuthMethod alone. Packages tokenendpoint and
// clientauth call it before they refuse a client for its method.
func (c *Client) CheckAuthMethod() error {
	var faults clientFaults
	faults.checkAuthMethod(c)
	return errors.Join(faults...)
}

// CheckRedirectURIs is [Client.Check] for RedirectURIs alone. Package grants calls it
// before it refuses a redirect_uri.
func (c *Client) CheckRedirectURIs() error {
	var faults clientFaults
	faults.checkRedirectURIs(c)
	return errors.Join(faults...)
}
