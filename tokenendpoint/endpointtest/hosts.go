package endpointtest

import (
	"context"
	"maps"
	"sync"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// hook is one hook for all grants, which does what it is told.
type hook struct {
	mu     sync.Mutex
	change func(a *grants.Authorization) error
}

func (h *hook) do(change func(a *grants.Authorization) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change = change
}

func (h *hook) ask(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
	h.mu.Lock()
	change := h.change
	h.mu.Unlock()
	if change == nil {
		return nil
	}
	return change(a)
}

func (h *hook) everywhere(c *tokenendpoint.Config) {
	c.Grants = map[string]grants.Grant{
		grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true, Hook: h.ask},
		grants.TypeRefreshToken:      grants.RefreshToken{Hook: h.ask},
		grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: h.ask},
		grants.TypeAPIKey:            grants.APIKey{Refresh: true, Hook: h.ask},
	}
}

// claim is a hook that adds one.
func claim(name string, value any) func(*grants.Authorization) error {
	return func(a *grants.Authorization) error {
		a.AddClaim(name, value)
		return nil
	}
}

// withHook puts a hook on every grant, a host's own too.
func withHook(hook grants.Hook) option {
	return func(c *tokenendpoint.Config) {
		withOwnGrants(c)
		c.Grants = maps.Clone(c.Grants)
		for name, g := range c.Grants {
			switch g.(type) {
			case grants.ClientCredentials:
				c.Grants[name] = grants.ClientCredentials{Hook: hook}
			case grants.RefreshToken:
				c.Grants[name] = grants.RefreshToken{Hook: hook}
			case grants.AuthorizationCode:
				c.Grants[name] = grants.AuthorizationCode{Hook: hook}
			case grants.APIKey:
				c.Grants[name] = grants.APIKey{Hook: hook}
			default:
				c.Grants[name] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
					a, err := g.Authorize(ctx, r)
					if err == nil {
						a.Hook = hook
					}
					return a, err
				})
			}
		}
	}
}

// A host's own grants: typeDevice rests on nothing that is kept, typeVoucher on
// a single-use credential of a kind of its own.
const (
	typeDevice  = "urn:example:grant-type:device"
	typeVoucher = "urn:example:grant-type:voucher"
	kindVoucher = "voucher"
)

// withOwnGrants adds a host's own grants to the endpoint.
func withOwnGrants(c *tokenendpoint.Config) {
	c.Grants = maps.Clone(c.Grants)
	c.Grants[typeDevice] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
		return &grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{audience}, Refresh: true}, nil
	})
	c.Grants[typeVoucher] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		p, err := r.Present(ctx, kindVoucher, storage.PresentedSecret(r.Form["voucher"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: p.Subject, Scope: p.Scope, Audience: p.Audience, Refresh: true}, nil
	})
}

// withGrant puts a grant into the configuration.
func withGrant(name string, g grants.Grant) option {
	return func(c *tokenendpoint.Config) {
		c.Grants = maps.Clone(c.Grants)
		c.Grants[name] = g
	}
}

// apiKeys configures the grant.
func apiKeys(g grants.APIKey) option { return withGrant(grants.TypeAPIKey, g) }

const otherAudience = "https://other.test"
