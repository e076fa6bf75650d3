package mtls

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/contit/oauth/tokenendpoint/internal/forwarded"
)

// Header returns the [Source] of a server behind a proxy that ends the TLS connection and
// passes the certificate of the client on in a header:
//
//	ClientCertificate: mtls.Header("Client-Cert", netip.MustParsePrefix("10.0.0.0/8")),
//
// The header has one of three forms: that of RFC 9440, where the proxy may send
// Client-Cert-Chain as well; PEM that is escaped as in a URL ($ssl_client_escaped_cert of
// nginx); or base64 of the DER. The prefixes are the addresses of your proxies, as in
// TrustedProxies of package tokenendpoint, and a peer on a Unix socket is one too. The
// header of every other peer is ignored.
//
// The proxy must remove the header from the requests of clients, or set it in each: what
// a client has written there would be its certificate. So must no middleware around this
// write RemoteAddr of the request from another header, such as X-Forwarded-For: a client
// could choose the address of a proxy. A malformed header, or a second one, is an error;
// Apache sends "(null)" where there is no certificate, which is one.
//
// Header panics if name is no name of a header, or a prefix is not valid.
func Header(name string, proxies ...netip.Prefix) Source {
	name = textproto.CanonicalMIMEHeaderKey(name)
	if !forwarded.IsHeaderName(name) {
		panic(fmt.Sprintf("mtls: Header: %q is no name of a header, such as Client-Cert", name))
	}
	own, wrong := forwarded.NewProxies(proxies)
	if wrong >= 0 {
		panic(fmt.Sprintf("mtls: Header: prefix %d is not valid", wrong))
	}
	return func(r *http.Request) ([]*x509.Certificate, error) {
		if !own.Sent(r) {
			return nil, nil
		}
		lines := r.Header[name]
		switch {
		case len(lines) == 0 || len(lines) == 1 && lines[0] == "":
			return nil, nil
		case len(lines) > 1:
			return nil, fmt.Errorf("mtls: the header %s is there twice: does the proxy remove that of a client?", name)
		}
		chain, err := parse(lines[0], r.Header[name+"-Chain"])
		if err != nil {
			return nil, fmt.Errorf("mtls: the header %s that a proxy has sent: %w", name, err)
		}
		return chain, nil
	}
}

var errForm = errors.New("it is neither a byte sequence of RFC 9440, nor PEM that is escaped as in a URL, nor base64")

// maxChain bounds how many certificates of the proxy's are read.
const maxChain = 10

// parse reads the certificate of a client, and in the form of RFC 9440 those above it.
func parse(text string, above []string) ([]*x509.Certificate, error) {
	switch {
	case strings.HasPrefix(text, ":"):
		chain, err := items(nil, text, 1)
		for _, line := range above {
			if err == nil {
				chain, err = items(chain, line, maxChain)
			}
		}
		return chain, err
	case strings.HasPrefix(text, "-----BEGIN"):
		text, err := url.PathUnescape(text)
		if err != nil {
			return nil, errForm
		}
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
			return nil, errForm
		}
		return one(block.Bytes)
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errForm
	}
	return one(der)
}

// items appends the certificates of a list of byte sequences (RFC 8941 §3.3.5).
func items(chain []*x509.Certificate, list string, most int) ([]*x509.Certificate, error) {
	for item := range strings.SplitSeq(list, ",") {
		encoded, ok := strings.CutPrefix(strings.Trim(item, " \t"), ":")
		encoded, end := strings.CutSuffix(encoded, ":")
		der, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || !end || err != nil || len(chain) >= most {
			return nil, errForm
		}
		c, err := one(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c...)
	}
	return chain, nil
}

// one reads a certificate. A client can make one that the proxy takes and package x509 does
// not, such as for a malformed name: that is no fault of the proxy's. It has a thumbprint
// and nothing else, so it authenticates nobody.
func one(der []byte) ([]*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		var seq asn1.RawValue
		if rest, malformed := asn1.Unmarshal(der, &seq); malformed != nil || len(rest) > 0 || seq.Tag != asn1.TagSequence {
			return nil, err
		}
		c = &x509.Certificate{Raw: der}
	}
	return []*x509.Certificate{c}, nil
}
