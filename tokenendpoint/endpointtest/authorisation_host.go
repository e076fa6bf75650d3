package endpointtest

import (
	"context"
	"strconv"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
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

// repeatedOwn: the endpoint does not know what a parameter means to a host's own
// grant, and so not which of two counts. Where it knows, an unknown one is
// ignored: row B04.
func repeatedOwn(t *testing.T, open opener) {
	f := newFixture(t, open, withOwnGrants)
	p := f.newWideClient()
	voucher := f.mint(p, kindVoucher, "vo_")
	r := form("grant_type", typeVoucher).by(p)
	f.refusedUnread(
		r.and("voucher", voucher, "voucher", voucher),
		r.and("voucher", voucher, "voucher", "another"),
		r.and("voucher", voucher, "voucher", ""),
		r.and("voucher", "", "voucher", voucher),
		r.and("voucher", voucher, "other", "1", "other", "2"),
		form("grant_type", typeDevice, "x", "1", "x", "1").by(p),
	)
	f.send(r.with("voucher", voucher)).tokens()
	f.send(clientCredentials(p).and("voucher", "1", "voucher", "2")).tokens()
}

// newOwn serves a host's own grant of the type "own", and a client p of every
// grant that may use it.
func newOwn(t *testing.T, open opener, authorize grants.Func, options ...option) (f *fixture, p *party) {
	t.Helper()
	f = newFixture(t, open, append([]option{withOwnGrants, withGrant("own", authorize)}, options...)...)
	return f, f.newWideClient(func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "own") })
}

// grantCannotWrite: a grant decides and the endpoint acts. What a grant gets of
// the store has no method that changes anything, whatever it is converted to.
func grantCannotWrite(t *testing.T, open opener) {
	f, p := newOwn(t, open, func(_ context.Context, r *grants.Request) (*grants.Authorization, error) {
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
	f.send(form("grant_type", "own").by(p)).tokens()
}

// presentTwice: one spend is all that a request does in one step, so a second
// credential could not be used up with it.
func presentTwice(t *testing.T, open opener) {
	f, p := newOwn(t, open, func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		first, err := r.Present(ctx, kindVoucher, storage.PresentedSecret(r.Form["first"]))
		if err != nil {
			return nil, err
		}
		_, err = r.Present(ctx, kindVoucher, storage.PresentedSecret(r.Form["second"]))
		if r.Form["careless"] != "" {
			err = nil
		}
		return &grants.Authorization{Subject: first.Subject}, err
	})
	first, second := f.mint(p, kindVoucher, "vo_"), f.mint(p, kindVoucher, "vo_")
	r := form("grant_type", "own", "first", first).by(p)
	f.changesNothing(func() {
		for _, other := range []string{second, first, "unknown"} {
			for _, r := range both(r.with("second", other)) {
				f.send(r).refusedWith(500, "server_error")
			}
		}
	})
	f.send(r.with("second", second, "careless", "1")).tokens()
	f.send(form("grant_type", typeVoucher, "voucher", first).by(p)).refused("invalid_grant")
	f.send(form("grant_type", typeVoucher, "voucher", second).by(p)).tokens()
}

// sharedAuthorization: a grant may answer every request with the same value. A
// hook changes a copy, or one client would get the claims of another.
func sharedAuthorization(t *testing.T, open opener) {
	shared := &grants.Authorization{
		Subject: "u1", Scope: []string{"write", "read"}, Audience: []string{audience},
		Claims: map[string]any{"tenant": "t1"}, Refresh: true,
		Hook: func(_ context.Context, r *grants.Request, a *grants.Authorization) error {
			a.AddClaim("n"+r.Form["n"], r.Form["n"])
			a.Scope = append(a.Scope[:0], a.Scope[1:]...)
			return nil
		},
	}
	f, p := newOwn(t, open, func(context.Context, *grants.Request) (*grants.Authorization, error) { return shared, nil })
	for range 3 {
		replies := make([]*reply, racers)
		crowd(racers, func(i int) { replies[i] = f.send(form("grant_type", "own", "n", strconv.Itoa(i)).by(p)) })
		for i, r := range replies {
			got := r.scoped("read")
			n := strconv.Itoa(i)
			if got.claims["n"+n] != n || got.claims["tenant"] != "t1" {
				t.Errorf("request %d: the claims are %v, want its own and the tenant", i, got.claims)
			}
			for j := range racers {
				if other := "n" + strconv.Itoa(j); j != i && got.claims[other] != nil {
					t.Fatalf("request %d: the claims are %v, want none of request %d", i, got.claims, j)
				}
			}
		}
	}
	if len(shared.Claims) != 1 || len(shared.Scope) != 2 || shared.Scope[0] != "write" {
		t.Errorf("the grant's own value is %v %v by now, want it as it was", shared.Scope, shared.Claims)
	}
}

// keyKept: a host's own grant that takes refresh tokens knows nothing of keys.
// What comes of them is bound to the key all the same.
func keyKept(t *testing.T, open opener) {
	f, p := newOwn(t, open, func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
		c, err := r.Present(ctx, storage.KindRefreshToken, storage.PresentedSecret(r.Form["badge"]))
		if err != nil {
			return nil, err
		}
		return &grants.Authorization{Subject: c.Subject, Scope: []string{"read", "write"}, Refresh: true}, nil
	}, apiKeys(grants.APIKey{Refresh: true}))
	key := f.apiKey(p, func(k *storage.APIKey) { k.Scope = []string{"read"} })
	id := f.storedKey(key).ID
	own := func(token string) *request { return form("grant_type", "own", "badge", token).by(p) }
	token := f.send(presentKey(p, key)).tokens().refreshToken
	next := f.send(own(token)).scoped("read").refreshToken
	if got, want := f.record(next).APIKey, f.storedKey(key).Digest; got != want || f.lastEvent().APIKeyID != id {
		t.Errorf("the successor is bound to the key %v and the event names %q, want %v and %q", got, f.lastEvent().APIKeyID, want, id)
	}
	next = f.works(p, next)
	f.store.set(func(s *spy) { s.editAPIKey = func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt } })
	f.changesNothing(func() {
		f.send(own(next)).refused("invalid_grant")
		f.dead(p, next)
	})
	f.store.set(func(s *spy) { s.editAPIKey = nil })
	f.send(own(next)).scoped("read")
}

// keyFollowed: a key that is narrowed narrows what its refresh tokens give from
// then on, and they keep what was granted for the day it is widened again.
func keyFollowed(t *testing.T, open opener) {
	const a, b = "https://a.test", "https://b.test"
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	f.edit(f.c1, func(c *storage.Client) { c.Audience = []string{a, b} })
	narrow := func(scope, audience []string) {
		f.store.set(func(s *spy) {
			s.editAPIKey = func(k *storage.APIKey) { k.Scope, k.Audience = scope, audience }
		})
	}
	r := f.send(presentKey(f.c1, f.apiKey(f.c1)))
	token := r.scoped("read write").refreshToken
	r.audience(a, b)
	narrow([]string{"read"}, []string{b})
	r = f.send(refresh(f.c1, token))
	token = r.scoped("read").refreshToken
	r.audience(b)
	f.changesNothing(func() {
		f.send(refresh(f.c1, token).with("scope", "write")).refused("invalid_scope")
		f.send(refresh(f.c1, token).with("scope", "read write")).refused("invalid_scope")
		f.send(refresh(f.c1, token).with("resource", a)).refused("invalid_target")
		narrow(nil, []string{b})
		f.send(refresh(f.c1, token)).refused("invalid_scope")
		narrow([]string{"read"}, []string{})
		f.send(refresh(f.c1, token)).refused("invalid_target")
	})
	narrow([]string{"read", "write", "admin:x"}, nil) // more than was granted
	r = f.send(refresh(f.c1, token))
	r.scoped("read write")
	r.audience(a, b)
}
