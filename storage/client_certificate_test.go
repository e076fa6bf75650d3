package storage_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
)

// certificate makes a certificate with these names.
func certificate(t *testing.T, template x509.Certificate) *x509.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// subject is a certificate whose subject has these relative names, the least specific
// first, as they stand in a certificate.
func subject(t *testing.T, seq pkix.RDNSequence) *x509.Certificate {
	t.Helper()
	raw, err := asn1.Marshal(seq)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(t, x509.Certificate{RawSubject: raw})
}

var (
	cn = asn1.ObjectIdentifier{2, 5, 4, 3}
	ou = asn1.ObjectIdentifier{2, 5, 4, 11}
	o  = asn1.ObjectIdentifier{2, 5, 4, 10}
)

func rdn(more ...pkix.AttributeTypeAndValue) pkix.RelativeDistinguishedNameSET { return more }

func is(oid asn1.ObjectIdentifier, value any) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

// A registered subject is compared part by part, and never as one text: a value that
// contains the text of another name is not that name (M06).
func TestM06SubjectDN(t *testing.T) {
	org := rdn(is(o, "Ex, Inc."))
	for _, tt := range []struct {
		name       string
		registered string
		subject    pkix.RDNSequence
		want       bool
	}{
		{"the name", `CN=a,O=Ex\, Inc.`, pkix.RDNSequence{org, rdn(is(cn, "a"))}, true},
		{"spaces of older tools", `CN = a, O = Ex\, Inc.`, pkix.RDNSequence{org, rdn(is(cn, "a"))}, true},
		{"small letters of a type, and an OID", `cn=a,2.5.4.10=Ex\2C Inc.`, pkix.RDNSequence{org, rdn(is(cn, "a"))}, true},
		{"the reverse order", `O=Ex\, Inc.,CN=a`, pkix.RDNSequence{org, rdn(is(cn, "a"))}, false},
		{"one name more", `CN=a`, pkix.RDNSequence{org, rdn(is(cn, "a"))}, false},
		{"one name less", `CN=a,O=Ex\, Inc.`, pkix.RDNSequence{rdn(is(cn, "a"))}, false},
		{"another case of the value", `CN=A`, pkix.RDNSequence{rdn(is(cn, "a"))}, false},
		{"a comma inside a value is no other name", `CN=a,CN=b`, pkix.RDNSequence{rdn(is(cn, "b,CN=a"))}, false},
		{"a value is no two names", `CN=a,CN=b`, pkix.RDNSequence{rdn(is(cn, "a,CN=b"))}, false},
		{"a value with a backslash", `CN=a\,CN\=b`, pkix.RDNSequence{rdn(is(cn, `a\,CN=b`))}, false},
		{"two names are no value", `CN=a\,CN\=b`, pkix.RDNSequence{rdn(is(cn, "b")), rdn(is(cn, "a"))}, false},
		{"a NUL in a value", `CN=a`, pkix.RDNSequence{rdn(is(cn, "a\x00.evil"))}, false},
		{"a set of two attributes", `OU=x+CN=a`, pkix.RDNSequence{rdn(is(cn, "a"), is(ou, "x"))}, true},
		{"a set is no sequence", `OU=x,CN=a`, pkix.RDNSequence{rdn(is(cn, "a"), is(ou, "x"))}, false},
		{"a space at the end is kept by a backslash", `CN=a\ `, pkix.RDNSequence{rdn(is(cn, "a "))}, true},
		{"a space at the end", `CN=a `, pkix.RDNSequence{rdn(is(cn, "a "))}, false},
		{"hexadecimal UTF-8", `CN=L\C4\8Di`, pkix.RDNSequence{rdn(is(cn, "Lči"))}, true},
		{"no subject at all", `CN=a`, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := storage.Client{ID: "c", AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SubjectDN: tt.registered}}
			if err := c.Check(); err != nil {
				t.Errorf("the registration %s: %v", tt.registered, err)
			}
			if got := c.Certificate.Names(subject(t, tt.subject)); got != tt.want {
				t.Errorf("%s names %v: got %t, want %t", tt.registered, tt.subject, got, tt.want)
			}
		})
	}
}

// Each other name is compared whole, too.
func TestM01Names(t *testing.T) {
	spiffe, err := url.Parse("spiffe://example.org/billing")
	if err != nil {
		t.Fatal(err)
	}
	shown := certificate(t, x509.Certificate{
		Subject:  pkix.Name{CommonName: "other.test"},
		DNSNames: []string{"first.test", "Billing.test", "*.wild.test"}, URIs: []*url.URL{spiffe},
		IPAddresses: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")}, EmailAddresses: []string{"billing@example.org"},
	})
	for _, tt := range []struct {
		registered storage.ClientCertificate
		want       bool
	}{
		{storage.ClientCertificate{SANDNS: "billing.test"}, true},
		{storage.ClientCertificate{SANDNS: "*.wild.test"}, true},
		{storage.ClientCertificate{SANDNS: "a.wild.test"}, false},
		{storage.ClientCertificate{SANDNS: "other.test"}, false}, // the CN is no dNSName
		{storage.ClientCertificate{SANDNS: "illing.test"}, false},
		{storage.ClientCertificate{SANURI: "spiffe://example.org/billing"}, true},
		{storage.ClientCertificate{SANURI: "spiffe://example.org/billing/x"}, false},
		{storage.ClientCertificate{SANURI: "spiffe://EXAMPLE.org/billing"}, false},
		{storage.ClientCertificate{SANIP: "192.0.2.1"}, true},
		{storage.ClientCertificate{SANIP: "2001:0DB8::0:1"}, true},
		{storage.ClientCertificate{SANIP: "::ffff:192.0.2.1"}, true},
		{storage.ClientCertificate{SANIP: "192.0.2.2"}, false},
		{storage.ClientCertificate{SANEmail: "billing@example.org"}, true},
		{storage.ClientCertificate{SANEmail: "Billing@example.org"}, false},
		{storage.ClientCertificate{}, false},
		{storage.ClientCertificate{SANDNS: "billing.test", SANIP: "192.0.2.9"}, false},
	} {
		if got := tt.registered.Names(shown); got != tt.want {
			t.Errorf("%+v: got %t, want %t", tt.registered, got, tt.want)
		}
	}
}

func TestCheckCertificate(t *testing.T) {
	const public = `{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y"}]}`
	name := func(dn string) storage.Client {
		return storage.Client{AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SubjectDN: dn}}
	}
	for _, tt := range []struct {
		name   string
		client storage.Client
		want   string
	}{
		{"a subject", name("CN=a"), ""},
		{"bound tokens of a client with a secret", storage.Client{Certificate: storage.ClientCertificate{Bound: true}}, ""},
		{"bound tokens of a public client", storage.Client{AuthMethod: storage.AuthNone, Certificate: storage.ClientCertificate{Bound: true}}, ""},
		{"a key", storage.Client{AuthMethod: storage.SelfSignedTLSClientAuth, Assertion: storage.ClientAssertion{JWKS: []byte(public)}}, ""},
		{"no key", storage.Client{AuthMethod: storage.SelfSignedTLSClientAuth}, "neither JWKS nor JWKSURI"},
		{"a platform", storage.Client{AuthMethod: storage.SelfSignedTLSClientAuth, Assertion: storage.ClientAssertion{Issuer: "https://p.test", Claims: []byte(`{"a":"b"}`)}}, "neither JWKS nor JWKSURI"},
		{"no name", storage.Client{AuthMethod: storage.TLSClientAuth}, "has none of SubjectDN"},
		{"two names", storage.Client{AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "a.test", SANIP: "192.0.2.1"}}, "more than one"},
		{"a name without the method", storage.Client{Certificate: storage.ClientCertificate{SANDNS: "a.test"}}, "AuthMethod is not tls_client_auth"},
		{"no IP", storage.Client{AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANIP: "192.0.2"}}, "no IP address"},
		{"no URI", storage.Client{AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANURI: "billing"}}, "no absolute URI"},
		{"a space", storage.Client{AuthMethod: storage.TLSClientAuth, Certificate: storage.ClientCertificate{SANDNS: "a.test "}}, "a space"},
		{"no name at all in it", name("billing"), "RFC 4514"},
		{"an unknown type", name("XY=a"), "neither known nor an OID"},
		{"a value in hex", name("CN=#0401"), "#hex"},
		{"an empty value", name("CN=,O=a"), "an empty part"},
		{"a comma at the end", name("CN=a,"), "an empty part"},
		{"a quote", name(`CN="a,b"`), "must be escaped"},
		{"half an escape", name(`CN=a\`), "wrong escape"},
		{"a wrong escape", name(`CN=a\zz`), "wrong escape"},
		{"escaped bytes that are no UTF-8", name(`CN=a\FF`), "wrong escape"},
	} {
		tt.client.ID = "c"
		err := tt.client.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// The thumbprint of a certificate stands in front of the claims of a credential, and
// changes none of them.
func TestM04Thumbprint(t *testing.T) {
	for claims, want := range map[string]string{
		"":                         `{"cnf":{"x5t#S256":"abc"}}`,
		"{}":                       `{"cnf":{"x5t#S256":"abc"}}`,
		" { \n}":                   `{"cnf":{"x5t#S256":"abc"}}`,
		`{"a":1, "cn": "\"cnf\""}`: `{"cnf":{"x5t#S256":"abc"},"a":1, "cn": "\"cnf\""}`,
	} {
		c := storage.Credential{Claims: []byte(claims)}
		if got, err := c.CertificateThumbprint(); got != "" || err != nil {
			t.Errorf("%q before: got %q, %v", claims, got, err)
		}
		c.BindToCertificate("abc")
		got, err := c.CertificateThumbprint()
		if got != "abc" || err != nil || string(c.Claims) != want {
			t.Errorf("%q: got %q, %v and %s, want %s", claims, got, err, c.Claims, want)
		}
	}
	for _, claims := range []string{`{"cnf":{}}`, `{"cnf":{"jkt":"x"}}`, `{"cnf":{"x5t#S256":"x","jkt":"y"}}`, `{"cnf":"x"}`, `{"cnf":`} {
		c := storage.Credential{Claims: []byte(claims)}
		if got, err := c.CertificateThumbprint(); err == nil {
			t.Errorf("%s: got %q, want an error: nobody can judge by it", claims, got)
		}
	}
}
