package tokenendpoint

import (
	"net/url"
	"slices"

	"github.com/contit/oauth/grants"
)

var (
	errResource = grants.InvalidTarget.Describe("resource is not an absolute URI without a fragment")
	errTarget   = grants.InvalidTarget.Describe("resource exceeds what may be granted")
)

// audienceFor returns the "aud" of the token: what was granted, as far as the
// client may still have it, narrowed to the resources that the request names
// (RFC 8707 §2.2).
func (h *Handler) audienceFor(r *grants.Request, a *grants.Authorization) ([]string, error) {
	allowed := r.Client.Audience
	if allowed == nil {
		allowed = h.audience
	}
	granted := allowed
	if a.Audience != nil {
		granted = slices.DeleteFunc(slices.Clone(a.Audience), func(aud string) bool {
			return !slices.Contains(allowed, aud)
		})
	}
	if len(granted) == 0 {
		return nil, grants.InvalidTarget
	}
	if len(r.Resource) == 0 {
		return granted, nil
	}
	var audience []string
	for _, resource := range r.Resource {
		u, err := url.Parse(resource)
		switch {
		case err != nil || !u.IsAbs() || u.Fragment != "":
			return nil, errResource
		case !slices.Contains(granted, resource):
			return nil, errTarget
		case !slices.Contains(audience, resource):
			audience = append(audience, resource)
		}
	}
	return audience, nil
}
