package endpointtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// revocationRules is the revocation endpoint (RFC 7009).
var revocationRules = []rule{
	{"P01_what_is_no_token_is_as_good_as_revoked", p01NoToken},
	{"P01_garbage_costs_no_look-up", p01Garbage},
	{"P01_to_revoke_again", p01Again},
	{"P03_a_token_of_another_client_lives_on", p03Foreign},
	{"P03_a_public_client_revokes_its_own", p03Public},
	{"P04_a_failing_store_is_no_success", p04Outage},
	{"P04_a_store_that_answers_with_another_record", p04OtherRecord},
	{"P05_a_refresh_token_goes_with_its_family", p05Family},
	{"P05_a_refresh_token_of_an_API_key", p05OfKey},
	{"P05_an_access_token_goes_alone", p05Access},
	{"P05_a_replay_ends_access_tokens_too", p05Replay},
	{"P06_the_hint_does_not_matter", p06Hint},
	{"P06_access_tokens_without_Revocations", p06Unsupported},
	{"I29_refresh_against_the_revocation_endpoint", i29Endpoint},
	{"P04_what_the_operator_learns_of_a_revocation", p04Event},
}

var timedRevocationRules = []rule{
	{"P01_an_expired_access_token", p01Expired},
	{"P05_an_expired_refresh_token_ends_what_lives_on", p05Expired},
}

func p01NoToken(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	none := f.NoTokens()
	delete(none, "an ID token of our key") // with the claims of an access token it may be one of another TokenType
	f.ChangesNothing(func() {
		for name, token := range none {
			f.Sub(name, func() {
				for _, p := range []*testbed.Party{f.C1, f.Pub} {
					for _, r := range testbed.Both(testbed.Revoke(p, token)) {
						f.Send(r).Ended()
						f.Outcome(tokenendpoint.Revoked)
					}
				}
			})
		}
	})
}

// p01Garbage sends tokens with a wrong checksum or signature: the endpoint looks
// up the client, and nothing else.
func p01Garbage(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token, access := f.RefreshToken(f.C1), f.Access(f.C1)
	garbage := append(testbed.Flipped(token), "x", token[:len(token)-1], token+"A", access+"A", access[1:], "a.b.c")
	for _, token := range garbage {
		f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(testbed.Revoke(f.C1, token)).Ended() })
	}
	f.Works(f.C1, token)
}

func p01Again(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	got := f.Pair(f.C1)
	for range 3 {
		f.Send(testbed.Revoke(f.C1, got.AccessToken)).Ended()
		f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	}
	f.Gone(f.C1, got.AccessToken)
	f.Dead(f.C1, got.RefreshToken)
}

// p03Foreign: invalid_grant is the code whose definition says "was issued to
// another client" (RFC 6749 §5.2).
func p03Foreign(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient)
	got, alone := f.Pair(f.C1), f.Access(f.C1)
	public := f.Pair(f.Pub)
	f.ChangesNothing(func() {
		for name, token := range map[string]string{
			"refresh": got.RefreshToken, "access": got.AccessToken, "access without family": alone,
			"public refresh": public.RefreshToken, "public access": public.AccessToken,
		} {
			f.Sub(name, func() {
				for _, p := range []*testbed.Party{f.C2, f.Sp, f.NewClient(&storage.Client{ID: "pub2", AuthMethod: storage.AuthNone})} {
					for _, r := range testbed.Both(testbed.Revoke(p, token)) {
						f.Send(r).Refused("invalid_grant")
						f.Outcome(tokenendpoint.Refused)
					}
				}
			})
		}
		f.Send(testbed.Revoke(f.Pub, got.RefreshToken)).Refused("invalid_grant")
		f.Send(testbed.Revoke(f.C1, public.AccessToken)).Refused("invalid_grant")
	})
	f.Living(f.C1, got.AccessToken, alone)
	f.Works(f.C1, got.RefreshToken)
	f.Works(f.Pub, public.RefreshToken)
}

func p03Public(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	reader := f.Reader()
	for _, as := range []testbed.Spelling{func(r *testbed.Request) *testbed.Request { return r }, (*testbed.Request).JSON} {
		got := f.Pair(f.Pub)
		f.Living(reader, got.AccessToken)
		f.Send(as(testbed.Revoke(f.Pub, got.AccessToken))).Ended()
		f.Gone(reader, got.AccessToken)
		got = f.Next(f.Pub, got.RefreshToken)
		f.Send(as(testbed.Revoke(f.Pub, got.RefreshToken))).Ended()
		f.Gone(reader, got.AccessToken)
		f.Dead(f.Pub, got.RefreshToken)
	}
}

// p04Outage lets each call of the store fail, before its effect and after.
func p04Outage(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for name, token := range map[string]func() string{
		"refresh": func() string { return f.Pair(f.C1).RefreshToken },
		"access":  func() string { return f.Pair(f.C1).AccessToken },
	} {
		f.Sub(name, func() {
			right := testbed.Revoke(f.C1, token())
			f.Store.Counted()
			f.Send(right).Ended()
			calls := f.Store.Counted()
			if len(calls) < 2 {
				f.Fatalf("the request made the calls %v, want a look-up and a write", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for _, after := range []bool{false, true} {
					token := token()
					f.BreakStore(testbed.Fault{Method: method, After: after})
					for _, r := range testbed.Both(testbed.Revoke(f.C1, token)) {
						f.Send(r).Unavailable()
						f.Outcome(tokenendpoint.Failed)
					}
					f.Store.Heal()
					f.Send(testbed.Revoke(f.C1, token)).Ended()
					f.Gone(f.C1, token)
				}
			}
			for name, outage := range testbed.Outages() {
				for _, method := range slices.Sorted(maps.Keys(calls)) {
					f.Store.FailWith(method, outage)
					f.Send(right).Unavailable()
					if e := f.LastEvent(); e.ErrorID == "" || e.Cause == nil {
						f.Errorf("%s: the event is %+v, want the outage", name, e)
					}
					f.Store.Heal()
				}
			}
		})
	}
}

// p04OtherRecord: nobody's family ends by mistake.
func p04OtherRecord(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	token := f.RefreshToken(f.C1)
	for name, edit := range map[string]func(c *storage.Credential){
		"of another token": func(c *storage.Credential) { c.Digest[0] ^= 1 },
		"of another kind":  func(c *storage.Credential) { c.Kind = storage.KindAuthorizationCode },
		"without a family": func(c *storage.Credential) { c.Family = "" },
	} {
		f.Sub(name, func() {
			f.Store.Set(func(s *testbed.Spy) { s.EditCredential = edit })
			f.ChangesNothing(func() {
				testbed.WantServerError(f.Send(testbed.Revoke(f.C1, token)))
			})
			f.Store.Set(func(s *testbed.Spy) { s.EditCredential = nil })
		})
	}
	f.Works(f.C1, token)
}

// p05Family presents each token of a family, the spent ones too.
func p05Family(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for i := range 3 {
		first := f.Pair(f.C1)
		second := f.Next(f.C1, first.RefreshToken)
		third := f.Next(f.C1, second.RefreshToken)
		other := f.Pair(f.C1)
		all := []testbed.Tokens{third, second, first}
		f.Store.Counted()
		f.Send(testbed.Revoke(f.C1, all[i].RefreshToken)).Ended()
		f.Asked(map[string]int{testbed.CallClient: 1, testbed.CallCredential: 1, testbed.CallRevoke: 1})
		for _, got := range all {
			f.Dead(f.C1, got.RefreshToken)
			f.Gone(f.C1, got.AccessToken)
			f.Send(testbed.Introspect(f.C1, got.RefreshToken).With("token_type_hint", "refresh_token")).Inactive()
		}
		f.Living(f.C1, other.AccessToken)
		f.Works(f.C1, other.RefreshToken)
	}
}

func p05OfKey(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(f.C1)
	got := f.Send(testbed.PresentKey(f.C1, key)).Tokens()
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Dead(f.C1, got.RefreshToken)
	f.Gone(f.C1, got.AccessToken)
	f.Living(f.C1, f.Send(testbed.PresentKey(f.C1, key)).Tokens().AccessToken) // the key is no token
}

func p05Access(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	first := f.Pair(f.C1)
	second := f.Next(f.C1, first.RefreshToken)
	f.Store.Counted()
	f.Send(testbed.Revoke(f.C1, first.AccessToken)).Ended()
	f.Asked(map[string]int{testbed.CallClient: 1, testbed.CallRevokeToken: 1})
	f.Gone(f.C1, first.AccessToken)
	f.Living(f.C1, second.AccessToken)
	f.Works(f.C1, second.RefreshToken)
	alone, other := f.Access(f.C1), f.Access(f.C1)
	f.Send(testbed.Revoke(f.C1, alone)).Ended()
	f.Gone(f.C1, alone)
	f.Living(f.C1, other)
}

// p05Replay: the family ends at the token endpoint, and introspection knows.
func p05Replay(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Strict)
	first := f.Pair(f.C1)
	second := f.Next(f.C1, first.RefreshToken)
	f.Living(f.C1, first.AccessToken, second.AccessToken)
	f.Send(testbed.Refresh(f.C1, first.RefreshToken)).Refused("invalid_grant")
	f.Outcome(tokenendpoint.Replayed)
	f.Gone(f.C1, first.AccessToken, second.AccessToken)
}

func p06Hint(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense", "code", "ACCESS_TOKEN"} {
		f.Sub(hint, func() {
			for _, as := range []testbed.Spelling{func(r *testbed.Request) *testbed.Request { return r }, (*testbed.Request).JSON} {
				got := f.Pair(f.C1)
				f.Send(as(testbed.Revoke(f.C1, got.AccessToken).With("token_type_hint", hint))).Ended()
				f.Gone(f.C1, got.AccessToken)
				got = f.Next(f.C1, got.RefreshToken)
				f.Send(as(testbed.Revoke(f.C1, got.RefreshToken).With("token_type_hint", hint))).Ended()
				f.Gone(f.C1, got.AccessToken)
				f.Dead(f.C1, got.RefreshToken)
			}
		})
	}
}

// p06Unsupported: RFC 7009 §2.2.1 has a code for a type of token that cannot be
// revoked. Refresh tokens can be revoked, and a text that is no token gets the
// usual 200.
func p06Unsupported(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, func(c *tokenendpoint.Config) { c.Revocations = nil })
	got := f.Pair(f.C1)
	for _, r := range testbed.Both(testbed.Revoke(f.C1, got.AccessToken)) {
		f.Send(r).Refused("unsupported_token_type")
	}
	f.Send(testbed.Revoke(f.C2, got.AccessToken)).Refused("invalid_grant")
	f.Send(testbed.Revoke(f.C1, got.AccessToken+"A")).Ended()
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	f.Dead(f.C1, got.RefreshToken)
	if r := f.Send(testbed.Introspect(f.C1, got.AccessToken)); r.Status != http.StatusNotFound {
		t.Errorf("introspection: got %d, want 404", r.Status)
	}
	f.Serve(f.Handler.Introspection()) // a host may mount it all the same
	f.Send(testbed.Introspect(f.C1, got.AccessToken)).Unavailable()
	f.Send(testbed.Introspect(f.C1, got.AccessToken+"A")).Inactive()
}

func p04Event(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	got := f.Pair(f.C1)
	family := f.Record(got.RefreshToken).Family
	f.Send(testbed.Revoke(f.C1, got.AccessToken)).Ended()
	e := f.LastEvent()
	if e.Endpoint != tokenendpoint.EndpointRevocation || e.Outcome != tokenendpoint.Revoked || e.ClientID != f.C1.ID ||
		e.TokenID != got.Claims["jti"] || e.Family != family || e.Subject != "u1" || e.Status != 200 || e.GrantType != "" {
		t.Errorf("the event is %+v, want the revoked token", e)
	}
	if line := `level=INFO msg="revocation request" outcome=revoked`; !strings.Contains(f.Logged(), line) {
		t.Errorf("the log has no line with %s:\n%s", line, f.Logged())
	}
	f.Send(testbed.Revoke(f.C1, got.RefreshToken)).Ended()
	if e := f.LastEvent(); e.TokenID != "" || e.Family != family || e.Subject != "u1" {
		t.Errorf("the event is %+v, want the revoked token", e)
	}
	f.Send(testbed.Revoke(f.C1, "x")).Ended()
	if e := f.LastEvent(); e.Outcome != tokenendpoint.Revoked || e.TokenID != "" || e.Family != "" || e.Subject != "" {
		t.Errorf("the event is %+v, want that nothing was revoked", e)
	}
}

// p01Expired: the endpoint revokes a token that a verifier with the greatest
// leeway still takes. A token that no verifier takes costs no write.
func p01Expired(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	access := f.Access(f.C1)
	time.Sleep(time.Hour + 59*time.Second)
	f.Gone(f.C1, access)
	f.WantCalls(map[string]int{testbed.CallClient: 1, testbed.CallRevokeToken: 1}, func() { f.Send(testbed.Revoke(f.C1, access)).Ended() })
	f.Send(testbed.Revoke(f.C2, access)).Refused("invalid_grant")
	time.Sleep(time.Second)
	f.WantCalls(map[string]int{testbed.CallClient: 2}, func() {
		f.Send(testbed.Revoke(f.C1, access)).Ended()
		f.Send(testbed.Revoke(f.C2, access)).Ended()
	})
}

// p05Expired: the access token outlives a refresh token that lay unused.
func p05Expired(t *testing.T, open testbed.Opener) {
	f := testbed.NewTimed(t, open)
	p := f.NewWideClient(func(c *storage.Client) { c.RefreshTokenIdle = time.Minute })
	got := f.Send(testbed.Refresh(p, f.Mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix))).Tokens()
	time.Sleep(2 * time.Minute)
	f.Dead(p, got.RefreshToken)
	f.Living(p, got.AccessToken)
	f.Send(testbed.Revoke(p, got.RefreshToken)).Ended()
	f.Gone(p, got.AccessToken)
}
