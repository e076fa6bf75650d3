package endpointtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

var rotationRules = []rule{
	{"I19_after_the_grace_window_the_old_token_is_dead", i19},
	{"I20_a_replay_ends_the_family", i20},
	{"I21_a_repeated_refresh_gets_the_same_successor", i21},
	{"I22_two_generations_old_is_a_replay", i22},
	{"I23_without_grace_the_second_use_is_a_replay", i23},
	{"I24_once_the_successor_is_used_the_parent_is_dead", i24},
	{"I25_repeats_are_counted", i25},
	{"I30_family_revoked_between_read_and_write", i30},
	{"I31_a_refused_request_consumes_nothing", i31},
	{"I32_another_clients_replay_ends_nothing", i32},
	{"I35_without_rotation_the_token_stays", i35},
	{"I36_the_family_survives_a_new_signing_key", i36},
}

// i19 is about the past: the parent was used when the window had closed, or
// nearly. The clock of the test may go on for a second and changes nothing.
func i19(t *testing.T, open opener) {
	f := newFixture(t, open)
	chain := f.chain(f.c1, 5*time.Second)
	if got := f.works(f.c1, chain[0]); got != chain[1] {
		t.Errorf("five seconds after the first use: got %q, want the successor", got)
	}
	chain = f.chain(f.c1, 11*time.Second)
	f.dead(f.c1, chain[0])
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, chain[1])
	f.outcome(tokenendpoint.Refused)
}

// i20: the verdict about the replay is an event of its own, and all of the
// family is gone.
func i20(t *testing.T, open opener) {
	f := newFixture(t, open)
	chain := f.chain(f.c1, 40*time.Minute, 20*time.Minute, 10*time.Minute)
	family := f.record(chain[0]).Family
	f.store.counted()
	f.dead(f.c1, chain[1])
	f.outcome(tokenendpoint.Replayed)
	if e := f.lastEvent(); e.Family != family || e.ClientID != f.c1.id || e.Subject != "u1" {
		t.Errorf("the event is %+v, want the family, the client and the subject", e)
	}
	if n := f.store.counted()[mRevoke]; n != 1 {
		t.Errorf("Revoke was called %d times, want once", n)
	}
	f.dead(f.c1, chain[3], chain[2], chain[1], chain[0])
	f.outcome(tokenendpoint.Refused)
	// The verdict is given when the family has ended, and not before.
	chain = f.chain(f.c1, time.Minute)
	f.store.failWith(mRevoke, errors.New("the database is down"))
	f.send(refresh(f.c1, chain[0])).unavailable()
	f.outcome(tokenendpoint.Failed)
	f.store.heal()
	f.dead(f.c1, chain[0], chain[1])
}

func i21(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{f.c1, f.pub} {
		token := f.refreshToken(p)
		first := f.send(refresh(p, token)).tokens()
		f.outcome(tokenendpoint.Issued)
		f.store.counted()
		second := f.send(refresh(p, token)).tokens()
		f.outcome(tokenendpoint.Repeated)
		if calls := f.store.counted(); calls[mCreateCredential] != 0 || calls[mSpend] != 1 || calls[mRevoke] != 0 {
			t.Errorf("the repeat made the calls %v, want one Spend and no other write", calls)
		}
		if first.refreshToken != second.refreshToken {
			t.Errorf("refresh_token is %q and then %q, want the same", first.refreshToken, second.refreshToken)
		}
		if first.claims["jti"] == second.claims["jti"] {
			t.Error("the two access tokens have one jti, want two tokens")
		}
		if c := f.record(first.refreshToken); c.Spent() || c.Revoked {
			t.Errorf("the successor is %+v, want it live", c)
		}
		if c := f.record(token); c.Uses != 2 {
			t.Errorf("the parent has %d uses, want 2", c.Uses)
		}
		f.works(p, first.refreshToken)
	}
}

func i22(t *testing.T, open opener) {
	f := newFixture(t, open)
	first := f.refreshToken(f.c1)
	second := f.works(f.c1, first)
	third := f.works(f.c1, second)
	f.dead(f.c1, first)
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, third, second)
}

func i23(t *testing.T, open opener) {
	f := newFixture(t, open, strict)
	token := f.refreshToken(f.c1)
	next := f.works(f.c1, token)
	f.dead(f.c1, token)
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, next)
}

func i24(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	next := f.works(f.c1, token)
	f.works(f.c1, token)
	last := f.works(f.c1, next)
	f.dead(f.c1, token)
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, last)
}

func i25(t *testing.T, open opener) {
	const retries = 3
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.RefreshRetries, c.RefreshGrace = retries, time.Minute
	})
	token := f.works(f.c1, f.refreshToken(f.c1)) // a refreshed one has its count too
	next := f.works(f.c1, token)
	for range retries {
		if got := f.works(f.c1, token); got != next {
			t.Errorf("refresh_token is %q, want %q again", got, next)
		}
	}
	f.dead(f.c1, token)
	f.outcome(tokenendpoint.Replayed)
	f.dead(f.c1, next)
}

// i30 lets the family end after the request was judged and before its write,
// at the first use and at a repeat.
func i30(t *testing.T, open opener) {
	for _, repeated := range []bool{false, true} {
		f := newFixture(t, open)
		token := f.refreshToken(f.c1)
		family := f.record(token).Family
		if repeated {
			f.works(f.c1, token)
		}
		f.store.set(func(s *spy) {
			s.before = func(ctx context.Context, method string) error {
				if method == mSpend {
					return s.Store.Revoke(ctx, family)
				}
				return nil
			}
		})
		f.send(refresh(f.c1, token)).refused("invalid_grant")
		f.outcome(tokenendpoint.Refused)
		f.store.heal()
		f.dead(f.c1, token)
	}
}

func i31(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	good := refresh(f.c1, token)
	f.store.counted()
	f.send(good.with("scope", "read nothing")).refused("invalid_scope")
	f.send(good.with("scope", `re"ad`)).refused("invalid_scope")
	f.send(good.with("resource", "https://elsewhere.test")).refused("invalid_target")
	f.send(good.and("refresh_token", token)).refused("invalid_request")
	f.send(good.basic(f.c2.id, f.c2.secret)).refused("invalid_grant")
	f.send(good.basic(f.c1.id, "not the secret")).unauthorized()
	f.send(good.basic("nobody", "not the secret")).unauthorized()
	f.send(form("grant_type", "refresh_token", "refresh_token", token, "client_id", f.c1.id)).unauthorized()
	f.edit(f.c1, func(c *storage.Client) { c.Disabled = true })
	f.send(good).unauthorized()
	f.edit(f.c1, func(c *storage.Client) { c.GrantTypes = []string{grants.TypeAuthorizationCode} })
	f.send(good).refused("unauthorized_client")
	f.restore()
	f.wroteNothing()
	f.works(f.c1, token)
}

func i32(t *testing.T, open opener) {
	f := newFixture(t, open)
	chain := f.chain(f.c1, time.Minute)
	f.store.counted()
	for _, r := range both(refresh(f.c2, chain[0])) {
		f.send(r).refused("invalid_grant")
	}
	f.send(refresh(f.c1, chain[0]).basic(f.c1.id, "not the secret")).unauthorized()
	f.send(refresh(f.c1, chain[0]).with("scope", "admin:x")).refused("invalid_scope")
	f.send(refresh(f.c1, chain[0]).with("resource", "https://elsewhere.test")).refused("invalid_target")
	f.send(refresh(f.c1, chain[0]).with("resource", "elsewhere")).refused("invalid_target")
	f.wroteNothing()
	f.works(f.c1, chain[1])
}

// i35 is ruling R20 as well. Nothing is written, so that it works while the
// database is read-only.
func i35(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, p := range []*party{
		f.newClient(&storage.Client{ID: "still", RefreshNotRotated: true, GrantTypes: f.c1.record.GrantTypes, Scope: f.c1.record.Scope, RedirectURIs: f.c1.record.RedirectURIs}),
		f.newClient(&storage.Client{ID: "stillpub", AuthMethod: storage.AuthNone, RefreshNotRotated: true, GrantTypes: f.pub.record.GrantTypes, Scope: f.pub.record.Scope, RedirectURIs: f.pub.record.RedirectURIs}),
	} {
		token := f.refreshToken(p)
		f.store.counted()
		for _, r := range append(both(refresh(p, token)), both(refresh(p, token).with("scope", "read"))...) {
			if got := f.send(r).tokens(); got.refreshToken != token {
				t.Errorf("refresh_token is %q, want the same again", got.refreshToken)
			}
			f.outcome(tokenendpoint.Issued)
		}
		crowd(racers, func(int) { f.works(p, token) })
		f.wroteNothing()
		if err := f.store.Store.Revoke(t.Context(), f.record(token).Family); err != nil {
			t.Fatal(err)
		}
		f.dead(p, token)
	}
}

// i36 asks a second endpoint, with another key, over the same store. There is
// no pepper that could be rotated.
func i36(t *testing.T, open opener) {
	store := open(t)
	before := newFixture(t, func(testing.TB) storagetest.Store { return store }, func(c *tokenendpoint.Config) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if c.Keys, err = jws.NewKeySet(jws.Key{Signer: key}); err != nil {
			t.Fatal(err)
		}
	})
	after := newFixture(t, func(testing.TB) storagetest.Store { return store })
	reply := before.send(before.redeem(before.c1, before.code(before.c1)))
	token, _ := reply.envelope()["refresh_token"].(string)
	if reply.status != 200 || token == "" {
		t.Fatalf("got %d %s, want a refresh token", reply.status, reply.body)
	}
	got := after.send(refresh(before.c1, token)).tokens() // tokens verifies by the new key
	if got.header["kid"] != after.keys.SigningKey(time.Now()).ID() {
		t.Errorf("kid is %v, want that of the new key %s", got.header["kid"], after.keys.SigningKey(time.Now()).ID())
	}
	after.works(before.c1, got.refreshToken)
}
