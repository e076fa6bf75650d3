package grants_test

import (
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// redirects are compared with the registration of TestMayRedirect.
var redirects = []struct {
	name, uri string
	want      bool
}{
	{"the very string", "https://app.test/cb", true},
	{"a scheme of an app", "com.example.app:/cb", true},
	{"a slash more", "https://app.test/cb/", false},
	{"another case of the path", "https://app.test/CB", false},
	{"another case of the host", "https://APP.test/cb", false},
	{"another case of the scheme", "HTTPS://app.test/cb", false},
	{"another scheme", "http://app.test/cb", false},
	{"another port", "https://app.test:8443/cb", false},
	{"the default port", "https://app.test:443/cb", false},
	{"a prefix", "https://app.test/c", false},
	{"longer", "https://app.test/cb.evil", false},
	{"a directory below", "https://app.test/cb/x", false},
	{"a query", "https://app.test/cb?x=1", false},
	{"an empty query", "https://app.test/cb?", false},
	{"a fragment", "https://app.test/cb#x", false},
	{"an empty fragment", "https://app.test/cb#", false},
	{"the host as a prefix of another", "https://app.test.evil.test/cb", false},
	{"the host as user", "https://app.test@evil.test/cb", false},
	{"a user", "https://u@app.test/cb", false},
	{"a subdomain", "https://x.app.test/cb", false},
	{"a dot segment", "https://app.test/x/../cb", false},
	{"a percent escape", "https://app.test/%63b", false},
	{"a backslash", `https://evil.test\@app.test/cb`, false},
	{"a space before", " https://app.test/cb", false},
	{"relative", "/cb", false},
	{"javascript", "javascript:alert(1)", false},

	{"loopback, any port", "http://127.0.0.1:51004/cb", true},
	{"loopback, no port where one is registered", "http://[::1]/cb", true},
	{"loopback of IPv6, another port", "http://[::1]:51004/cb", true},
	{"loopback, a query that is registered", "http://127.0.0.1:51004/q?a=b", true},
	{"loopback, another query", "http://127.0.0.1:51004/q?a=c", false},
	{"loopback, a query more", "http://127.0.0.1:51004/cb?a=b", false},
	{"loopback, an empty query", "http://127.0.0.1:51004/cb?", false},
	{"loopback, a fragment", "http://127.0.0.1:51004/cb#x", false},
	{"loopback, an empty fragment", "http://127.0.0.1:51004/cb#", false},
	{"loopback, another path", "http://127.0.0.1:51004/other", false},
	{"loopback, a percent escape", "http://127.0.0.1:51004/%63b", false},
	{"loopback, a space behind", "http://127.0.0.1:51004/cb ", false},
	{"loopback, another case of the scheme", "HTTP://127.0.0.1:51004/cb", false},
	{"loopback, a user", "http://u@127.0.0.1:51004/cb", false},
	{"loopback, an empty user", "http://@127.0.0.1:51004/cb", false},
	{"loopback, as user of another", "http://127.0.0.1:51004@evil.test/cb", false},
	{"loopback, a backslash", `http://127.0.0.1:1\@evil.test/cb`, false},
	{"loopback, as a prefix of another", "http://127.0.0.1.evil.test:51004/cb", false},
	{"loopback, another address", "http://127.0.0.2:51004/cb", false},
	{"loopback, another family", "http://[::1]:51004/q?a=b", false},
	{"loopback, another spelling", "http://127.1:51004/cb", false},
	{"loopback, another spelling of IPv6", "http://[0:0:0:0:0:0:0:1]:51004/cb", false},
	{"loopback, a zone", "http://[::1%25lo]:51004/cb", false},
	{"loopback, mapped", "http://[::ffff:127.0.0.1]:51004/cb", false},
	{"loopback, nothing behind the port", "http://127.0.0.1:51004", false},
	{"loopback, a port and letters", "http://127.0.0.1:1x/cb", false},
	{"loopback, two ports", "http://127.0.0.1:1:2/cb", false},
	{"loopback, letters behind the address", "http://127.0.0.1x/cb", false},
	{"loopback, a port that is none", "http://127.0.0.1:x/cb", false},
	{"loopback, an empty port", "http://127.0.0.1:/cb", false},
	{"loopback, an empty port of IPv6", "http://[::1]:/cb", false},
	{"loopback, the least port", "http://127.0.0.1:1/cb", true},
	{"loopback, the greatest port", "http://127.0.0.1:65535/cb", true},
	{"loopback, the port 0", "http://127.0.0.1:0/cb", false},
	{"loopback, a port beyond the greatest", "http://127.0.0.1:65536/cb", false},
	{"loopback, a port beyond numbers", "http://127.0.0.1:99999999999/cb", false},
	{"loopback, a port with a zero before it", "http://127.0.0.1:08080/cb", false},
	{"loopback, over https", "https://127.0.0.1:51004/cb", false},
	{"https on a loopback address has its port", "https://127.0.0.1:51004/tls", false},
	{"R28_localhost without a port, any port", "http://localhost:51004/cb", true},
	{"R28_localhost, the very string", "http://localhost/cb", true},
	{"R28_localhost with a port has that port", "http://localhost:3000/fixed", true},
	{"R28_localhost with a port, another port", "http://localhost:3001/fixed", false},
	{"R28_localhost with a port, no port", "http://localhost/fixed", false},
	{"R28_localhost, another path", "http://localhost:51004/other", false},
	{"R28_localhost, a name that begins like it", "http://localhost.evil.test:51004/cb", false},
	{"R28_localhost, as user of another", "http://localhost:51004@evil.test/cb", false},
	{"R28_localhost, another loopback host", "http://127.0.0.1:51004/local", false},
	{"R28_localhost, a dot behind it", "http://localhost.:51004/cb", false},
	{"R28_localhost over https", "https://localhost:51004/cb", false},
	{"R28_localhost in another case", "http://LOCALHOST:51004/cb", false},
	{"http elsewhere has its port", "http://app.test:51004/plain", false},
	{"nothing, where several are registered", "", false},
}

func TestMayRedirect(t *testing.T) {
	registered := []string{
		"https://app.test/cb", "com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://127.0.0.1/q?a=b",
		"http://localhost/cb", "http://localhost:3000/fixed", "http://localhost/local", "https://127.0.0.1/tls", "http://app.test/plain",
	}
	for _, c := range redirects {
		t.Run(c.name, func(t *testing.T) {
			if got := grants.MayRedirect(&storage.Client{RedirectURIs: registered}, c.uri); got != c.want {
				t.Errorf("MayRedirect(%q) = %t, want %t", c.uri, got, c.want)
			}
		})
	}
	if !grants.MayRedirect(&storage.Client{RedirectURIs: registered[:1]}, "") {
		t.Error("nothing, where one is registered: got false, want true")
	}
	if grants.MayRedirect(&storage.Client{}, "") || grants.MayRedirect(&storage.Client{}, "https://app.test/cb") {
		t.Error("none registered: got true, want false")
	}
	if grants.MayRedirect(&storage.Client{RedirectURIs: []string{"://broken"}}, "http://127.0.0.1/cb") {
		t.Error("a broken one registered: got true, want false")
	}
	for _, rest := range []string{"", "?a=b", "/?a=b"} {
		if !grants.MayRedirect(&storage.Client{RedirectURIs: []string{"http://127.0.0.1" + rest}}, "http://127.0.0.1:51004"+rest) {
			t.Errorf("loopback, any port and no path but %q: got false, want true", rest)
		}
	}
}

// A URI that only begins like a loopback address keeps its port and all that follows.
func TestMayRedirectBesideLoopback(t *testing.T) {
	for _, c := range []struct{ name, registered, uri string }{
		{"a user and its password", "http://127.0.0.1:1@app.test/cb", "http://127.0.0.1:2@app.test/cb"},
		{"a user without a password", "http://127.0.0.1@app.test/cb", "http://127.0.0.1:2@app.test/cb"},
		{"a user at a loopback address of IPv6", "http://[::1]:1@app.test/cb", "http://[::1]:2@app.test/cb"},
		{"a name", "http://127.0.0.1.app.test/cb", "http://127.0.0.1:2.app.test/cb"},
		{"a fragment", "http://127.0.0.1:1#x", "http://127.0.0.1:2#x"},
		{"an empty port", "http://127.0.0.1:/cb", "http://127.0.0.1:2/cb"},
		{"a port beyond the greatest", "http://127.0.0.1:65536/cb", "http://127.0.0.1:2/cb"},
		{"a backslash", `http://127.0.0.1:1\@app.test`, `http://127.0.0.1:2\@app.test`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &storage.Client{RedirectURIs: []string{c.registered}}
			if grants.MayRedirect(k, c.uri) {
				t.Errorf("MayRedirect(%q) where %q is registered = true, want false", c.uri, c.registered)
			}
			if !grants.MayRedirect(k, c.registered) {
				t.Errorf("MayRedirect(%q) where the same is registered = false, want true", c.registered)
			}
		})
	}
}
