package tokenendpoint

import (
	"errors"
	"fmt"
	"slices"

	"github.com/contit/oauth/grants"
)

var (
	errResource = grants.InvalidTarget.Describe("resource is not an absolute URI without a fragment")
	errTarget   = grants.InvalidTarget.Describe("resource exceeds what may be granted")
)

// These are causes for the log: the client learns the code alone. Each names the
// setting that the operator should check.
var (
	errConfigTarget = errors.New("tokenendpoint: the audience is not among those of the endpoint (Config.Audience), and the client has none of its own")
	errClientTarget = errors.New("tokenendpoint: the audience is not among those that the client is registered for (Client.Audience)")
	errKeyTarget    = errors.New("tokenendpoint: the audience is beyond that of the API key (APIKey.Audience)")
	errGrantTarget  = errors.New("tokenendpoint: the audience is beyond what was granted")
)

// bound narrows the answer of the grant to the client's registration, to the API
// key that it rests on, and to the request. No other place does that; it is the
// same for every grant.
func (h *Handler) bound(x *exchange) error {
	a, client := &x.authorization, x.request.Client
	scope := grants.Within(a.Scope, client.Scope)
	allowed := client.Audience
	if allowed == nil {
		allowed = h.audience
	}
	audience := allowed
	if a.Audience != nil {
		audience = configured(a.Audience, allowed)
	}
	if key := x.apiKey; key != nil {
		scope = grants.Within(scope, key.Scope)
		if key.Audience != nil {
			audience = named(audience, key.Audience)
		}
		x.expires = key.ExpiresAt
	}
	if len(scope) == 0 && len(a.Scope) > 0 {
		return x.scopeBeyond(a.Scope)
	}
	if len(audience) == 0 {
		return grants.InvalidTarget.Because(h.audienceBeyond(x, a.Audience))
	}
	x.grantedAudience = audience
	var err error
	if a.Scope, err = x.requestedScope(scope); err != nil {
		return err
	}
	a.Audience, err = h.requestedAudience(x, audience)
	return err
}

// requestedScope narrows to the scope parameter: never silently less or more
// (RFC 6749 §3.3). The endpoint ignores it beside a code (RFC 6749 §4.1.3).
func (x *exchange) requestedScope(granted []string) ([]string, error) {
	r := x.request
	if r.Scope == nil || r.GrantType == grants.TypeAuthorizationCode {
		return granted, nil
	}
	scope := grants.Within(granted, r.Scope)
	if len(scope) < len(r.Scope) { // neither repeats a scope
		return nil, x.scopeBeyond(r.Scope)
	}
	return scope, nil
}

// requestedAudience narrows to the resource parameters (RFC 8707 §2.2).
func (h *Handler) requestedAudience(x *exchange, granted []string) ([]string, error) {
	requested := x.request.Resource
	if len(requested) == 0 {
		return granted, nil
	}
	for _, resource := range requested {
		switch {
		case !grants.IsResource(resource):
			return nil, errResource
		case grants.FindAudience(granted, resource) < 0:
			return nil, errTarget.Because(h.audienceBeyond(x, []string{resource}))
		}
	}
	return named(granted, requested), nil
}

// configured returns the audiences of bound that list names, each once and in the
// order of list. The spelling is the one in bound: a record or a grant may have
// another.
func configured(list, bound []string) []string {
	if slices.Equal(list, bound) { // as a rule
		return grants.Within(bound, bound)
	}
	kept := make([]string, 0, len(list))
	for _, a := range list {
		if i := grants.FindAudience(bound, a); i >= 0 && !slices.Contains(kept, bound[i]) {
			kept = append(kept, bound[i])
		}
	}
	return kept
}

// named returns the audiences of list that equal a name in names, in any
// spelling.
func named(list, names []string) []string {
	var few [8]bool
	picked := append(few[:0], make([]bool, len(list))...)
	for _, name := range names {
		if i := grants.FindAudience(list, name); i >= 0 {
			picked[i] = true
		}
	}
	if !slices.Contains(picked, false) {
		return list[:len(list):len(list)]
	}
	kept := make([]string, 0, len(list))
	for i, a := range list {
		if picked[i] {
			kept = append(kept, a)
		}
	}
	return kept
}

// scopeBeyond refuses some scopes, and tells the log which bound they exceed, and the
// first that does if the log may have it.
func (x *exchange) scopeBeyond(scope []string) error {
	bound, cause := x.authorization.Scope, "beyond what was granted"
	switch {
	case !grants.Subset(scope, x.request.Client.Scope):
		bound, cause = x.request.Client.Scope, "not among those that the client is registered for (Client.Scope)"
	case x.apiKey != nil && !grants.Subset(scope, x.apiKey.Scope):
		bound, cause = x.apiKey.Scope, "beyond that of the API key (APIKey.Scope)"
	}
	name := ""
	if i := slices.IndexFunc(scope, func(s string) bool { return !slices.Contains(bound, s) }); i >= 0 && x.loggable(scope[i]) {
		name = fmt.Sprintf(" %q", scope[i])
	}
	return grants.InvalidScope.Because(fmt.Errorf("tokenendpoint: the scope%s is %s", name, cause))
}

// audienceBeyond says which bound some audiences exceed.
func (h *Handler) audienceBeyond(x *exchange, audience []string) error {
	beyond := func(bound []string) bool { return len(configured(audience, bound)) < len(audience) }
	switch client := x.request.Client; {
	case client.Audience == nil && beyond(h.audience):
		return errConfigTarget
	case client.Audience != nil && beyond(client.Audience):
		return errClientTarget
	case x.apiKey != nil && x.apiKey.Audience != nil && beyond(x.apiKey.Audience):
		return errKeyTarget
	}
	return errGrantTarget
}
