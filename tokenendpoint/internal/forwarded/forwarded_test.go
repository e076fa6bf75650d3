package forwarded_test

import (
	"net/netip"
	"testing"

	"github.com/contit/oauth/tokenendpoint/internal/forwarded"
)

// trusted are the proxies of the tests: 10.0.0.0/8 and fd00::/8.
func trusted(a netip.Addr) bool {
	return netip.MustParsePrefix("10.0.0.0/8").Contains(a) || netip.MustParsePrefix("fd00::/8").Contains(a)
}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name  string
		named bool // it is Forwarded
		lines []string
		want  string // empty: not valid
	}{
		{"no header", false, nil, ""},
		{"an empty header", false, []string{""}, ""},
		{"nothing but commas", false, []string{", ,", ","}, ""},
		{"one address", false, []string{"192.0.2.1"}, "192.0.2.1"},
		{"the right-most of two", false, []string{"198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
		{"behind two proxies", false, []string{"198.51.100.9, 192.0.2.1, 10.0.0.7"}, "192.0.2.1"},
		{"several lines", false, []string{"198.51.100.9", "192.0.2.1", "10.0.0.7, 10.0.0.8"}, "192.0.2.1"},
		{"empty elements", false, []string{"192.0.2.1, ,10.0.0.7,", " ,"}, "192.0.2.1"},
		{"all trusted: the left-most", false, []string{"10.1.1.1, 10.0.0.7"}, "10.1.1.1"},
		{"tabs and no spaces", false, []string{"198.51.100.9,\t192.0.2.1\t"}, "192.0.2.1"},
		{"a port", false, []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 without brackets", false, []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", false, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 and a port", false, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 within IPv6 is IPv4", false, []string{"::ffff:192.0.2.1, ::ffff:10.0.0.7"}, "192.0.2.1"},
		{"a zone", false, []string{"[fe80::1%eth0]"}, "fe80::1"},
		{"garbage on the left is not read", false, []string{`"!§$, 192.0.2.1`}, "192.0.2.1"},
		{"garbage on the right", false, []string{"192.0.2.1, x"}, ""},
		{"garbage behind a trusted one", false, []string{"192.0.2.1, x, 10.0.0.7"}, ""},
		{"unknown", false, []string{"192.0.2.1, unknown"}, ""},
		{"a name", false, []string{"localhost"}, ""},
		{"a port that is none", false, []string{"192.0.2.1:x"}, ""},
		{"a port that is too large", false, []string{"192.0.2.1:65536"}, ""},
		{"a port that is empty", false, []string{"192.0.2.1:"}, ""},
		{"a port with a sign", false, []string{"192.0.2.1:+80"}, ""},
		{"IPv4 in brackets", false, []string{"[192.0.2.1]"}, ""},
		{"a bracket that does not close", false, []string{"[2001:db8::1"}, ""},
		{"text behind a bracket", false, []string{"[2001:db8::1]x"}, ""},
		{"a number with a leading zero", false, []string{"192.0.2.01"}, ""},
		{"pairs of Forwarded in another header", false, []string{"for=192.0.2.1"}, ""},

		{"Forwarded", true, []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"Forwarded with all parameters", true, []string{`for=192.0.2.1;proto=https;by=203.0.113.43;host="a,b;for=6.6.6.6"`}, "192.0.2.1"},
		{"in capitals, and spaces around", true, []string{"proto=http ; For=192.0.2.1 "}, "192.0.2.1"},
		{"quoted IPv6 and a port", true, []string{`For="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"quoted IPv4 and a port", true, []string{`for="192.0.2.1:80"`}, "192.0.2.1"},
		{"an obfuscated port", true, []string{`for="192.0.2.1:_http"`}, "192.0.2.1"},
		{"the right-most untrusted", true, []string{`for=198.51.100.9, for=192.0.2.1;host="x", for=10.0.0.7`}, "192.0.2.1"},
		{"several lines of it", true, []string{"for=198.51.100.9", "for=192.0.2.1", `for="[fd00::1]"`}, "192.0.2.1"},
		{"a quote that a client opened", true, []string{`for="evil`, "for=192.0.2.1"}, "192.0.2.1"},
		{"a quote that a client opened in the line", true, []string{`for="evil, for=192.0.2.1`}, "192.0.2.1"},
		{"escaped quotes of a host that a client sent", true, []string{`for=192.0.2.1;host="\", for=6.6.6.6"`}, "192.0.2.1"},
		{"unknown in Forwarded", true, []string{"for=192.0.2.1, for=unknown"}, ""},
		{"an obfuscated identifier", true, []string{"for=192.0.2.1, for=_gazonk"}, ""},
		{"an obfuscated identifier on the left", true, []string{"for=_gazonk, for=192.0.2.1"}, "192.0.2.1"},
		{"an element without for", true, []string{"for=192.0.2.1, by=10.0.0.7"}, ""},
		{"for twice", true, []string{"for=192.0.2.1;for=192.0.2.2"}, ""},
		{"a bare address in Forwarded", true, []string{"192.0.2.1"}, ""},
		{"a backslash in a quoted address", true, []string{`for="192\.0.2.1"`}, ""},
		{"an empty value", true, []string{"for="}, ""},
		{"half a quote", true, []string{`for="192.0.2.1`}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, _ := netip.ParseAddr(tt.want)
			if got := forwarded.Client(tt.lines, tt.named, trusted); got != want {
				t.Errorf("%q: got %v, want %v", tt.lines, got, want)
			}
		})
	}
}

// FuzzClient: with any text of a client on the left, and in lines of its own, the
// address that the last proxies appended stands.
func FuzzClient(f *testing.F) {
	for _, s := range []string{"", "192.0.2.9", `for="`, `for="evil, `, "10.0.0.1,", `\"`, `for="\"`, "for=192.0.2.1;for=", "unknown", ",", "\t"} {
		f.Add(s, s, false, true)
		f.Add(s, "x", true, false)
	}
	f.Fuzz(func(t *testing.T, left, line string, named, ipv6 bool) {
		client, proxy := "192.0.2.1", "10.0.0.7"
		if ipv6 {
			client, proxy = "[2001:db8::1]:80", "[fd00::1]"
		}
		want, _ := forwarded.Node(client)
		if named {
			client, proxy = `for="`+client+`";proto=https`, `host="a,b";for="`+proxy+`"`
		}
		for _, lines := range [][]string{
			{line, left + "," + client}, {line, left, client}, {line, left + ", " + client + " , " + proxy}, {left + "," + client, proxy},
		} {
			if got := forwarded.Client(lines, named, trusted); got != want {
				t.Fatalf("%q: got %v, want %v", lines, got, want)
			}
		}
	})
}

// FuzzNode: an address that is read can be written and read again, and has neither a
// zone nor the form of IPv4 within IPv6, which prefixes would not know.
func FuzzNode(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "::ffff:10.0.0.1", "[fe80::1%a]:_x", "unknown", "_a", "1:2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := forwarded.Node(s)
		if ok != a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Fatalf("Node(%q) = %v, %t", s, a, ok)
		}
		if again, _ := forwarded.Node(a.String()); ok && again != a {
			t.Fatalf("Node(%q) = %v, and then %v", s, a, again)
		}
	})
}
