package testbed

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// Hook is one hook for all grants. A test tells it how to act.
type Hook struct {
	mu     sync.Mutex
	change func(a *grants.Authorization) error
}

// Do makes the hook act by change from now on.
func (h *Hook) Do(change func(a *grants.Authorization) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change = change
}

// Ask is the hook.
func (h *Hook) Ask(_ context.Context, _ *grants.Request, a *grants.Authorization) error {
	h.mu.Lock()
	change := h.change
	h.mu.Unlock()
	if change == nil {
		return nil
	}
	return change(a)
}

// Everywhere puts the hook on each ready grant.
func (h *Hook) Everywhere(c *tokenendpoint.Config) {
	c.Grants = map[string]grants.Grant{
		grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true, Hook: h.Ask},
		grants.TypeRefreshToken:      grants.RefreshToken{Hook: h.Ask},
		grants.TypeAuthorizationCode: grants.AuthorizationCode{Hook: h.Ask},
		grants.TypeAPIKey:            grants.APIKey{Refresh: true, Hook: h.Ask},
	}
}

// Claim is a hook that adds one.
func Claim(name string, value any) func(*grants.Authorization) error {
	return func(a *grants.Authorization) error {
		a.AddClaim(name, value)
		return nil
	}
}

// WithHook puts a hook on every grant, a host's own too.
func WithHook(hook grants.Hook) Option {
	return func(c *tokenendpoint.Config) {
		WithOwnGrants(c)
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

// A host's own grants: TypeDevice rests on nothing that is kept, TypeVoucher on
// a single-use credential of a kind of its own.
const (
	TypeDevice  = "urn:example:grant-type:device"
	TypeVoucher = "urn:example:grant-type:voucher"
	KindVoucher = "voucher"
)

// WithOwnGrants adds a host's own grants to the endpoint.
func WithOwnGrants(c *tokenendpoint.Config) {
	c.Grants = maps.Clone(c.Grants)
	c.Grants[TypeDevice] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
		return &grants.Authorization{Subject: "u1", Scope: []string{"read", "write"}, Audience: []string{Audience}, Refresh: true}, nil
	})
	c.Grants[TypeVoucher] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		p, err := r.Present(ctx, KindVoucher, storage.PresentedSecret(r.Form["voucher"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: p.Subject, Scope: p.Scope, Audience: p.Audience, Refresh: true}, nil
	})
}

// WithGrant puts a grant into the configuration.
func WithGrant(name string, g grants.Grant) Option {
	return func(c *tokenendpoint.Config) {
		c.Grants = maps.Clone(c.Grants)
		c.Grants[name] = g
	}
}

// APIKeys configures the grant.
func APIKeys(g grants.APIKey) Option { return WithGrant(grants.TypeAPIKey, g) }

// OtherAudience is an audience that the endpoint has only if a test adds it.
const OtherAudience = "https://other.test"

// Serve serves another handler.
func (f *Fixture) Serve(h http.Handler) {
	server := httptest.NewServer(h)
	f.Cleanup(server.Close)
	f.URL = server.URL
}
