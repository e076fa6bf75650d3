package tokenendpoint

import (
	"errors"
	"net/url"
	"slices"

	"github.com/contit/oauth/grants"
)

var (
	errResource      = grants.InvalidTarget.Describe("resource is not an absolute URI without a fragment")
	errTarget        = grants.InvalidTarget.Describe("resource exceeds what may be granted")
	errPresentedLate = errors.New("tokenendpoint: a hook presented a credential, which would not be used up")
	errWidened       = errors.New("tokenendpoint: a hook widened the scope or the audience, or changed the subject")
)

// bound narrows what the grant gave to what the client is registered for, to
// the API key that it rests on, and to what the request asks for. It is the one
// place that does, for every grant alike.
func (h *Handler) bound(x *exchange) error {
	a, client := &x.authorization, x.request.Client
	scope := within(a.Scope, client.Scope)
	allowed := client.Audience
	if allowed == nil {
		allowed = h.audience
	}
	audience := allowed
	if a.Audience != nil {
		audience = within(a.Audience, allowed)
	}
	if key := x.apiKey; key != nil {
		scope = within(scope, key.Scope)
		if key.Audience != nil {
			audience = within(audience, key.Audience)
		}
		x.expires = key.ExpiresAt
	}
	if len(scope) == 0 && len(a.Scope) > 0 {
		return grants.InvalidScope
	}
	if len(audience) == 0 {
		return grants.InvalidTarget
	}
	x.grantedAudience = audience
	var err error
	if a.Scope, err = requestedScope(&x.request, scope); err != nil {
		return err
	}
	a.Audience, err = requestedAudience(&x.request, audience)
	return err
}

// requestedScope narrows to the scope parameter: never silently less or more
// (RFC 6749 §3.3). It has no meaning beside a code (RFC 6749 §4.1.3).
func requestedScope(r *grants.Request, granted []string) ([]string, error) {
	if r.Scope == nil || r.GrantType == grants.TypeAuthorizationCode {
		return granted, nil
	}
	scope := within(granted, r.Scope)
	if len(scope) < len(r.Scope) { // neither repeats a scope
		return nil, grants.InvalidScope
	}
	return scope, nil
}

// requestedAudience narrows to the resource parameters (RFC 8707 §2.2).
func requestedAudience(r *grants.Request, granted []string) ([]string, error) {
	for _, resource := range r.Resource {
		u, err := url.Parse(resource)
		switch {
		case err != nil || !u.IsAbs() || u.Fragment != "":
			return nil, errResource
		case !slices.Contains(granted, resource):
			return nil, errTarget
		}
	}
	if len(r.Resource) == 0 {
		return granted, nil
	}
	return within(granted, r.Resource), nil
}

// within returns the members of list that are in bound, each once. They are
// strings of the grant and not parts of the request, which would keep its whole
// body alive. It is the list itself if that is what it holds: nobody changes it,
// since a hook, a store and an Event get copies.
func within(list, bound []string) []string {
	if len(list) > 0 && subset(list, bound) && distinct(list) {
		return list[:len(list):len(list)]
	}
	kept := make([]string, 0, len(list))
	for _, s := range list {
		if slices.Contains(bound, s) && !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

func distinct(list []string) bool {
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			return false
		}
	}
	return true
}

// subset reports whether each member of list is in bound.
func subset(list, bound []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(bound, s) })
}
