package grants

import (
	"net/url"
	"slices"
	"strings"
)

// SameAudience reports whether two audiences, or a resource (RFC 8707) and an
// audience, are the same. It compares URLs as URLs: the case of the scheme and of the
// host does not count, nor does the default port of http and https, and an empty path
// is "/" (RFC 3986 §6.2.2.1, §6.2.3). A client that parses a URL and writes it again
// changes it in these ways. Nothing else is normalised. Strings that are no URL with
// a host are compared byte for byte.
func SameAudience(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := splitURL(a)
	y, too := splitURL(b)
	return ok && too && foldASCII(x.scheme, y.scheme) && x.user == y.user && foldASCII(x.host, y.host) &&
		x.port == y.port && x.rest == y.rest
}

// FindAudience returns the index of the audience of list that a name means: the one
// with the same spelling or, if there is none, one that [SameAudience] takes for the
// same. It is -1 if there is none.
func FindAudience(list []string, name string) int {
	if i := slices.Index(list, name); i >= 0 {
		return i
	}
	return slices.IndexFunc(list, func(a string) bool { return SameAudience(a, name) })
}

// IsResource reports whether s can be a resource parameter: an absolute URI without a
// fragment (RFC 8707 §2).
func IsResource(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.Contains(s, "#")
}

// parts is a URL cut into pieces for SameAudience.
type parts struct{ scheme, user, host, port, rest string }

func splitURL(s string) (p parts, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/?#:@") {
		return p, false
	}
	p.scheme = scheme
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	p.host, p.rest = rest[:end], rest[end:]
	if p.rest == "" || p.rest[0] != '/' {
		p.rest = "/" + p.rest
	}
	if at := strings.LastIndexByte(p.host, '@'); at >= 0 {
		p.user, p.host = p.host[:at+1], p.host[at+1:]
	}
	if colon := strings.LastIndexByte(p.host, ':'); colon > strings.LastIndexByte(p.host, ']') {
		p.host, p.port = p.host[:colon], p.host[colon:]
	}
	if foldASCII(scheme, "https") && p.port == ":443" || foldASCII(scheme, "http") && p.port == ":80" {
		p.port = ""
	}
	return p, p.host != ""
}

// foldASCII is strings.EqualFold for ASCII alone: Unicode folds other letters to k
// and s.
func foldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// audiencesWithin reports whether every audience of list is in bound.
func audiencesWithin(list, bound []string) bool {
	return !slices.ContainsFunc(list, func(a string) bool { return FindAudience(bound, a) < 0 })
}
