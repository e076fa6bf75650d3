package grants_test

import (
	"net/netip"
	"strconv"
	"strings"
)

// browserURL is a URL as a browser reads it: the basic URL parser of the URL Standard
// of WHATWG (https://url.spec.whatwg.org/#concept-basic-url-parser), written from its
// states and without net/url, so that both can be held against each other. It has no
// base URL, no file: and no names beyond ASCII, which the tests do not register.
type browserURL struct {
	scheme, user, host, port, path, query string
	hasHost, hasQuery, hasFragment        bool
}

var browserPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}

// readAsBrowser reads a URL; ok is false if the parser returns failure.
func readAsBrowser(s string) (u browserURL, ok bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	s, _, u.hasFragment = strings.Cut(s, "#")

	i := 0
	for i < len(s) && (isLetter(s[i]) || i > 0 && (isDigit(s[i]) || strings.IndexByte("+-.", s[i]) >= 0)) {
		i++
	}
	if i == 0 || i == len(s) || s[i] != ':' { // relative, and there is no base
		return u, false
	}
	u.scheme, s = strings.ToLower(s[:i]), s[i+1:]
	_, special := browserPorts[u.scheme]
	s, u.query, u.hasQuery = strings.Cut(s, "?")
	u.query = encodeAsBrowser(u.query, "\"#<>", special, "'")

	switch {
	case u.scheme == "file":
		return u, false
	case special: // "special authority slashes" and "special authority ignore slashes"
		s = strings.TrimLeft(strings.ReplaceAll(s, `\`, "/"), "/")
	case strings.HasPrefix(s, "//"):
		s = s[2:]
	case strings.HasPrefix(s, "/"):
		u.path = browserPath(s, false)
		return u, true
	default: // an opaque path
		u.path = encodeAsBrowser(s, "", false, "")
		return u, true
	}
	u.hasHost = true
	authority, rest := s, ""
	if end := strings.IndexByte(s, '/'); end >= 0 {
		authority, rest = s[:end], s[end:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		u.user, authority = authority[:at], authority[at+1:]
		if authority == "" {
			return u, false
		}
		if u.user == "" {
			u.user = "@"
		}
	}
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		var port string
		authority, port = authority[:colon], authority[colon+1:]
		if strings.Trim(port, "0123456789") != "" || strings.ContainsRune(authority, ':') && !strings.HasPrefix(authority, "[") || authority == "" {
			return u, false
		}
		if port != "" {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				return u, false
			}
			if u.port = strconv.FormatUint(n, 10); u.port == browserPorts[u.scheme] {
				u.port = ""
			}
		}
	}
	if u.host, ok = browserHost(authority, special); !ok {
		return u, false
	}
	u.path = browserPath(rest, special)
	return u, true
}

// browserHost is the host parser.
func browserHost(s string, special bool) (string, bool) {
	if strings.HasPrefix(s, "[") {
		a, err := netip.ParseAddr(strings.TrimSuffix(s[1:], "]"))
		return "[" + a.String() + "]", err == nil && a.Is6() && a.Zone() == "" && strings.HasSuffix(s, "]")
	}
	if !special {
		return encodeAsBrowser(s, "", false, ""), !strings.ContainsAny(s, "\x00\t\n\r #/:<>?@[\\]^|")
	}
	var decoded []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				decoded, i = append(decoded, byte(n)), i+2
				continue
			}
		}
		decoded = append(decoded, s[i])
	}
	host := strings.ToLower(string(decoded))
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("#/:<>?@[\\]^|%", r) }) {
		return "", false
	}
	labels := strings.Split(host, ".")
	if len(labels) > 1 && labels[len(labels)-1] == "" {
		labels = labels[:len(labels)-1]
	}
	last := labels[len(labels)-1]
	if _, number := browserNumber(last); last == "" || strings.Trim(last, "0123456789") != "" && !number {
		return host, true
	}
	if len(labels) > 4 { // it ends in a number, so it is an IPv4 address or a failure
		return "", false
	}
	var address uint64
	for i, label := range labels {
		n, ok := browserNumber(label)
		end := i == len(labels)-1
		if !ok || !end && n > 255 || end && n >= 1<<(8*(5-len(labels))) {
			return "", false
		}
		if end {
			address += n
		} else {
			address += n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}).String(), true
}

// browserNumber is the IPv4 number parser.
func browserNumber(s string) (uint64, bool) {
	digits, base := s, 10
	switch {
	case s == "":
		return 0, false
	case strings.HasPrefix(s, "0x"):
		digits, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		digits, base = s[1:], 8
	}
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return n, err == nil && digits[0] != '+' && !strings.Contains(digits, "_")
}

// browserPath is the path state: it takes dot segments out.
func browserPath(s string, special bool) string {
	if s == "" {
		if special {
			return "/"
		}
		return ""
	}
	if special {
		s = strings.ReplaceAll(s, `\`, "/")
	}
	var path []string
	segments := strings.Split(s[1:], "/")
	for i, segment := range segments {
		end := i == len(segments)-1
		switch plain := strings.ReplaceAll(strings.ToLower(segment), "%2e", "."); {
		case plain == "..":
			path = path[:max(0, len(path)-1)]
			if end {
				path = append(path, "")
			}
		case plain == ".":
			if end {
				path = append(path, "")
			}
		default:
			path = append(path, encodeAsBrowser(segment, "\"#<>?^`{} ", false, ""))
		}
	}
	return "/" + strings.Join(path, "/")
}

// encodeAsBrowser percent-encodes C0 controls, characters beyond ASCII, and a set.
func encodeAsBrowser(s, set string, special bool, more string) string {
	if special {
		set += more
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || strings.IndexByte(set, c) >= 0 || c == ' ' && set != "" {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)+0x100, 16)[1:]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
