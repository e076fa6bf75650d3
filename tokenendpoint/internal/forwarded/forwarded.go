// Package forwarded finds the address of a client in the header that proxies write.
package forwarded

import (
	"net/netip"
	"strconv"
	"strings"
)

// Client returns the address of the client of a request that came from a trusted
// proxy: the right-most address of the header that is not trusted. Each proxy
// appends the address of its peer, so that everything to the left of that one may
// be an invention of the client. If all addresses are trusted, the client is one of
// them, the left-most. The lines are in their order.
//
// It returns the zero Addr if there is no address, or if the text in its place is
// malformed or hides the address. Nothing to the left can take its place.
func Client(lines []string, named bool, trusted func(netip.Addr) bool) (client netip.Addr) {
	for i := len(lines) - 1; i >= 0; i-- {
		rest, element := lines[i], ""
		for rest != "" {
			rest, element = cutLast(rest, ',')
			if element = trim(element); element == "" { // RFC 9110 §5.6.1.2
				continue
			}
			node, ok := element, true
			if named {
				node, ok = forOf(element)
			}
			if ok {
				client, ok = Node(node)
			}
			if !ok {
				return netip.Addr{}
			}
			if !trusted(client) {
				return client
			}
		}
	}
	return client
}

// cutLast cuts a text at the last separator outside of quotes. It reads from the
// right: a trusted proxy wrote what stands there, and a client that opens a quote on
// the left cannot swallow it.
func cutLast(s string, separator byte) (before, after string) {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"' && !escaped(s, i):
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return "", s
}

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	n := 0
	for i > 0 && s[i-1] == '\\' {
		n, i = n+1, i-1
	}
	return n%2 == 1
}

// forOf returns the node of the parameter "for" of an element of Forwarded (RFC 7239
// §4), if it is there once.
func forOf(element string) (node string, ok bool) {
	rest, pair := element, ""
	for rest != "" {
		rest, pair = cutLast(rest, ';')
		name, value, _ := strings.Cut(trim(pair), "=")
		if !strings.EqualFold(name, "for") {
			continue
		}
		if ok {
			return "", false
		}
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		node, ok = value, true
	}
	return node, ok
}

// Node reads the address of a node (RFC 7239 §6): an IPv4 address, or an IPv6 address
// in brackets, with a port or without. Many proxies leave the brackets out. "unknown"
// and identifiers such as "_hidden" are no address.
func Node(s string) (netip.Addr, bool) {
	host, port, wantsIPv6 := s, "", false
	switch {
	case strings.HasPrefix(s, "["):
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return netip.Addr{}, false
		}
		host, port, wantsIPv6 = s[1:end], s[end+1:], true
	case strings.Count(s, ":") == 1:
		at := strings.IndexByte(s, ':')
		host, port = s[:at], s[at:]
	}
	a, err := netip.ParseAddr(host)
	if err != nil || port != "" && !isPort(port) || wantsIPv6 && !a.Is6() {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// isPort reports whether s is a colon and a port, or an obfuscated one.
func isPort(s string) bool {
	s, ok := strings.CutPrefix(s, ":")
	if !ok || s == "" {
		return false
	}
	if s[0] == '_' {
		return len(s) > 1 && !strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
		})
	}
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil && len(s) <= 5
}

func trim(s string) string { return strings.Trim(s, " \t") }
