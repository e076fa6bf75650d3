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
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
func i19(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	chain := f.Chain(f.C1, 5*time.Second)
	if got := f.Works(f.C1, chain[0]); got != chain[1] {
		t.Errorf("five seconds after the first use: got %q, want the successor", got)
	}
	chain = f.Chain(f.C1, 11*time.Second)
	f.Dead(f.C1, chain[0])
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, chain[1])
	f.Outcome(tokenendpoint.Refused)
}

// i20: the verdict about the replay is an event of its own, and all of the
// family is gone.
func i20(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	chain := f.Chain(f.C1, 40*time.Minute, 20*time.Minute, 10*time.Minute)
	family := f.Record(chain[0]).Family
	f.Store.Counted()
	f.Dead(f.C1, chain[1])
	f.Outcome(tokenendpoint.Replayed)
	if e := f.LastEvent(); e.Family != family || e.ClientID != f.C1.ID || e.Subject != "u1" {
		t.Errorf("the event is %+v, want the family, the client and the subject", e)
	}
	if n := f.Store.Counted()[testbed.CallRevoke]; n != 1 {
		t.Errorf("Revoke was called %d times, want once", n)
	}
	f.Dead(f.C1, chain[3], chain[2], chain[1], chain[0])
	f.Outcome(tokenendpoint.Refused)
	// The verdict is given when the family has ended, and not before.
	chain = f.Chain(f.C1, time.Minute)
	f.Store.FailWith(testbed.CallRevoke, errors.New("the database is down"))
	f.Send(testbed.Refresh(f.C1, chain[0])).Unavailable()
	f.Outcome(tokenendpoint.Failed)
	f.Store.Heal()
	f.Dead(f.C1, chain[0], chain[1])
}

func i21(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for _, p := range []*testbed.Party{f.C1, f.Pub} {
		token := f.RefreshToken(p)
		first := f.Send(testbed.Refresh(p, token)).Tokens()
		f.Outcome(tokenendpoint.Issued)
		f.Store.Counted()
		second := f.Send(testbed.Refresh(p, token)).Tokens()
		f.Outcome(tokenendpoint.Repeated)
		if calls := f.Store.Counted(); calls[testbed.CallCreateCredential] != 0 || calls[testbed.CallSpend] != 1 || calls[testbed.CallRevoke] != 0 {
			t.Errorf("the repeat made the calls %v, want one Spend and no other write", calls)
		}
		if first.RefreshToken != second.RefreshToken {
			t.Errorf("refresh_token is %q and then %q, want the same", first.RefreshToken, second.RefreshToken)
		}
		if first.Claims["jti"] == second.Claims["jti"] {
			t.Error("the two access tokens have one jti, want two tokens")
		}
		if c := f.Record(first.RefreshToken); c.Spent() || c.Revoked {
			t.Errorf("the successor is %+v, want it live", c)
		}
		if c := f.Record(token); c.Uses != 2 {
			t.Errorf("the parent has %d uses, want 2", c.Uses)
		}
		f.Works(p, first.RefreshToken)
	}
}

func i22(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	first := f.RefreshToken(f.C1)
	second := f.Works(f.C1, first)
	third := f.Works(f.C1, second)
	f.Dead(f.C1, first)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, third, second)
}

func i23(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Strict)
	token := f.RefreshToken(f.C1)
	next := f.Works(f.C1, token)
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}

func i24(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	next := f.Works(f.C1, token)
	f.Works(f.C1, token)
	last := f.Works(f.C1, next)
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, last)
}

// i25: one repeat too many is refused, and the family lives (ruling R30). Once
// the successor has been used, the parent is a replay as ever.
func i25(t *testing.T, open testbed.Opener) {
	const retries = 3
	f := testbed.New(t, open, func(c *tokenendpoint.Config) {
		c.RefreshRetries, c.RefreshGrace = retries, time.Minute
	})
	token := f.Works(f.C1, f.RefreshToken(f.C1)) // a refreshed one has its count too
	next := f.Works(f.C1, token)
	for range retries {
		if got := f.Works(f.C1, token); got != next {
			t.Errorf("refresh_token is %q, want %q again", got, next)
		}
	}
	f.Store.Counted()
	for range retries {
		f.Dead(f.C1, token)
		f.Outcome(tokenendpoint.Refused)
	}
	f.WroteNothing()
	last := f.Works(f.C1, next)
	f.Dead(f.C1, token)
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, last)
}

// i30 lets the family end after the request was judged and before its write,
// at the first use and at a repeat.
func i30(t *testing.T, open testbed.Opener) {
	for _, repeated := range []bool{false, true} {
		f := testbed.New(t, open)
		token := f.RefreshToken(f.C1)
		family := f.Record(token).Family
		if repeated {
			f.Works(f.C1, token)
		}
		f.Store.Set(func(s *testbed.Spy) {
			s.Before = func(ctx context.Context, method string) error {
				if method == testbed.CallSpend {
					return s.Store.Revoke(ctx, family)
				}
				return nil
			}
		})
		f.Send(testbed.Refresh(f.C1, token)).Refused("invalid_grant")
		f.Outcome(tokenendpoint.Refused)
		f.Store.Heal()
		f.Dead(f.C1, token)
	}
}

func i31(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	good := testbed.Refresh(f.C1, token)
	f.Store.Counted()
	f.Send(good.With("scope", "read nothing")).Refused("invalid_scope")
	f.Send(good.With("scope", `re"ad`)).Refused("invalid_scope")
	f.Send(good.With("resource", "https://elsewhere.test")).Refused("invalid_target")
	f.Send(good.And("refresh_token", token)).Refused("invalid_request")
	f.Send(good.Basic(f.C2.ID, f.C2.Secret)).Refused("invalid_grant")
	f.Send(good.Basic(f.C1.ID, "not the secret")).Unauthorized()
	f.Send(good.Basic("nobody", "not the secret")).Unauthorized()
	f.Send(testbed.Form("grant_type", "refresh_token", "refresh_token", token, "client_id", f.C1.ID)).Unauthorized()
	f.Edit(f.C1, func(c *storage.Client) { c.Disabled = true })
	f.Send(good).Unauthorized()
	f.Edit(f.C1, func(c *storage.Client) { c.GrantTypes = []string{grants.TypeAuthorizationCode} })
	f.Send(good).Refused("unauthorized_client")
	f.Restore()
	f.WroteNothing()
	f.Works(f.C1, token)
}

func i32(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	chain := f.Chain(f.C1, time.Minute)
	f.Store.Counted()
	for _, r := range testbed.Both(testbed.Refresh(f.C2, chain[0])) {
		f.Send(r).Refused("invalid_grant")
	}
	f.Send(testbed.Refresh(f.C1, chain[0]).Basic(f.C1.ID, "not the secret")).Unauthorized()
	f.Send(testbed.Refresh(f.C1, chain[0]).With("scope", "admin:x")).Refused("invalid_scope")
	f.Send(testbed.Refresh(f.C1, chain[0]).With("resource", "https://elsewhere.test")).Refused("invalid_target")
	f.Send(testbed.Refresh(f.C1, chain[0]).With("resource", "elsewhere")).Refused("invalid_target")
	f.WroteNothing()
	f.Works(f.C1, chain[1])
}

// i35 is ruling R20 as well. Nothing is written, so that it works while the
// database is read-only.
func i35(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient)
	for _, p := range []*testbed.Party{
		f.NewClient(&storage.Client{ID: "still", RefreshNotRotated: true, GrantTypes: f.C1.Record.GrantTypes, Scope: f.C1.Record.Scope, RedirectURIs: f.C1.Record.RedirectURIs}),
		f.NewClient(&storage.Client{ID: "stillpub", AuthMethod: storage.AuthNone, RefreshNotRotated: true, GrantTypes: f.Pub.Record.GrantTypes, Scope: f.Pub.Record.Scope, RedirectURIs: f.Pub.Record.RedirectURIs}),
	} {
		token := f.RefreshToken(p)
		f.Store.Counted()
		for _, r := range append(testbed.Both(testbed.Refresh(p, token)), testbed.Both(testbed.Refresh(p, token).With("scope", "read"))...) {
			if got := f.Send(r).Tokens(); got.RefreshToken != token {
				t.Errorf("refresh_token is %q, want the same again", got.RefreshToken)
			}
			f.Outcome(tokenendpoint.Issued)
		}
		testbed.Crowd(testbed.Racers, func(int) { f.Works(p, token) })
		f.WroteNothing()
		if err := f.Store.Store.Revoke(t.Context(), f.Record(token).Family); err != nil {
			t.Fatal(err)
		}
		f.Dead(p, token)
	}
}

// i36 asks a second endpoint, with another key, over the same store. There is
// no pepper that could be rotated.
func i36(t *testing.T, open testbed.Opener) {
	store := open(t)
	before := testbed.New(t, func(testing.TB) storagetest.Store { return store }, func(c *tokenendpoint.Config) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if c.Keys, err = jws.NewKeySet(jws.Key{Signer: key}); err != nil {
			t.Fatal(err)
		}
	})
	after := testbed.New(t, func(testing.TB) storagetest.Store { return store })
	reply := before.Send(before.Redeem(before.C1, before.Code(before.C1)))
	token, _ := reply.Envelope()["refresh_token"].(string)
	if reply.Status != 200 || token == "" {
		t.Fatalf("got %d %s, want a refresh token", reply.Status, reply.Body)
	}
	got := after.Send(testbed.Refresh(before.C1, token)).Tokens() // tokens verifies by the new key
	if got.Header["kid"] != after.Keys.SigningKey(time.Now()).ID() {
		t.Errorf("kid is %v, want that of the new key %s", got.Header["kid"], after.Keys.SigningKey(time.Now()).ID())
	}
	after.Works(before.C1, got.RefreshToken)
}
