package tokenendpoint

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"

	"github.com/contit/oauth/tokenendpoint/internal/forwarded"
)

// TrustedProxies returns a function for Config.RemoteAddr that finds the address of a
// client behind proxies:
//
//	RemoteAddr: tokenendpoint.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8")),
//
// The header is the one that your proxies write, and no other is read: a client can
// write the headers that they pass on untouched. "Forwarded" is read as RFC 7239 has
// it. Every other header is read as a list of addresses: X-Forwarded-For, or one of a
// single address such as X-Real-IP. The prefixes are the addresses of your proxies. A
// peer on a Unix socket is trusted too: no client gets there from a network.
//
// A request of a peer that is not trusted has the address of the peer, whatever its
// headers say. Otherwise the client is the right-most address that is not trusted;
// what stands to the left of it may be an invention. If all of them are trusted, the
// client is the left-most. If the header is missing, malformed, "unknown" or
// obfuscated in this place, the address is not valid: the endpoint takes the address
// of the connection, and warns once.
//
// Name only addresses that no client can have: an attacker at a trusted address
// chooses the address that counts. TrustedProxies panics if the header is no name of
// a header, or a prefix is not valid. The function is safe for concurrent use.
func TrustedProxies(header string, prefixes ...netip.Prefix) func(*http.Request) netip.Addr {
	header = textproto.CanonicalMIMEHeaderKey(header)
	if !forwarded.IsHeaderName(header) {
		panic(fmt.Sprintf("tokenendpoint: TrustedProxies: %q is no name of a header, such as Forwarded or X-Forwarded-For", header))
	}
	own, wrong := forwarded.NewProxies(prefixes)
	if wrong >= 0 {
		panic(fmt.Sprintf("tokenendpoint: TrustedProxies: prefix %d is not valid", wrong))
	}
	return func(r *http.Request) netip.Addr {
		if !own.Sent(r) {
			return forwarded.Peer(r)
		}
		return forwarded.Client(r.Header[header], header == "Forwarded", own.Trusts)
	}
}
