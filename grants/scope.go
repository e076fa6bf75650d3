package grants

import (
	"fmt"
	"slices"
	"strings"

	"github.com/contit/oauth/storage"
)

// ParseScope splits a scope parameter into tokens of printable ASCII without " and \,
// with one space between them (RFC 6749 §3.3). A token that is repeated counts once.
// It returns nil for an empty parameter, and InvalidScope for a malformed one.
func ParseScope(parameter string) ([]string, error) {
	if parameter == "" {
		return nil, nil
	}
	var scope set // an attacker may ask for thousands, before any client is authenticated
	for token := range strings.SplitSeq(parameter, " ") {
		if !storage.IsScopeToken(token) {
			return nil, InvalidScope.Describe("scope is malformed")
		}
		scope.add(token)
	}
	return scope.list, nil
}

// RequestedScope returns the scope that the scope parameter of an authorization
// request asks for. If the parameter is empty, it is the client's default (RFC 6749
// §3.3). The result is never more than the client is registered for. A host shows it
// to the user; the part that the user grants is the Scope of an
// [AuthorizationRequest]. [AuthorizationEndpoint] calls it for the host.
//
// It leaves offline_access out for a client that has no such scope and may use
// refresh_token, see [OmitOfflineAccess].
//
// The error is InvalidScope if the parameter is malformed or asks for more.
func RequestedScope(c *storage.Client, parameter string) ([]string, error) {
	return requestedScope(c, parameter, true)
}

// requestedScope is RequestedScope for an endpoint that has the refresh_token grant or
// has not.
func requestedScope(c *storage.Client, parameter string, refreshable bool) ([]string, error) {
	scope, err := ParseScope(parameter)
	if refreshable {
		scope = OmitOfflineAccess(c, scope)
	}
	switch {
	case err != nil:
		return nil, err
	case scope == nil:
		registered := setOf(c.Scope)
		return slices.DeleteFunc(slices.Clone(defaultScope(c)), func(s string) bool { return !registered.has(s) }), nil
	case !Subset(scope, c.Scope):
		return nil, errForeignScope.Because(scopeBeyond(scope, c))
	}
	return scope, nil
}

// offlineAccess is the scope by which clients of OpenID Connect ask for a refresh
// token (OpenID Connect Core 1.0 §11).
const offlineAccess = "offline_access"

// OmitOfflineAccess returns a requested scope without offline_access if the client is
// not registered for that scope and may use the refresh_token grant: it asks for what
// the client gets anyway, and many clients add it to every request. If nothing else
// was requested, the result is nil, as if the parameter had been left out. Otherwise
// it returns the scope as it is. It does not change the list in place.
//
// Package tokenendpoint and [RequestedScope] call it; no host needs it.
func OmitOfflineAccess(c *storage.Client, scope []string) []string {
	if !slices.Contains(scope, offlineAccess) || !c.MayUse(TypeRefreshToken) || slices.Contains(c.Scope, offlineAccess) {
		return scope
	}
	if len(scope) == 1 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(scope), func(s string) bool { return s == offlineAccess })
}

// defaultScope returns the scope of a client that asks for none. It may exceed the
// registration, so the caller narrows it.
func defaultScope(c *storage.Client) []string {
	if c.DefaultScope != nil {
		return c.DefaultScope
	}
	return c.Scope
}

// scopeBeyond is the cause of a refusal. It names the first scope that is beyond the
// registration, if the log may have it.
func scopeBeyond(scope []string, c *storage.Client) error {
	return fmt.Errorf("grants: the scope%s is not among those that the client is registered for (Client.Scope)", firstBeyond(scope, c.Scope))
}
