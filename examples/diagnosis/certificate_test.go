package diagnosis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// certified is a server whose clients show certificates.
type certified struct {
	*server
	shown []*x509.Certificate // by the next request
	ca    *x509.Certificate
	key   *ecdsa.PrivateKey // of the CA and of every certificate
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	c := new(certified)
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	c.ca = c.certificate(t, x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	roots := x509.NewCertPool()
	roots.AddCert(c.ca)
	c.server = newServer(t, func(config *tokenendpoint.Config) {
		config.ClientCertificate = func(*http.Request) ([]*x509.Certificate, error) { return c.shown, nil }
		config.ClientValidator = &clientauth.Secrets{Clients: config.Storage, Certificates: &clientauth.Certificates{Roots: roots}}
	})
	c.put(&storage.Client{
		ID: "named", AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "named.test"},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
	})
	return c
}

// certificate makes one, of the CA if there is one.
func (c *certified) certificate(t *testing.T, template x509.Certificate) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := c.ca
	if parent == nil {
		parent = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// shows makes the requests from now on show a certificate with a name.
func (c *certified) shows(name string) {
	c.t.Helper()
	c.shown = []*x509.Certificate{c.certificate(c.t, x509.Certificate{DNSNames: []string{name}})}
}

func (c *certified) ask(client string) answer {
	c.t.Helper()
	return c.post("grant_type", "client_credentials", "client_id", client)
}

// jwks is the JWK Set of a key.
func jwks(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Appendf(nil, `{"keys":[{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
}

// ofCertificates provokes the rows about certificates.
var ofCertificates = []provocation{
	{"a certificate that has expired", func(t *testing.T) answer {
		c := newCertified(t)
		c.shows("named.test")
		time.Sleep(2 * time.Hour)
		return c.ask("named")
	}},
	{"a certificate of another name", func(t *testing.T) answer {
		c := newCertified(t)
		c.shows("other.test")
		return c.ask("named")
	}},
	{"a certificate with a new key", func(t *testing.T) answer {
		c := newCertified(t)
		c.put(&storage.Client{
			ID: "keyed", AuthMethod: storage.SelfSignedTLSClientAuth, Assertion: storage.ClientAssertion{JWKS: jwks(t)},
			GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"read"},
		})
		c.shows("named.test")
		return c.ask("keyed")
	}},
}
