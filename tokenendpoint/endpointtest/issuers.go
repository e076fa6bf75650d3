package endpointtest

import (
	"net/http"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// issuerRules are about several issuers that share one store: a credential of
// one issuer is not good at another, and cannot be used up or ended there.
var issuerRules = []rule{
	{"Q11_what_another_issuer_made_is_unknown", q11Unknown},
	{"Q11_a_replay_at_another_issuer_ends_nothing", q11Replay},
	{"Q11_the_wrong_client_at_another_issuer", q11Foreign},
	{"Q11_a_credential_of_a_host's_own_grant", q11Own},
	{"Q11_a_record_from_before_records_named_their_issuer", q11AnyIssuer},
	{"Q11_a_record_that_has_lost_its_issuer", q11NoIssuer},
}

// neighbour is another issuer's endpoint, over the store of f, with its keys and for
// its audience.
func neighbour(t *testing.T, f *testbed.Fixture, options ...testbed.Option) *testbed.Fixture {
	t.Helper()
	return testbed.New(t, testbed.Beside(f), append(options, func(c *tokenendpoint.Config) {
		c.Issuer, c.Keys = "https://neighbour.test", f.Keys
	})...)
}

// hint is the parameter that a client adds to ask about a refresh token.
func hint(r *testbed.Request) *testbed.Request { return r.With("token_type_hint", "refresh_token") }

func q11Unknown(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Strict)
	other := neighbour(t, f, testbed.Strict)
	for _, p := range []*testbed.Party{f.C1, f.Pub} {
		code, got := f.Code(p), f.Pair(p)
		other.ChangesNothing(func() {
			for name, token := range map[string]string{"access": got.AccessToken, "refresh": got.RefreshToken} {
				f.Sub(name, func() {
					for _, r := range testbed.Both(testbed.Revoke(p, token)) {
						other.Send(r).Ended()
						other.Outcome(tokenendpoint.Revoked)
					}
					if p == f.C1 { // a public client cannot ask
						for _, r := range testbed.Both(testbed.Introspect(p, token)) {
							other.Send(r).Inactive()
							other.Send(hint(r)).Inactive()
						}
					}
				})
			}
			for _, r := range testbed.Both(testbed.Refresh(p, got.RefreshToken)) {
				other.Send(r).Refused("invalid_grant")
				other.Outcome(tokenendpoint.Refused)
			}
			for _, r := range testbed.Both(f.Redeem(p, code)) {
				other.Send(r).Refused("invalid_grant")
			}
			if got := other.Call(got.AccessToken); got != http.StatusUnauthorized {
				f.Errorf("a protected route of the other issuer answers %d, want 401", got)
			}
		})
		f.WantCall(http.StatusNoContent, "the access token at its own issuer", got.AccessToken)
		f.Send(f.Redeem(p, code)).Tokens()
		next := f.Works(p, got.RefreshToken)
		if p == f.C1 {
			f.Living(p, got.AccessToken)
			f.Send(hint(testbed.Introspect(p, next))).Active()
		}
	}
}

// q11Replay presents a used credential to the issuer that did not make it.
func q11Replay(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Strict, testbed.CodeReuseWindow(-1))
	other := neighbour(t, f, testbed.Strict, testbed.CodeReuseWindow(-1))
	code := f.Code(f.C1)
	got := f.Send(f.Redeem(f.C1, code)).Tokens()
	next := f.Works(f.C1, got.RefreshToken)
	other.ChangesNothing(func() {
		other.Send(f.Redeem(f.C1, code)).Refused("invalid_grant")
		other.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
		other.Outcome(tokenendpoint.Refused)
	})
	next = f.Works(f.C1, next)
	f.Send(testbed.Refresh(f.C1, got.RefreshToken)).Refused("invalid_grant")
	f.Outcome(tokenendpoint.Replayed)
	f.Dead(f.C1, next)
}

// q11Foreign: the answer to an unknown token does not show that it is another
// client's.
func q11Foreign(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	other := neighbour(t, f)
	got := f.Pair(f.C1)
	for _, token := range []string{got.RefreshToken, got.AccessToken} {
		f.Send(testbed.Revoke(f.C2, token)).Refused("invalid_grant")
		other.Send(testbed.Revoke(f.C2, token)).Ended()
		other.Send(hint(testbed.Introspect(f.C2, token))).Inactive()
	}
	f.Works(f.C1, got.RefreshToken)
}

func q11Own(t *testing.T, open testbed.Opener) {
	k := newKinds(t, open)
	other := neighbour(t, k.Fixture, testbed.WithGrant(typeOwn, grants.Func(deviceGrant)))
	device := k.device("dc_")
	right := testbed.Form("grant_type", typeOwn, "device_code", device).By(k.p)
	other.ChangesNothing(func() {
		for _, r := range testbed.Both(right) {
			other.Send(r).Refused("invalid_grant")
		}
	})
	got := k.Send(right).Tokens()
	other.Send(testbed.Refresh(k.p, got.RefreshToken)).Refused("invalid_grant")
	k.Works(k.p, got.RefreshToken)
}

// q11AnyIssuer: both endpoints take it, as they did when it was made, and the
// endpoint that took it binds the new tokens to its issuer.
func q11AnyIssuer(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	other := neighbour(t, f)
	old := func() string {
		return f.Plant(f.C1, func(c *storage.Credential) { c.Issuer = storage.AnyIssuer })
	}
	here := f.Send(f.Redeem(f.C1, old())).Tokens()
	if got := f.Record(here.RefreshToken).Issuer; got != testbed.Issuer {
		f.Errorf("the refresh token of an old code names the issuer %q, want %q", got, testbed.Issuer)
	}
	other.Send(testbed.Refresh(f.C1, here.RefreshToken)).Refused("invalid_grant")
	code := old()
	if got := other.Send(f.Redeem(f.C1, code)); got.Status != http.StatusOK {
		f.Errorf("the other issuer answers %d to a record that names none, want 200", got.Status)
	}
	if got := f.Send(f.Redeem(f.C1, code)); got.Status != http.StatusBadRequest {
		f.Errorf("a code that the other issuer has redeemed: got %d, want 400", got.Status)
	}
	f.Works(f.C1, here.RefreshToken)
}

// q11NoIssuer: a record that a store has damaged is no verdict about the client.
func q11NoIssuer(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = func(c *storage.Credential) { c.Issuer = "" } })
	for _, r := range []*testbed.Request{testbed.Refresh(f.C1, token), testbed.Revoke(f.C1, token), hint(testbed.Introspect(f.C1, token))} {
		f.ChangesNothing(func() {
			for _, r := range testbed.Both(r) {
				testbed.WantServerError(f.Send(r))
			}
		})
	}
	f.Store.Set(func(s *testbed.Spy) { s.EditCredential = nil })
	f.Works(f.C1, token)
}
