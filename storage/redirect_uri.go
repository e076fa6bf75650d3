package storage

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// redirectURIFault describes the fault of a redirect URI, or is empty. The endpoint
// sends codes to a registered URI as it stands, and a browser reads it by the URL
// Standard of WHATWG, which repairs where RFC 3986 refuses. So a URI passes only if
// both read the same host, port, path and query in it, and nothing has to be
// repaired.
func redirectURIFault(uri string) string {
	scheme, rest, ok := strings.Cut(uri, ":")
	switch {
	case !ok || !isScheme(scheme):
		return "is relative (RFC 6749 §3.1.2): it must begin with a scheme, such as https:"
	case strings.Contains(uri, "#"):
		return "has a fragment (RFC 6749 §3.1.2): leave it out"
	case !isURIText(uri):
		return "has a character that no URI has (RFC 3986 §2), or a percent sign without two hexadecimal digits: percent-encode it"
	case slices.Contains(contentSchemes, strings.ToLower(scheme)):
		return "has a scheme that a browser runs or reads by itself: it must lead to the client"
	}
	authority, found := strings.CutPrefix(rest, "//")
	web := strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
	if !found {
		if web {
			return "has no host: it must begin with " + strings.ToLower(scheme) + "://"
		}
		authority = ""
	} else {
		end := len(authority)
		if i := strings.IndexAny(authority, "/?"); i >= 0 {
			end = i
		}
		authority, rest = authority[:end], authority[end:]
		if fault := authorityFault(authority, web); fault != "" {
			return fault
		}
	}
	path, _, _ := strings.Cut(rest, "?")
	for segment := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return "has a dot segment: a browser leaves it out, so that the path is another one"
		}
	}
	return ""
}

// contentSchemes are schemes that lead to no client: a browser would run the code,
// show the data, or open the file of the client that registered such a URI.
var contentSchemes = []string{"about", "blob", "data", "file", "filesystem", "ftp", "javascript", "mailto", "vbscript", "view-source", "ws", "wss"}

// authorityFault describes the fault of the host and the port of a redirect URI.
// The host of a web address has more rules: a browser parses numbers in it.
func authorityFault(authority string, web bool) string {
	if strings.Contains(authority, "@") {
		return "names a user: people read the name for the host"
	}
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return "has a port that is none: it must be 1 to 65535, without zeros before it"
		}
	}
	switch {
	case host == "" && (web || port != ""):
		return "has no host"
	case strings.HasPrefix(host, "["):
		if a, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]")); err != nil || !a.Is6() || a.Zone() != "" || !strings.HasSuffix(host, "]") {
			return "has a host in brackets that is no IPv6 address"
		}
	case !isHostName(host):
		return "has a host with a character other than letters, digits, hyphens and dots: write it as DNS does, in ASCII"
	case web && endsInNumber(host):
		if a, err := netip.ParseAddr(host); err != nil || a.String() != host {
			return "has a host that a browser takes for another IPv4 address: write four decimal numbers"
		}
	}
	return ""
}

// endsInNumber reports whether a browser parses the host as an IPv4 address: "127.1",
// "0x7f.1" and "2130706433" are 127.0.0.1 to it.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func isHostName(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' && s[i] != '.' && s[i] != '_' {
			return false
		}
	}
	return !strings.HasPrefix(s, ".") && !strings.Contains(s, "..")
}

// isScheme is the rule of RFC 3986 §3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && !strings.Contains("+-.", s[i:i+1]) {
			return false
		}
	}
	return s != "" && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}

// isURIText reports whether s has the characters of RFC 3986 §2 alone. A browser
// leaves brackets in a path and in a query as they are; authorityFault judges those
// of a host.
func isURIText(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlphanumeric(c) || strings.IndexByte("-._~:/?#@!$&'()*+,;=[]", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
