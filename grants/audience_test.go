package grants_test

import (
	"testing"

	"github.com/contit/oauth/grants"
)

func TestSameAudience(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://api.test", "https://api.test/", true},
		{"https://api.test", "HTTPS://API.test", true},
		{"https://api.test", "https://api.test:443/", true},
		{"http://api.test:80", "http://api.test", true},
		{"https://api.test/v1", "https://API.TEST:443/v1", true},
		{"https://[::1]:443/", "https://[::1]", true},
		{"https://api.test?a", "https://api.test/?a", true},
		{"api://App", "API://app/", true},
		{"contit-api", "contit-api", true},
		{"urn:a:b", "urn:a:b", true},

		{"https://api.test", "http://api.test", false},
		{"https://api.test", "https://api.test:80", false},
		{"http://api.test", "http://api.test:443", false},
		{"https://api.test", "https://api.test:", false},
		{"https://api.test", "https://api.test:0443", false},
		{"https://api.test", "https://api.test:8443", false},
		{"https://api.test", "https://api.test.", false},
		{"https://api.test", "https://api.test//", false},
		{"https://api.test", "https://api.test?", false},
		{"https://api.test", "https://api.test#", false},
		{"https://api.test", "https://me@api.test", false},
		{"https://Me@api.test", "https://me@api.test", false},
		{"https://api.test", "https://api.test@evil.test", false},
		{"https://api.test", "https://api.test:443@evil.test", false},
		{"https://api.test/v1", "https://api.test/V1", false},
		{"https://api.test/v1", "https://api.test/v1/", false},
		{"https://api.test/v1", "https://api.test/%761", false},
		{"https://api.test/v1", "https://api.test/./v1", false},
		{"https://api.test/?a=b", "https://api.test/?A=b", false},
		{"https://kelvin.test", "https://\u212aelvin.test", false},
		{"https:///a", "https:///A", false},
		{"https:api.test", "https:API.test", false},
		{"contit-api", "Contit-API", false},
		{"contit-api", "contit-api/", false},
		{"urn:a:b", "URN:a:b", false},
		{"/a://b", "/a://B", false},
		{"", "/", false},
	} {
		if grants.SameAudience(c.a, c.b) != c.want || grants.SameAudience(c.b, c.a) != c.want {
			t.Errorf("%q and %q: got %t, want %t", c.a, c.b, !c.want, c.want)
		}
	}
}
