package mtls_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/contit/oauth/tokenendpoint/mtls"
)

func certificate(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(serial)}
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

// The header counts if a proxy has sent it, and otherwise is as if absent.
func TestM05Header(t *testing.T) {
	leaf, above := certificate(t, 1), certificate(t, 2)
	encode := base64.StdEncoding.EncodeToString
	rfc, rfcAbove := ":"+encode(leaf.Raw)+":", ":"+encode(above.Raw)+":"
	escaped := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))
	source := mtls.Header("client-cert", netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:192.0.2.7/128"))
	unix := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.UnixAddr{Net: "unix"})
	for _, tt := range []struct {
		name    string
		peer    string
		ctx     context.Context
		headers http.Header
		want    []*x509.Certificate
		fails   bool
	}{
		{"RFC 9440", "10.1.2.3:4", nil, http.Header{"Client-Cert": {rfc}}, []*x509.Certificate{leaf}, false},
		{"RFC 9440 with a chain", "10.1.2.3:4", nil, http.Header{"Client-Cert": {rfc}, "Client-Cert-Chain": {rfcAbove + ", " + rfcAbove}}, []*x509.Certificate{leaf, above, above}, false},
		{"escaped PEM", "10.1.2.3:4", nil, http.Header{"Client-Cert": {escaped}}, []*x509.Certificate{leaf}, false},
		{"base64", "192.0.2.7:4", nil, http.Header{"Client-Cert": {encode(leaf.Raw)}}, []*x509.Certificate{leaf}, false},
		{"a Unix socket", "@", unix, http.Header{"Client-Cert": {rfc}}, []*x509.Certificate{leaf}, false},
		{"no header", "10.1.2.3:4", nil, nil, nil, false},
		{"an empty header", "10.1.2.3:4", nil, http.Header{"Client-Cert": {""}}, nil, false},
		{"a peer that is no proxy", "11.1.2.3:4", nil, http.Header{"Client-Cert": {rfc}}, nil, false},
		{"a peer that nobody can tell", "@", nil, http.Header{"Client-Cert": {rfc}}, nil, false},
		{"another header", "10.1.2.3:4", nil, http.Header{"X-Ssl-Client-Cert": {rfc}}, nil, false},
		{"two headers", "10.1.2.3:4", nil, http.Header{"Client-Cert": {rfc, rfc}}, nil, true},
		{"two certificates in one", "10.1.2.3:4", nil, http.Header{"Client-Cert": {rfc + ", " + rfcAbove}}, nil, true},
		{"garbage", "10.1.2.3:4", nil, http.Header{"Client-Cert": {"(null)"}}, nil, true},
		{"half a sequence", "10.1.2.3:4", nil, http.Header{"Client-Cert": {rfc[:40]}}, nil, true},
		{"no certificate in it", "10.1.2.3:4", nil, http.Header{"Client-Cert": {":AAAA:"}}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr, r.Header = tt.peer, tt.headers
			if tt.ctx != nil {
				r = r.WithContext(tt.ctx)
			}
			got, err := source(r)
			if (err != nil) != tt.fails || len(got) != len(tt.want) {
				t.Fatalf("got %d certificates and %v, want %d, an error: %t", len(got), err, len(tt.want), tt.fails)
			}
			for i := range got {
				if !got[i].Equal(tt.want[i]) {
					t.Errorf("certificate %d is another", i)
				}
			}
		})
	}
}

// Without TLS there is no certificate, and no header makes one.
func TestM05Connection(t *testing.T) {
	leaf := certificate(t, 1)
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(leaf.Raw)+":")
	r.Header.Set("X-SSL-Client-Cert", base64.StdEncoding.EncodeToString(leaf.Raw))
	if got, err := mtls.Connection(r); got != nil || err != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	if got, err := mtls.Connection(r); len(got) != 1 || err != nil {
		t.Errorf("got %v, %v, want the certificate", got, err)
	}
	sum := sha256.Sum256(leaf.Raw)
	if got, want := mtls.Thumbprint(leaf), base64.RawURLEncoding.EncodeToString(sum[:]); got != want || mtls.Thumbprint(nil) != "" {
		t.Errorf("the thumbprint is %s, want %s, and none of nil", got, want)
	}
}
