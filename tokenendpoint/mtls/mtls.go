// Package mtls finds the certificate that a client has shown in the TLS handshake (RFC
// 8705): the certificate of the connection, or the one that a proxy in front of the
// server passes on.
//
// The endpoint and the middleware of an API have a field ClientCertificate, of the type
// [Source], which tells them whose certificate counts. Without it nothing of RFC 8705 is
// served, and no header with a certificate is read.
//
// The TLS server has to ask for a certificate: its tls.Config has the ClientAuth
// tls.RequestClientCert. It must not verify the chain if some clients have a certificate
// that they have signed themselves; package clientauth verifies the others. A browser asks
// its user which certificate to show, so ask at a host name of its own (Config.MTLSBaseURL
// of the endpoint).
package mtls

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
)

// Source returns the certificate that the client of a request has shown and the
// certificates that came with it, the client's first, or nil if it has shown none. The
// client has proved to the server that ended the TLS connection that it has the private key;
// nothing else is verified. A certificate that package x509 cannot read has its Raw alone.
// An error is an outage: the source could not tell.
//
// A Source is called concurrently.
type Source func(r *http.Request) ([]*x509.Certificate, error)

// Connection is the [Source] of a server that ends the TLS connection itself: crypto/tls
// has verified that the client has the private key.
func Connection(r *http.Request) ([]*x509.Certificate, error) {
	if r.TLS == nil {
		return nil, nil
	}
	return r.TLS.PeerCertificates, nil
}

// Thumbprint returns the x5t#S256 of a certificate: the SHA-256 of its DER in base64url
// (RFC 8705 §3.1). A nil certificate has none, the empty string.
func Thumbprint(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
