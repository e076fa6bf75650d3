package tokenendpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// clientsOf finds clients without the checks of a store.
type clientsOf map[string]*storage.Client

func (c clientsOf) Client(_ context.Context, id string) (*storage.Client, error) {
	if client, ok := c[id]; ok {
		return client.Clone(), nil
	}
	return nil, storage.ErrNotFound
}

// A guess counts, with every answer, if it was judged or if the client itself
// may have kept the verdict from coming. A guess does not count if others broke
// the request.
func TestD34Refunds(t *testing.T) {
	validator := func(f tokenendpoint.ClientValidatorFunc) func(*tokenendpoint.Config) {
		return func(c *tokenendpoint.Config) { c.ClientValidator = f }
	}
	hangUp := func() {} // the client does, in the middle of the request
	grant := func(err func(ctx context.Context) error) func(*tokenendpoint.Config) {
		return func(c *tokenendpoint.Config) {
			c.Grants["own"] = grants.Func(func(ctx context.Context, _ *grants.Request) (*grants.Authorization, error) {
				hangUp()
				return nil, err(ctx)
			})
		}
	}
	_, hash := clientauth.NewSecret()
	for _, tt := range []struct {
		name   string
		change func(*tokenendpoint.Config)
		own    bool // the guess is at a host's grant
		hangUp bool
		counts bool
	}{
		{"a broken hash beside a good one", func(c *tokenendpoint.Config) {
			c.ClientValidator = &clientauth.Secrets{Clients: clientsOf{"c1": {ID: "c1", Secrets: []storage.ClientSecret{{ID: "new", Hash: hash}, {ID: "old", Hash: "$5$x$y"}}}}}
		}, false, false, true},
		{"a verdict beside an outage", validator(func(context.Context, clientauth.Request) (*storage.Client, error) {
			return nil, errors.Join(grants.InvalidClient, errDown)
		}), false, false, true},
		{"an outage after a wrong secret", validator(func(context.Context, clientauth.Request) (*storage.Client, error) {
			return nil, grants.TemporarilyUnavailable.Because(fmt.Errorf("%w: %w", clientauth.ErrNotAuthenticated, errDown))
		}), false, false, true},
		{"an outage", validator(func(context.Context, clientauth.Request) (*storage.Client, error) { return nil, errDown }), false, false, false},
		{"a validator that hears of the end", validator(func(ctx context.Context, _ clientauth.Request) (*storage.Client, error) {
			hangUp()
			return nil, ctx.Err()
		}), false, true, true},
		{"a validator that calls the end an outage", validator(func(ctx context.Context, _ clientauth.Request) (*storage.Client, error) {
			hangUp()
			return nil, grants.TemporarilyUnavailable.Because(ctx.Err())
		}), false, true, true},
		{"a grant that hears of the end", grant(context.Context.Err), true, true, true},
		{"a grant's verdict beside an outage", grant(func(context.Context) error { return errors.Join(grants.InvalidGrant, errDown) }), true, false, true},
		{"a grant's outage", grant(func(context.Context) error { return errDown }), true, false, false},
		{"a right code whose client hangs up", func(c *tokenendpoint.Config) {
			c.Grants["own"] = grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
				hangUp()
				return &grants.Authorization{Subject: "u", Scope: []string{"read"}}, nil
			})
		}, true, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := goodConfig(t)
				c.Logger = discard
				refunds := 0
				c.Limiter = tokenendpoint.LimiterFunc(func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
					return 0, func(context.Context) { refunds++ }, nil
				})
				secret, form := "wrong", "grant_type=client_credentials"
				right := aClient(t, c)
				if tt.own {
					secret, form = right, "grant_type=own&code=1"
				}
				tt.change(&c)
				shared := newHandler(t, c)
				c.Limiter = nil
				alone := newHandler(t, c)
				send := func(h http.Handler) int {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					hangUp = func() {}
					if tt.hangUp {
						hangUp = cancel
					}
					return serve(h, asked("c1", secret, form).WithContext(ctx)).Code
				}
				send(shared)
				if want := map[bool]int{true: 0, false: 1}[tt.counts]; refunds != want {
					t.Errorf("%d of one reservation at the host's Limiter was given back, want %d", refunds, want)
				}
				statuses := map[int]int{}
				for range 400 {
					statuses[send(alone)]++
				}
				if want := map[bool]int{true: 100, false: 0}[tt.counts]; statuses[http.StatusTooManyRequests] != want {
					t.Errorf("400 requests were answered with %v, want 429 for %d", statuses, want)
				}
			})
		})
	}
}
