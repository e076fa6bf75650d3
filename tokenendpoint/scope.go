package tokenendpoint

import (
	"strings"

	"github.com/contit/oauth/grants"
)

// parseScope splits a scope parameter: tokens of printable ASCII without " and
// \, with one space between them (RFC 6749 §3.3). It returns nil for none.
func parseScope(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	scope := make([]string, 0, strings.Count(s, " ")+1)
	for token := range strings.SplitSeq(s, " ") {
		if !isScopeToken(token) {
			return nil, grants.InvalidScope.Describe("scope is malformed")
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
