package tokenendpoint_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// hostRules are about grants that a host wrote, and wrote carelessly.
var hostRules = []rule{
	{"B04_unknown_parameter_twice_at_a_host's_own_grant", repeatedOwn},
	{"F08_a_grant_cannot_write", grantCannotWrite},
	{"F08_a_request_presents_one_credential", presentTwice},
	{"F08_an_authorization_that_requests_share", sharedAuthorization},
	{"R9_a_host's_own_grant_keeps_the_key_of_a_refresh_token", keyKept},
	{"R9_refresh_tokens_follow_their_key", keyFollowed},
}

// repeatedOwn: the endpoint does not know the parameters of a host's own grant,
// and cannot choose between two values. Where it knows the parameters of a
// grant, it ignores an unknown one: row B04.
func repeatedOwn(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.WithOwnGrants)
	p := f.NewWideClient()
	voucher := f.Mint(p, testbed.KindVoucher, "vo_")
	r := testbed.Form("grant_type", testbed.TypeVoucher).By(p)
	f.RefusedUnread(
		r.And("voucher", voucher, "voucher", voucher),
		r.And("voucher", voucher, "voucher", "another"),
		r.And("voucher", voucher, "voucher", ""),
		r.And("voucher", "", "voucher", voucher),
		r.And("voucher", voucher, "other", "1", "other", "2"),
		testbed.Form("grant_type", testbed.TypeDevice, "x", "1", "x", "1").By(p),
	)
	f.Send(r.With("voucher", voucher)).Tokens()
	f.Send(testbed.ClientCredentials(p).And("voucher", "1", "voucher", "2")).Tokens()
}

// newOwn serves a host's own grant of the type "own", and a client p of every
// grant that may use it.
func newOwn(t *testing.T, authorize grants.Func, options ...testbed.Option) (f *testbed.Fixture, p *testbed.Party) {
	t.Helper()
	f = testbed.New(t, openMemory, append([]testbed.Option{testbed.WithOwnGrants, testbed.WithGrant("own", authorize)}, options...)...)
	return f, f.NewWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "own") })
}

// grantCannotWrite: a grant decides and the endpoint acts. The store that a
// grant gets has no method that changes anything, and no type assertion finds
// one.
func grantCannotWrite(t *testing.T) {
	f, p := newOwn(t, func(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
		if _, can := r.Storage.(interface {
			Revoke(context.Context, string) error
		}); can {
			t.Error("a grant can revoke")
		}
		if _, can := r.Storage.(storage.Credentials); can {
			t.Error("a grant can spend and create credentials")
		}
		if _, can := r.Storage.(storage.Clients); can {
			t.Error("a grant can look up clients, and their hashes with them")
		}
		return &grants.Authorization{Subject: "u1"}, nil
	})
	f.Send(testbed.Form("grant_type", "own").By(p)).Tokens()
}

// presentTwice: one spend is all that a request does in one step, so a second
// credential could not be used up with it.
func presentTwice(t *testing.T) {
	f, p := newOwn(t, func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		first, err := r.Present(ctx, testbed.KindVoucher, storage.PresentedSecret(r.Form["first"]))
		if err != nil {
			return nil, err
		}
		_, err = r.Present(ctx, testbed.KindVoucher, storage.PresentedSecret(r.Form["second"]))
		if r.Form["careless"] != "" {
			err = nil
		}
		return &grants.Authorization{Subject: first.Subject}, err
	})
	first, second := f.Mint(p, testbed.KindVoucher, "vo_"), f.Mint(p, testbed.KindVoucher, "vo_")
	r := testbed.Form("grant_type", "own", "first", first).By(p)
	f.ChangesNothing(func() {
		for _, other := range []string{second, first, "unknown"} {
			for _, r := range testbed.Both(r.With("second", other)) {
				f.Send(r).RefusedWith(500, "server_error")
			}
		}
	})
	f.Send(r.With("second", second, "careless", "1")).Tokens()
	f.Send(testbed.Form("grant_type", testbed.TypeVoucher, "voucher", first).By(p)).Refused("invalid_grant")
	f.Send(testbed.Form("grant_type", testbed.TypeVoucher, "voucher", second).By(p)).Tokens()
}

// sharedAuthorization: a grant may answer every request with the same value. A
// hook changes a copy, or one client would get the claims of another.
func sharedAuthorization(t *testing.T) {
	shared := &grants.Authorization{
		Subject: "u1", Scope: []string{"write", "read"}, Audience: []string{testbed.Audience},
		Claims: map[string]any{"tenant": "t1"}, Refresh: true,
		Hook: func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			a.AddClaim("n"+r.Form["n"], r.Form["n"])
			a.Scope = append(a.Scope[:0], a.Scope[1:]...)
			return nil
		},
	}
	f, p := newOwn(t, func(context.Context, *grants.Request) (*grants.Authorization, error) { return shared, nil })
	for range 3 {
		replies := make([]*testbed.Reply, testbed.Racers)
		testbed.Crowd(testbed.Racers, func(i int) { replies[i] = f.Send(testbed.Form("grant_type", "own", "n", strconv.Itoa(i)).By(p)) })
		for i, r := range replies {
			got := r.Scoped("read")
			n := strconv.Itoa(i)
			if got.Claims["n"+n] != n || got.Claims["tenant"] != "t1" {
				t.Errorf("request %d: the claims are %v, want its own and the tenant", i, got.Claims)
			}
			for j := range testbed.Racers {
				if other := "n" + strconv.Itoa(j); j != i && got.Claims[other] != nil {
					t.Fatalf("request %d: the claims are %v, want none of request %d", i, got.Claims, j)
				}
			}
		}
	}
	if len(shared.Claims) != 1 || len(shared.Scope) != 2 || shared.Scope[0] != "write" {
		t.Errorf("the grant's own value is %v %v by now, want it as it was", shared.Scope, shared.Claims)
	}
}

// keyKept: a host's own grant that takes refresh tokens knows nothing of keys.
// The endpoint binds the new tokens to the key all the same.
func keyKept(t *testing.T) {
	f, p := newOwn(t, func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		c, err := r.Present(ctx, storage.KindRefreshToken, storage.PresentedSecret(r.Form["badge"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: c.Subject, Scope: []string{"read", "write"}, Refresh: true}, nil
	}, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(p, func(k *storage.APIKey) { k.Scope = []string{"read"} })
	id := f.StoredKey(key).ID
	own := func(token string) *testbed.Request { return testbed.Form("grant_type", "own", "badge", token).By(p) }
	token := f.Send(testbed.PresentKey(p, key)).Tokens().RefreshToken
	next := f.Send(own(token)).Scoped("read").RefreshToken
	if got, want := f.Record(next).APIKey, f.StoredKey(key).Digest; got != want || f.LastEvent().APIKeyID != id {
		t.Errorf("the successor is bound to the key %v and the event names %q, want %v and %q", got, f.LastEvent().APIKeyID, want, id)
	}
	next = f.Works(p, next)
	f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt } })
	f.ChangesNothing(func() {
		f.Send(own(next)).Refused("invalid_grant")
		f.Dead(p, next)
	})
	f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })
	f.Send(own(next)).Scoped("read")
}

// keyFollowed: once a key is narrowed, its refresh tokens give no more than the
// key. They keep the whole grant for the day on which the key is widened again.
func keyFollowed(t *testing.T) {
	const a, b = "https://a.test", "https://b.test"
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	f.Edit(f.C1, func(c *storage.Client) { c.Audience = []string{a, b} })
	narrow := func(scope, audience []string) {
		f.Store.Set(func(s *testbed.Spy) {
			s.EditAPIKey = func(k *storage.APIKey) { k.Scope, k.Audience = scope, audience }
		})
	}
	r := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1)))
	token := r.Scoped("read write").RefreshToken
	r.Audience(a, b)
	narrow([]string{"read"}, []string{b})
	r = f.Send(testbed.Refresh(f.C1, token))
	token = r.Scoped("read").RefreshToken
	r.Audience(b)
	f.ChangesNothing(func() {
		f.Send(testbed.Refresh(f.C1, token).With("scope", "write")).Refused("invalid_scope")
		f.Send(testbed.Refresh(f.C1, token).With("scope", "read write")).Refused("invalid_scope")
		f.Send(testbed.Refresh(f.C1, token).With("resource", a)).Refused("invalid_target")
		narrow(nil, []string{b})
		f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_scope")
		narrow([]string{"read"}, []string{})
		f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_target")
	})
	narrow([]string{"read", "write", "admin:x"}, nil) // more than was granted
	r = f.Send(testbed.Refresh(f.C1, token))
	r.Scoped("read write")
	r.Audience(a, b)
}
