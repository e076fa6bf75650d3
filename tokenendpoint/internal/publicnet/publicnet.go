// Package publicnet fetches URLs that strangers name, from public addresses alone.
package publicnet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Client returns an HTTP client that connects to public addresses, and to those in
// allowed. The address is checked where it is dialled, after every look-up, so that a
// name server that answers twice gains nothing. It uses no proxy, follows no redirect,
// keeps no cookies, and keeps no connection open, so that an attacker who names many URLs
// holds none.
func Client(allowed ...netip.Prefix) *http.Client {
	return client(net.DefaultResolver, allowed)
}

func client(resolver *net.Resolver, allowed []netip.Prefix) *http.Client {
	dialer := &net.Dialer{
		Timeout:  5 * time.Second,
		Resolver: resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return check(address, allowed)
		},
	}
	return &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  5 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Host returns the host of a URL in one spelling, to count by: a stranger who writes it in
// other letters, or with a dot at its end, asks the same server.
func Host(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}

// errNotPublic is why a connection was not made.
type errNotPublic struct{ address netip.Addr }

// Error names the address.
func (e errNotPublic) Error() string { return fmt.Sprintf("the address %s is not public", e.address) }

func check(address string, allowed []netip.Prefix) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address %q: %w", address, err)
	}
	ip := to.Addr().Unmap()
	if IsPublic(ip) || slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) }) {
		return nil
	}
	return errNotPublic{ip}
}

// special are the blocks of public unicast space that are not, by the registries of
// IANA for special purposes (RFC 6890), and those that carry an IPv4 address inside.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/3",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

var globalUnicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// IsPublic reports whether an address is one that the whole Internet can reach.
func IsPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" || ip.Is6() && !globalUnicast.Contains(ip) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}
