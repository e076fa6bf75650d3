package grants

import (
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

// ParseScope splits a scope parameter: tokens of printable ASCII without " and
// \, with one space between them (RFC 6749 §3.3). One that is repeated counts
// once. It returns nil for an empty parameter, and InvalidScope for a malformed
// one.
func ParseScope(parameter string) ([]string, error) {
	if parameter == "" {
		return nil, nil
	}
	var scope []string
	for token := range strings.SplitSeq(parameter, " ") {
		switch {
		case !isScopeToken(token):
			return nil, InvalidScope.Describe("scope is malformed")
		case !slices.Contains(scope, token):
			scope = append(scope, token)
		}
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

// RequestedScope is what the scope parameter of an authorization request asks
// for: the default of the client if it is empty (RFC 6749 §3.3), never more than
// the client is registered for. It is what a host shows to the user; what the
// user grants of it is the Scope of an [AuthorizationRequest].
//
// InvalidScope is for a parameter that is malformed or asks for more.
func RequestedScope(c *storage.Client, parameter string) ([]string, error) {
	scope, err := ParseScope(parameter)
	switch {
	case err != nil:
		return nil, err
	case scope == nil:
		return slices.DeleteFunc(slices.Clone(defaultScope(c)), func(s string) bool { return !slices.Contains(c.Scope, s) }), nil
	case !subset(scope, c.Scope):
		return nil, InvalidScope
	}
	return scope, nil
}

// defaultScope is what a client gets that asks for no scope. It may be more than
// the registration that it is then held against.
func defaultScope(c *storage.Client) []string {
	if c.DefaultScope != nil {
		return c.DefaultScope
	}
	return c.Scope
}

// subset reports whether each member of list is in bound.
func subset(list, bound []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(bound, s) })
}
