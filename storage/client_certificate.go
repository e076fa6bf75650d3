package storage

import (
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// ClientCertificate is the part of a registration for a client that shows a certificate
// in the TLS handshake (RFC 8705). The zero value is nothing.
//
// A client whose AuthMethod is [TLSClientAuth] has exactly one of SubjectDN, SANDNS,
// SANURI, SANIP and SANEmail, and every other client has none of them. Each is compared
// whole: a name in a certificate that has a wildcard is the name with the asterisk.
type ClientCertificate struct {
	// SubjectDN is the subject of the certificate, in the form of RFC 4514
	// (tls_client_auth_subject_dn): "CN=billing,O=Example,C=DE". The types of attributes
	// are CN, SERIALNUMBER, C, L, ST, STREET, O, OU, DC, UID and EMAILADDRESS, or an
	// OID. Values are compared byte for byte.
	SubjectDN string
	// SANDNS is a dNSName of the certificate (tls_client_auth_san_dns). The case of
	// letters does not count.
	SANDNS string
	// SANURI is a uniformResourceIdentifier of the certificate, byte for byte, such as a
	// SPIFFE ID (tls_client_auth_san_uri).
	SANURI string
	// SANIP is an iPAddress of the certificate, in any spelling of the address
	// (tls_client_auth_san_ip).
	SANIP string
	// SANEmail is an rfc822Name of the certificate, byte for byte
	// (tls_client_auth_san_email).
	SANEmail string
	// Bound says that the access tokens of the client are bound to the certificate that
	// it shows, however it authenticates (tls_client_certificate_bound_access_tokens).
	// A request without a certificate is then refused. The refresh tokens of a public
	// client are bound too (RFC 8705 §4), also those that it gets for an older one. The
	// refresh tokens of a confidential client are not rotated, as if it had
	// RefreshNotRotated: a thief of one has neither the client's credentials nor its
	// certificate.
	Bound bool
}

// name is the only name of the certificate, and its kind. more says that there are several.
func (c *ClientCertificate) name() (name string, more bool) {
	for _, n := range []string{c.SubjectDN, c.SANDNS, c.SANURI, c.SANIP, c.SANEmail} {
		if n != "" && name != "" {
			return name, true
		}
		if n != "" {
			name = n
		}
	}
	return name, false
}

// ShowsCertificate reports whether the client authenticates by a certificate: its
// AuthMethod is [TLSClientAuth] or [SelfSignedTLSClientAuth].
func (c *Client) ShowsCertificate() bool {
	return c.AuthMethod == TLSClientAuth || c.AuthMethod == SelfSignedTLSClientAuth
}

// KeepsRefreshTokens reports whether a refresh gives the client the same refresh token
// again: it has RefreshNotRotated, or it is confidential and its tokens are bound to a
// certificate. Packages grants and tokenendpoint call it.
func (c *Client) KeepsRefreshTokens() bool {
	return c.RefreshNotRotated || c.Certificate.Bound && !c.Public()
}

// Names reports whether the one name of the registration stands in a certificate (RFC 8705
// §2.1). Nothing is verified: the caller verifies the chain of the certificate first.
// Package clientauth calls it.
func (c *ClientCertificate) Names(shown *x509.Certificate) bool {
	_, more := c.name()
	switch {
	case more || shown == nil:
		return false
	case c.SubjectDN != "":
		registered, err := parseDN(c.SubjectDN)
		if err != nil {
			return false
		}
		subject, err := dnOf(shown.RawSubject)
		return err == nil && registered.equal(subject)
	case c.SANDNS != "":
		return slices.ContainsFunc(shown.DNSNames, func(name string) bool { return equalFoldASCII(name, c.SANDNS) })
	case c.SANURI != "":
		return slices.ContainsFunc(shown.URIs, func(u *url.URL) bool { return u.String() == c.SANURI })
	case c.SANIP != "":
		registered, err := netip.ParseAddr(c.SANIP)
		return err == nil && slices.ContainsFunc(shown.IPAddresses, func(ip net.IP) bool {
			a, ok := netip.AddrFromSlice(ip)
			return ok && a.Unmap() == registered.Unmap()
		})
	case c.SANEmail != "":
		return slices.Contains(shown.EmailAddresses, c.SANEmail)
	}
	return false
}

// equalFoldASCII compares names of hosts. strings.EqualFold would take the Kelvin sign for a k.
func equalFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// checkCertificate names every fault.
func (c *Client) checkCertificate(fault func(format string, args ...any)) {
	name, more := c.Certificate.name()
	switch {
	case more:
		fault("Certificate has more than one of SubjectDN, SANDNS, SANURI, SANIP and SANEmail")
	case c.AuthMethod == TLSClientAuth && name == "":
		fault("Certificate has none of SubjectDN, SANDNS, SANURI, SANIP and SANEmail, and its AuthMethod is tls_client_auth: every certificate of the CA would be the client's")
	case c.AuthMethod != TLSClientAuth && name != "" && !isAbsoluteURI(c.AuthMethod):
		fault("Certificate has a name, and its AuthMethod is not tls_client_auth")
	}
	if c.Certificate.SubjectDN != "" {
		if _, err := parseDN(c.Certificate.SubjectDN); err != nil {
			fault("Certificate.SubjectDN is no distinguished name of RFC 4514: %w", err)
		}
	}
	if text := c.Certificate.SANIP; text != "" {
		if a, err := netip.ParseAddr(text); err != nil || a.Zone() != "" {
			fault("Certificate.SANIP is no IP address")
		}
	}
	if text := c.Certificate.SANURI; text != "" {
		if u, err := url.Parse(text); err != nil || !u.IsAbs() {
			fault("Certificate.SANURI is no absolute URI")
		}
	}
	for _, text := range []string{c.Certificate.SANDNS, c.Certificate.SANEmail} {
		if strings.ContainsFunc(text, isSpaceOrControl) {
			fault("Certificate has a name with a space or a control character")
		}
	}
}
