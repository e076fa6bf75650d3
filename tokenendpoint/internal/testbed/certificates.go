package testbed

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/netip"
	"sync"
	"time"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

// authority is the CA of the clients. It is made once.
var authority = sync.OnceValue(func() tls.Certificate {
	return issued(x509.Certificate{
		Subject: pkix.Name{CommonName: "CA of the clients"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, keyOf(jws.ES256, 99), tls.Certificate{})
})

// issued makes a certificate, signed by another or by itself.
func issued(template x509.Certificate, key crypto.Signer, by tls.Certificate) tls.Certificate {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	template.NotBefore = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	parent, signer := &template, any(key)
	if by.Leaf != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Certificate makes a certificate of the clients' CA, with the key number n for ES256.
func Certificate(n int, template x509.Certificate) tls.Certificate {
	if template.ExtKeyUsage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return issued(template, keyOf(jws.ES256, n), authority())
}

// SelfSigned makes a certificate of the key number n for ES256, which PublicKeys has too.
func SelfSigned(n int, template x509.Certificate) tls.Certificate {
	return issued(template, keyOf(jws.ES256, n), tls.Certificate{})
}

// CertificateHeader is the header in which the tests' proxy, which is this machine, passes
// a certificate on (RFC 9440).
const CertificateHeader = "Client-Cert"

// Shows is the request through that proxy, of a client that shows a certificate.
func (r *Request) Shows(c tls.Certificate) *Request {
	return r.Set(CertificateHeader, ":"+base64.StdEncoding.EncodeToString(c.Leaf.Raw)+":")
}

// WithCertificates lets clients of the CA and clients with a certificate of their own in.
func WithCertificates(c *tokenendpoint.Config) {
	roots := x509.NewCertPool()
	roots.AddCert(authority().Leaf)
	c.ClientCertificate = mtls.Header(CertificateHeader, netip.MustParsePrefix("127.0.0.0/8"))
	c.ClientValidator = &clientauth.Secrets{
		Clients:      c.Storage,
		Assertions:   &clientauth.Assertions{Issuer: c.Issuer, TokenEndpoint: c.Issuer + TokenPath, Logger: c.Logger},
		Certificates: &clientauth.Certificates{Roots: roots, Logger: c.Logger},
	}
}
