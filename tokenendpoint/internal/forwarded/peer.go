package forwarded

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of proxies that are trusted.
type Proxies []netip.Prefix

// NewProxies returns the prefixes in the form in which addresses are compared. A prefix
// that is not valid is answered with its index, and otherwise wrong is negative.
func NewProxies(prefixes []netip.Prefix) (own Proxies, wrong int) {
	own = make(Proxies, len(prefixes))
	for i, p := range prefixes {
		if !p.IsValid() {
			return nil, i
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		own[i] = p
	}
	return own, -1
}

// Trusts reports whether an address is that of one of the proxies.
func (p Proxies) Trusts(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// Sent reports whether one of the proxies has sent a request. A peer on a Unix socket is
// one: no client gets there from a network.
func (p Proxies) Sent(r *http.Request) bool {
	peer := Peer(r)
	return peer.IsValid() && p.Trusts(peer) || !peer.IsValid() && onUnixSocket(r)
}

// Peer returns the address of the other end of the connection, as prefixes compare it. It
// is not valid on a Unix socket.
func Peer(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, _ := netip.ParseAddr(r.RemoteAddr) // some middleware leaves the port out
	return a.Unmap().WithZone("")
}

// onUnixSocket asks the server, since the text of a peer on a Unix socket may be
// anything.
func onUnixSocket(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && strings.HasPrefix(a.Network(), "unix")
}

// IsHeaderName reports whether s is a token (RFC 9110 §5.6.2).
func IsHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
}
