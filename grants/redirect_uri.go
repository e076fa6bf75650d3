package grants

import (
	"strconv"
	"strings"

	"github.com/contit/oauth/storage"
)

// MayRedirect reports whether uri, the redirect_uri of an authorization request, is
// registered for the client. It must be the same string (RFC 9700 §2.1), except for
// the port of a loopback redirect of a native app (RFC 8252 §7.3): one that is
// registered with http://127.0.0.1 or http://[::1] may come with any port, and one
// that is registered with http://localhost and without a port may too. An empty uri
// is right for a client that has registered exactly one (RFC 6749 §3.1.2.3).
//
// RFC 8252 §8.3 advises against localhost, since a machine may resolve it elsewhere;
// PKCE binds the code to the app all the same. With a port it is a server's address,
// and is compared as one.
func MayRedirect(c *storage.Client, uri string) bool {
	if uri == "" {
		return len(c.RedirectURIs) == 1
	}
	presented, loopback := splitLoopback(uri)
	for _, registered := range c.RedirectURIs {
		if uri == registered {
			return true
		}
		if r, ok := splitLoopback(registered); loopback && ok && r.host == presented.host && r.rest == presented.rest &&
			(r.host != localhost || r.port == "") {
			return true
		}
	}
	return false
}

// loopbackURI is an http URI of this machine, cut into pieces.
type loopbackURI struct{ host, port, rest string }

const localhost = "http://localhost"

// splitLoopback cuts the port out of an http URI of a loopback address. It does
// not parse: a URI that two parsers would read in two ways does not match.
func splitLoopback(uri string) (l loopbackURI, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]", localhost} {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		l.host, l.rest = host, rest
		if port, ok := strings.CutPrefix(rest, ":"); ok {
			l.rest = strings.TrimLeft(port, "0123456789")
			l.port = port[:len(port)-len(l.rest)]
			if !isPort(l.port) {
				return l, false
			}
		}
		return l, l.rest == "" || l.rest[0] == '/' || l.rest[0] == '?'
	}
	return l, false
}

// isPort reports whether digits is a port number from 1 to 65535.
func isPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0 && digits[0] != '0'
}
