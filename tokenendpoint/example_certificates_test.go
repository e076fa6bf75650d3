package tokenendpoint_test

import (
	"crypto/x509"
	"fmt"
	"log"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/mtls"
)

func withCertificates(c *tokenendpoint.Config, roots *x509.CertPool) {
	c.ClientCertificate = mtls.Connection // or mtls.Header, behind a proxy
	c.ClientValidator = &clientauth.Secrets{Clients: c.Storage, Certificates: &clientauth.Certificates{Roots: roots}}
}

// A client is registered with the name that its certificates have. Each access token is
// bound to the certificate with which the client got it.
func Example_certificates() {
	store := new(memory.Store)
	c := tokenendpoint.Config{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"},
		Keys: exampleKeys(), Storage: store, Revocations: store,
	}
	withCertificates(&c, x509.NewCertPool())
	if _, err := tokenendpoint.New(c); err != nil {
		log.Fatal(err)
	}
	client := storage.Client{
		ID:          "billing",
		AuthMethod:  storage.TLSClientAuth,
		Certificate: storage.ClientCertificate{SANDNS: "billing.example.com", Bound: true},
		GrantTypes:  []string{"client_credentials"},
	}
	fmt.Println(client.Check())
	// Output: <nil>
}
