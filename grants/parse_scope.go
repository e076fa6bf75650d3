package grants

import "strings"

// ParseScope splits a scope parameter, of the token endpoint or of the host's
// authorization page: tokens of printable ASCII without " and
// \, with one space between them (RFC 6749 §3.3). It returns nil for an
// empty one, and InvalidScope for a malformed one.
func ParseScope(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	scope := make([]string, 0, strings.Count(s, " ")+1)
	for token := range strings.SplitSeq(s, " ") {
		if !isScopeToken(token) {
			return nil, InvalidScope.Describe("scope is malformed")
		}
		scope = append(scope, token)
	}
	return scope, nil
}

func isScopeToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
