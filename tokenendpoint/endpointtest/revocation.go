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
)

// revocationRules is the revocation endpoint (RFC 7009).
var revocationRules = []rule{
	{"P01_what_is_no_token_is_as_good_as_revoked", p01NoToken},
	{"P01_garbage_costs_no_look-up", p01Garbage},
	{"P01_the_token_is_missing", p01Missing},
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

func p01NoToken(t *testing.T, open opener) {
	f := newFixture(t, open)
	none := f.noTokens()
	f.changesNothing(func() {
		for name, token := range none {
			f.sub(name, func() {
				for _, p := range []*party{f.c1, f.pub} {
					for _, r := range both(revoke(p, token)) {
						f.send(r).ended()
						f.outcome(tokenendpoint.Revoked)
					}
				}
			})
		}
	})
}

// p01Garbage asks with what has a wrong checksum or signature: the client is
// looked up, and nothing else.
func p01Garbage(t *testing.T, open opener) {
	f := newFixture(t, open)
	token, access := f.refreshToken(f.c1), f.access(f.c1)
	garbage := append(flipped(token), "x", token[:len(token)-1], token+"A", access+"A", access[1:], "a.b.c")
	for _, token := range garbage {
		f.wantCalls(map[string]int{mClient: 1}, func() { f.send(revoke(f.c1, token)).ended() })
	}
	f.works(f.c1, token)
}

func p01Missing(t *testing.T, open opener) {
	f := newFixture(t, open)
	absent := form().by(f.c1).to(revocationPath)
	null := rawJSON(`{"token":null}`).by(f.c1).to(revocationPath)
	f.asksNothing(func() {
		for _, r := range append(append(both(absent), both(absent.with("token", ""))...), null, null.to(introspectionPath)) {
			got := f.send(r)
			got.refused("invalid_request")
			got.names("token")
		}
	})
}

func p01Again(t *testing.T, open opener) {
	f := newFixture(t, open)
	got := f.pair(f.c1)
	for range 3 {
		f.send(revoke(f.c1, got.accessToken)).ended()
		f.send(revoke(f.c1, got.refreshToken)).ended()
	}
	f.gone(f.c1, got.accessToken)
	f.dead(f.c1, got.refreshToken)
}

// p03Foreign: invalid_grant is the code whose definition says "was issued to
// another client" (RFC 6749 §5.2).
func p03Foreign(t *testing.T, open opener) {
	f := newFixture(t, open, patient)
	got, alone := f.pair(f.c1), f.access(f.c1)
	public := f.pair(f.pub)
	f.changesNothing(func() {
		for name, token := range map[string]string{
			"refresh": got.refreshToken, "access": got.accessToken, "access without family": alone,
			"public refresh": public.refreshToken, "public access": public.accessToken,
		} {
			f.sub(name, func() {
				for _, p := range []*party{f.c2, f.sp, f.newClient(&storage.Client{ID: "pub2", AuthMethod: storage.AuthNone})} {
					for _, r := range both(revoke(p, token)) {
						f.send(r).refused("invalid_grant")
						f.outcome(tokenendpoint.Refused)
					}
				}
			})
		}
		f.send(revoke(f.pub, got.refreshToken)).refused("invalid_grant")
		f.send(revoke(f.c1, public.accessToken)).refused("invalid_grant")
	})
	f.living(f.c1, got.accessToken, alone)
	f.works(f.c1, got.refreshToken)
	f.works(f.pub, public.refreshToken)
}

func p03Public(t *testing.T, open opener) {
	f := newFixture(t, open)
	reader := f.reader()
	for _, as := range []spelling{func(r *request) *request { return r }, (*request).json} {
		got := f.pair(f.pub)
		f.living(reader, got.accessToken)
		f.send(as(revoke(f.pub, got.accessToken))).ended()
		f.gone(reader, got.accessToken)
		got = f.next(f.pub, got.refreshToken)
		f.send(as(revoke(f.pub, got.refreshToken))).ended()
		f.gone(reader, got.accessToken)
		f.dead(f.pub, got.refreshToken)
	}
}

// p04Outage lets each call of the store fail, before its effect and after.
func p04Outage(t *testing.T, open opener) {
	f := newFixture(t, open)
	for name, token := range map[string]func() string{
		"refresh": func() string { return f.pair(f.c1).refreshToken },
		"access":  func() string { return f.pair(f.c1).accessToken },
	} {
		f.sub(name, func() {
			right := revoke(f.c1, token())
			f.store.counted()
			f.send(right).ended()
			calls := f.store.counted()
			if len(calls) < 2 {
				f.Fatalf("the request made the calls %v, want a look-up and a write", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for _, after := range []bool{false, true} {
					token := token()
					f.breakStore(fault{method, after})
					for _, r := range both(revoke(f.c1, token)) {
						f.send(r).unavailable()
						f.outcome(tokenendpoint.Failed)
					}
					f.store.heal()
					f.send(revoke(f.c1, token)).ended()
					f.gone(f.c1, token)
				}
			}
			for name, outage := range outages() {
				for _, method := range slices.Sorted(maps.Keys(calls)) {
					f.store.failWith(method, outage)
					f.send(right).unavailable()
					if e := f.lastEvent(); e.ErrorID == "" || e.Cause == nil {
						f.Errorf("%s: the event is %+v, want the outage", name, e)
					}
					f.store.heal()
				}
			}
		})
	}
}

// p04OtherRecord: nobody's family ends by mistake.
func p04OtherRecord(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	for name, edit := range map[string]func(c *storage.Credential){
		"of another token": func(c *storage.Credential) { c.Digest[0] ^= 1 },
		"of another kind":  func(c *storage.Credential) { c.Kind = storage.KindAuthorizationCode },
		"without a family": func(c *storage.Credential) { c.Family = "" },
	} {
		f.sub(name, func() {
			f.store.set(func(s *spy) { s.editCredential = edit })
			f.changesNothing(func() {
				wantServerError(f.send(revoke(f.c1, token)))
			})
			f.store.set(func(s *spy) { s.editCredential = nil })
		})
	}
	f.works(f.c1, token)
}

// p05Family presents each token of a family, the spent ones too.
func p05Family(t *testing.T, open opener) {
	f := newFixture(t, open)
	for i := range 3 {
		first := f.pair(f.c1)
		second := f.next(f.c1, first.refreshToken)
		third := f.next(f.c1, second.refreshToken)
		other := f.pair(f.c1)
		all := []tokens{third, second, first}
		f.store.counted()
		f.send(revoke(f.c1, all[i].refreshToken)).ended()
		f.asked(map[string]int{mClient: 1, mCredential: 1, mRevoke: 1})
		for _, got := range all {
			f.dead(f.c1, got.refreshToken)
			f.gone(f.c1, got.accessToken)
			f.send(introspect(f.c1, got.refreshToken).with("token_type_hint", "refresh_token")).inactive()
		}
		f.living(f.c1, other.accessToken)
		f.works(f.c1, other.refreshToken)
	}
}

func p05OfKey(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	key := f.apiKey(f.c1)
	got := f.send(presentKey(f.c1, key)).tokens()
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.dead(f.c1, got.refreshToken)
	f.gone(f.c1, got.accessToken)
	f.living(f.c1, f.send(presentKey(f.c1, key)).tokens().accessToken) // the key is no token
}

func p05Access(t *testing.T, open opener) {
	f := newFixture(t, open)
	first := f.pair(f.c1)
	second := f.next(f.c1, first.refreshToken)
	f.store.counted()
	f.send(revoke(f.c1, first.accessToken)).ended()
	f.asked(map[string]int{mClient: 1, mRevokeToken: 1})
	f.gone(f.c1, first.accessToken)
	f.living(f.c1, second.accessToken)
	f.works(f.c1, second.refreshToken)
	alone, other := f.access(f.c1), f.access(f.c1)
	f.send(revoke(f.c1, alone)).ended()
	f.gone(f.c1, alone)
	f.living(f.c1, other)
}

// p05Replay: the family ends at the token endpoint, and introspection knows.
func p05Replay(t *testing.T, open opener) {
	f := newFixture(t, open, strict)
	first := f.pair(f.c1)
	second := f.next(f.c1, first.refreshToken)
	f.living(f.c1, first.accessToken, second.accessToken)
	f.send(refresh(f.c1, first.refreshToken)).refused("invalid_grant")
	f.outcome(tokenendpoint.Replayed)
	f.gone(f.c1, first.accessToken, second.accessToken)
}

func p06Hint(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense", "code", "ACCESS_TOKEN"} {
		f.sub(hint, func() {
			for _, as := range []spelling{func(r *request) *request { return r }, (*request).json} {
				got := f.pair(f.c1)
				f.send(as(revoke(f.c1, got.accessToken).with("token_type_hint", hint))).ended()
				f.gone(f.c1, got.accessToken)
				got = f.next(f.c1, got.refreshToken)
				f.send(as(revoke(f.c1, got.refreshToken).with("token_type_hint", hint))).ended()
				f.gone(f.c1, got.accessToken)
				f.dead(f.c1, got.refreshToken)
			}
		})
	}
}

// p06Unsupported: RFC 7009 §2.2.1 has a code for what cannot be revoked. Refresh
// tokens can, and what is no token is revoked as ever.
func p06Unsupported(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.Revocations = nil })
	got := f.pair(f.c1)
	for _, r := range both(revoke(f.c1, got.accessToken)) {
		f.send(r).refused("unsupported_token_type")
	}
	f.send(revoke(f.c2, got.accessToken)).refused("invalid_grant")
	f.send(revoke(f.c1, got.accessToken+"A")).ended()
	f.send(revoke(f.c1, got.refreshToken)).ended()
	f.dead(f.c1, got.refreshToken)
	if r := f.send(introspect(f.c1, got.accessToken)); r.status != http.StatusNotFound {
		t.Errorf("introspection: got %d, want 404", r.status)
	}
	f.serve(f.handler.Introspection()) // by who mounts it all the same
	f.send(introspect(f.c1, got.accessToken)).unavailable()
	f.send(introspect(f.c1, got.accessToken+"A")).inactive()
}

func p04Event(t *testing.T, open opener) {
	f := newFixture(t, open)
	got := f.pair(f.c1)
	family := f.record(got.refreshToken).Family
	f.send(revoke(f.c1, got.accessToken)).ended()
	e := f.lastEvent()
	if e.Endpoint != tokenendpoint.EndpointRevocation || e.Outcome != tokenendpoint.Revoked || e.ClientID != f.c1.id ||
		e.TokenID != got.claims["jti"] || e.Family != family || e.Subject != "u1" || e.Status != 200 || e.GrantType != "" {
		t.Errorf("the event is %+v, want what was revoked", e)
	}
	if line := `level=INFO msg="revocation request" outcome=revoked`; !strings.Contains(f.logged(), line) {
		t.Errorf("the log has no line with %s:\n%s", line, f.logged())
	}
	f.send(revoke(f.c1, got.refreshToken)).ended()
	if e := f.lastEvent(); e.TokenID != "" || e.Family != family || e.Subject != "u1" {
		t.Errorf("the event is %+v, want what was revoked", e)
	}
	f.send(revoke(f.c1, "x")).ended()
	if e := f.lastEvent(); e.Outcome != tokenendpoint.Revoked || e.TokenID != "" || e.Family != "" || e.Subject != "" {
		t.Errorf("the event is %+v, want that nothing was revoked", e)
	}
}

// p01Expired: what a verifier with the greatest leeway still takes is revoked,
// and what nobody takes costs no write.
func p01Expired(t *testing.T, open opener) {
	f := newTimed(t, open)
	access := f.access(f.c1)
	time.Sleep(time.Hour + 59*time.Second)
	f.gone(f.c1, access)
	f.wantCalls(map[string]int{mClient: 1, mRevokeToken: 1}, func() { f.send(revoke(f.c1, access)).ended() })
	f.send(revoke(f.c2, access)).refused("invalid_grant")
	time.Sleep(time.Second)
	f.wantCalls(map[string]int{mClient: 2}, func() {
		f.send(revoke(f.c1, access)).ended()
		f.send(revoke(f.c2, access)).ended()
	})
}

// p05Expired: the access token outlives a refresh token that lay unused.
func p05Expired(t *testing.T, open opener) {
	f := newTimed(t, open)
	p := f.newWideClient(func(c *storage.Client) { c.RefreshTokenIdle = time.Minute })
	got := f.send(refresh(p, f.mint(p, storage.KindRefreshToken, grants.RefreshTokenPrefix))).tokens()
	time.Sleep(2 * time.Minute)
	f.dead(p, got.refreshToken)
	f.living(p, got.accessToken)
	f.send(revoke(p, got.refreshToken)).ended()
	f.gone(p, got.accessToken)
}
