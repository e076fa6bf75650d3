package storage_test

import (
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
)

// redirectURIs are registered one by one. Each that is refused is a text in which a
// browser reads another place than RFC 3986, or that leads to no client.
var redirectURIs = []struct{ name, uri, fault string }{
	{"a web address", "https://app.test/cb", ""},
	{"no path", "https://app.test", ""},
	{"capitals", "HTTPS://App.Test/CB", ""},
	{"a query that is kept", "https://app.test/cb?x=%7E&y&z[]=1", ""},
	{"a port", "https://app.test:8443/cb", ""},
	{"an address", "http://127.0.0.1:8080/cb", ""},
	{"an address of IPv6", "http://[::1]/cb", ""},
	{"localhost", "http://localhost/cb", ""},
	{"an app", "com.example.app:/cb", ""},
	{"an app with a host", "cursor://anysphere.cursor/cb", ""},
	{"an app with a path alone", "app:cb", ""},
	{"an app with no host", "app:///cb", ""},
	{"a number in the middle of a name", "https://1.app.test/cb", ""},

	{"nothing", "", "is relative"},
	{"a path", "/cb", "is relative"},
	{"no scheme", "//app.test/cb", "is relative"},
	{"a scheme with a space", "ht tp://app.test/cb", "is relative"},
	{"a fragment", "https://app.test/cb#f", "fragment"},
	{"an empty fragment", "https://app.test/cb#", "fragment"},
	{"a script", "javascript:alert(1)", "runs"},
	{"a script in capitals", "JavaScript:alert(1)", "runs"},
	{"data", "data:text/html,x", "runs"},
	{"a file", "file:///etc/passwd", "runs"},
	{"a page inside of another scheme", "blob:https://app.test/1", "runs"},
	{"a backslash for a slash", `https://app.test\@evil.test/cb`, "character"},
	{"a tab that a browser leaves out", "https://app.te\tst/cb", "character"},
	{"a newline", "https://app.test/cb\n", "character"},
	{"a space", "https://app.test/c b", "character"},
	{"a NUL", "https://app.test/\x00", "character"},
	{"letters beyond ASCII", "https://ápp.test/cb", "character"},
	{"a letter beyond ASCII in the path", "https://app.test/é", "character"},
	{"half an escape", "https://app.test/%4", "percent"},
	{"an escape that is none", "https://app.test/%zz", "percent"},
	{"a quote", `https://app.test/"`, "character"},
	{"a user", "https://app.test@evil.test/cb", "user"},
	{"an empty user", "https://@app.test/cb", "user"},
	{"a user and a password", "https://a:b@app.test/cb", "user"},
	{"a user of an app's address", "app://u@host/cb", "user"},
	{"no slashes", "https:app.test/cb", "no host"},
	{"one slash", "https:/app.test/cb", "no host"},
	{"three slashes", "https:///app.test/cb", "no host"},
	{"a port and no host", "https://:80/cb", "no host"},
	{"an empty port", "https://app.test:/cb", "port"},
	{"the port 0", "https://app.test:0/cb", "port"},
	{"a port beyond the greatest", "https://app.test:65536/cb", "port"},
	{"a port with a zero before it", "https://app.test:0443/cb", "port"},
	{"letters for a port", "https://app.test:x/cb", "port"},
	{"an escape in the host", "https://app%2etest/cb", "host"},
	{"a short address", "http://127.1/cb", "IPv4"},
	{"an address in one number", "http://2130706433/cb", "IPv4"},
	{"a hexadecimal address", "http://0x7f.0.0.1/cb", "IPv4"},
	{"an octal address", "http://0177.0.0.1/cb", "IPv4"},
	{"a hexadecimal number behind a name", "http://app.0x1/cb", "IPv4"},
	{"a dot behind an address", "http://127.0.0.1./cb", "IPv4"},
	{"a zone", "http://[fe80::1%25eth0]/cb", "IPv6"},
	{"brackets around a name", "http://[app.test]/cb", "IPv6"},
	{"letters behind the brackets", "http://[::1]x/cb", "IPv6"},
	{"a dot before the name", "https://.app.test/cb", "host"},
	{"dots in the path", "https://app.test/a/../cb", "dot segment"},
	{"a dot in the path", "https://app.test/./cb", "dot segment"},
	{"escaped dots in the path", "https://app.test/a/%2e%2E/cb", "dot segment"},
	{"half escaped dots at the end", "https://app.test/a/.%2e", "dot segment"},
	{"dots in the path of an app", "com.example.app:/../cb", "dot segment"},
}

func TestCheckOfRedirectURIs(t *testing.T) {
	for _, tt := range redirectURIs {
		t.Run(tt.name, func(t *testing.T) {
			err := (&storage.Client{ID: "c", RedirectURIs: []string{"https://fine.test/", tt.uri}}).Check()
			switch {
			case tt.fault == "" && err != nil:
				t.Errorf("Check with %q registered: got error %v, want none", tt.uri, err)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), "RedirectURIs[1] ") || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("Check with %q registered: got error %v, want one that names RedirectURIs[1] and says %q", tt.uri, err, tt.fault)
			case err != nil && tt.uri != "" && strings.Contains(err.Error(), tt.uri):
				t.Errorf("Check: got error %v, want one that does not echo the URI", err)
			}
		})
	}
}
