// Package weburl holds the rules for URLs that a host configures.
package weburl

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Parse reads a URL with a host, without a user and without a fragment. If it
// has a port, that is one: net/url takes any digits, and none after the colon.
func Parse(text string) (u *url.URL, ok bool) {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || c == '#' {
			return nil, false
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || !portExists(u) {
		return nil, false
	}
	return u, true
}

func portExists(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// SchemeFault names the fault in the scheme of a URL, or nothing if the scheme
// is right: https, or http for a loopback address, which no network can
// overhear.
func SchemeFault(u *url.URL) string {
	switch {
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return "is http: only a loopback address may be"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is not an https URL"
	}
	return ""
}

// IsLoopback reports whether a host is this machine, by an address or as localhost.
func IsLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
