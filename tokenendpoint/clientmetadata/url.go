package clientmetadata

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/contit/oauth/tokenendpoint/internal/publicnet"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

// maxURL is the length of the longest identifier that the stores of this library keep.
const maxURL = 512

// IsDocument reports whether a client_id has the form of the URL of a document: https,
// with a path, without user and fragment, without dot segments in any spelling, and
// with a host that is not an address of a private network.
func IsDocument(clientID string) bool {
	u, fault := checkURL(clientID)
	return fault == "" && u.EscapedPath() != "" && u.EscapedPath() != "/"
}

// checkURL reads a URL that a stranger names, or says what is wrong with it. Nothing
// is fetched.
func checkURL(text string) (u *url.URL, fault string) {
	if len(text) > maxURL {
		return nil, "is too long"
	}
	u, ok := weburl.Parse(text)
	switch {
	case !ok:
		return nil, "is no URL without user and fragment"
	case u.Scheme != "https" || !strings.HasPrefix(text, "https://"):
		return nil, "is no https URL"
	case strings.ContainsAny(text, `\"<>^{}|`+"`"):
		return nil, "has a character that no URL has"
	}
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return nil, "has a dot segment"
		}
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	if ip, err := netip.ParseAddr(host); err == nil && !publicnet.IsPublic(ip) {
		return nil, "names an address that is not public"
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; !strings.Contains(host, ".") && !strings.Contains(host, ":") ||
		last == "localhost" || last == "local" || last == "internal" {
		return nil, "names a host of a private network"
	}
	return u, ""
}
