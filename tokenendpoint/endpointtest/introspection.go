package endpointtest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// introspectionRules is the introspection endpoint (RFC 7662).
var introspectionRules = []rule{
	{"P07_what_is_no_token_is_not_active", p07NoToken},
	{"P07_garbage_costs_no_look-up", p07Garbage},
	{"P07_a_client_sees_what_is_for_it_or_its_own", p07Foreign},
	{"P07_the_host_may_decide_who_sees_what", p07MayIntrospect},
	{"P07_a_hint_does_not_change_an_access_token", p07Hint},
	{"P07_a_failing_store_is_no_verdict", p07Outage},
	{"P09_an_active_token_is_told_with_its_claims", p09Claims},
	{"P09_custom_claims_override_nothing", p09Custom},
	{"I37_a_refresh_token_is_no_bearer_token", i37Introspected},
	{"I37_a_refresh_token_that_is_said_to_be_one", i37Hinted},
	{"I37_a_refresh_token_dies_with_its_API_key", i37OfKey},
	{"P07_what_the_operator_learns_of_an_introspection", p07Event},
}

var timedIntrospectionRules = []rule{
	{"P07_an_expired_token_is_not_active", p07Expired},
	{"I37_an_expired_refresh_token_is_not_active", i37Expired},
}

func p07NoToken(t *testing.T, open opener) {
	f := newFixture(t, open)
	none := f.noTokens()
	f.changesNothing(func() {
		for name, token := range none {
			f.sub(name, func() {
				for _, hint := range []string{"", "access_token", "refresh_token", "x"} {
					for _, r := range both(introspect(f.c1, token).with("token_type_hint", hint)) {
						f.send(r).inactive()
					}
				}
			})
		}
	})
}

func p07Garbage(t *testing.T, open opener) {
	f := newFixture(t, open)
	token, access := f.refreshToken(f.c1), f.access(f.c1)
	for _, garbage := range append(flipped(token), "x", access+"A", access[1:], "a.b.c", token) {
		f.wantCalls(map[string]int{mClient: 1}, func() { f.send(introspect(f.c1, garbage)).inactive() })
	}
	for _, garbage := range flipped(token) {
		r := introspect(f.c1, garbage).with("token_type_hint", "refresh_token")
		f.wantCalls(map[string]int{mClient: 1}, func() { f.send(r).inactive() })
	}
}

// p07Foreign: what is none of a client's business looks like what is unknown,
// and costs as little.
func p07Foreign(t *testing.T, open opener) {
	f := newFixture(t, open, patient)
	foreign, refresh := f.access(f.c1), f.refreshToken(f.c1)
	for _, p := range []*party{f.c2, f.sp, f.cc} {
		for _, r := range both(introspect(p, foreign)) {
			f.wantCalls(map[string]int{mClient: 1}, func() { f.send(r).inactive() })
		}
		f.send(introspect(p, refresh).with("token_type_hint", "refresh_token")).inactive()
	}
	f.living(f.c1, foreign)
	reader := f.reader()
	for _, token := range []string{f.access(f.c1), f.pair(f.c2).accessToken, f.pair(f.pub).accessToken} {
		f.living(reader, token)
	}
	f.gone(reader, foreign) // from before it was an audience
	// An audience that contains the name of a client is not that client.
	f.edit(f.c1, func(c *storage.Client) {
		c.Audience = []string{"https://" + f.c2.id, f.c2.id + "/", strings.ToUpper(f.c2.id)}
	})
	f.gone(f.c2, f.access(f.c1))
}

func p07MayIntrospect(t *testing.T, open opener) {
	var may bool
	var outage error
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.MayIntrospect = func(_ context.Context, client *storage.Client, token *jws.AccessToken) (bool, error) {
			if client == nil || token.ID == "" || token.ClientID == "" || token.ExpiresAt.IsZero() {
				t.Errorf("MayIntrospect got %v and %+v, want a client and a token", client, token)
			}
			return may, outage
		}
	})
	token := f.access(f.c1)
	f.gone(f.c2, token)
	f.gone(f.c1, token) // the host decides alone
	may = true
	f.living(f.c2, token)
	f.send(introspect(f.pub, token)).unauthorized() // but not about public clients
	f.gone(f.c2, token+"A")
	for _, outage = range []error{errOutage, grants.InvalidGrant, grants.InvalidClient.Because(errOutage)} {
		f.send(introspect(f.c1, token)).unavailable()
		f.outcome(tokenendpoint.Failed)
		may = false
		f.send(introspect(f.c1, token)).unavailable()
	}
}

func p07Hint(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.access(f.c1)
	want := f.send(introspect(f.c1, token))
	want.active()
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
		for _, r := range both(introspect(f.c1, token).with("token_type_hint", hint)) {
			f.send(r).sameAs(want, hint)
		}
	}
}

// p07Outage lets each call of the store fail in turn.
func p07Outage(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	got := f.pair(f.c1)
	ofKey := f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens()
	for name, r := range map[string]*request{
		"access":          introspect(f.c1, got.accessToken),
		"refresh":         introspect(f.c1, got.refreshToken).with("token_type_hint", "refresh_token"),
		"refresh of keys": introspect(f.c1, ofKey.refreshToken).with("token_type_hint", "refresh_token"),
	} {
		f.sub(name, func() {
			f.store.counted()
			f.send(r).active()
			calls := f.store.counted()
			if len(calls) < 2 {
				f.Fatalf("the request made the calls %v, want two look-ups", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for _, outage := range outages() {
					f.store.failWith(method, outage)
					for _, r := range both(r) {
						f.send(r).unavailable()
					}
					if e := f.lastEvent(); e.Outcome != tokenendpoint.Failed || !errors.Is(e.Cause, outage) {
						f.Errorf("the event is %+v, want the outage %v", e, outage)
					}
				}
				f.store.heal()
				f.panicIn(method, panicText)
				f.send(r).broken(method)
				f.store.heal()
			}
			f.send(r).active()
		})
	}
}

// p09Claims holds the answer against the token itself.
func p09Claims(t *testing.T, open opener) {
	h := new(hook)
	f := newFixture(t, open, h.everywhere)
	h.do(func(a *grants.Authorization) error {
		a.AddClaim("tier", map[string]any{"name": "gold", "since": 2019, "big": json.Number("9007199254740993"), "x": []any{nil, true, "<&>"}})
		a.AddClaim("username", "Ünal")
		return nil
	})
	f.edit(f.c2, func(c *storage.Client) { c.Audience = []string{audience, otherAudience} })
	for name, got := range map[string]tokens{
		"without a family":       f.send(clientCredentials(f.c1).with("scope", "read")).tokens(),
		"with one":               f.pair(f.c1),
		"with two audiences":     f.pair(f.c2),
		"without a scope":        f.send(clientCredentials(f.newClient(&storage.Client{ID: "n", GrantTypes: everyGrant()}))).tokens(),
		"with a key behind it":   f.send(presentKey(f.c1, f.apiKey(f.c1))).tokens(),
		"with odd characters":    f.pair(f.newClient(&storage.Client{ID: `"\ é`, GrantTypes: everyGrant(), Scope: []string{"read", "write"}, RedirectURIs: []string{"https://odd.test/cb"}})),
		"with a subject of HTML": f.send(f.redeem(f.c1, f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Subject = "<b>&amp;" }))).tokens(),
	} {
		f.sub(name, func() {
			p := f.byID(got.claims["client_id"].(string))
			for _, r := range both(introspect(p, f.secret(got.accessToken))) {
				told := f.send(r).active()
				if told["active"] != true || told["token_type"] != "Bearer" {
					f.Errorf("active is %v and token_type %v, want true and Bearer", told["active"], told["token_type"])
				}
				delete(told, "active")
				delete(told, "token_type")
				want, err := members(string(payloadOf(f, got.accessToken)))
				if err != nil {
					f.Fatal(err)
				}
				if !reflect.DeepEqual(told, want) {
					f.Errorf("the members are %v, want the claims %v", told, want)
				}
			}
		})
	}
}

// p09Custom: a host's claim cannot pass for what the endpoint says, not to a
// decoder either that does not look at case.
func p09Custom(t *testing.T, open opener) {
	h := new(hook)
	f := newFixture(t, open, h.everywhere)
	h.do(func(a *grants.Authorization) error {
		for _, name := range []string{"active", "token_type", "Active", "TOKEN_TYPE", "to\u212aen_type", "actıve"} {
			a.AddClaim(name, "mine")
		}
		a.AddClaim("activated", "mine")
		return nil
	})
	token := f.access(f.c1)
	r := f.send(introspect(f.c1, token))
	told := r.active()
	if told["token_type"] != "Bearer" || told["activated"] != "mine" {
		t.Errorf("the answer is %s, want token_type Bearer and the claim activated", r.body)
	}
	for name := range told {
		if name != "active" && strings.EqualFold(name, "active") || name != "token_type" && strings.EqualFold(name, "token_type") {
			t.Errorf("the answer has the member %q, want it left out", name)
		}
	}
	var decoded struct {
		Active    bool
		TokenType string `json:"token_type"`
	}
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil || !decoded.Active || decoded.TokenType != "Bearer" {
		t.Errorf("encoding/json reads %+v, %v from %s, want what the endpoint says", decoded, err, r.body)
	}
	f.send(revoke(f.c1, token)).ended()
	f.gone(f.c1, token)
}

// i37Introspected: a resource server asks about what it was shown as a bearer
// token, and only looks at active.
func i37Introspected(t *testing.T, open opener) {
	f := newFixture(t, open)
	token := f.refreshToken(f.c1)
	reader := f.reader()
	for _, p := range []*party{f.c1, reader, f.c2} {
		for _, hint := range []string{"", "access_token", "nonsense", "Refresh_Token", "refresh_token "} {
			for _, r := range both(introspect(p, token).with("token_type_hint", hint)) {
				f.send(r).inactive()
			}
		}
	}
	f.works(f.c1, token)
}

func i37Hinted(t *testing.T, open opener) {
	f := newFixture(t, open)
	hinted := func(p *party, token string) *request {
		return introspect(p, token).with("token_type_hint", "refresh_token")
	}
	token := f.refreshToken(f.c1)
	record := f.record(token)
	reader := f.reader()
	for _, r := range both(hinted(f.c1, token)) {
		f.wantCalls(map[string]int{mClient: 1, mCredential: 1}, func() {
			told := f.send(r).active()
			want := map[string]any{
				"active": true, "iss": issuer, "sub": "u1", "client_id": f.c1.id, "scope": "read write", "grant_id": record.Family,
				"iat": jsonNumber(record.IssuedAt.Unix()), "exp": jsonNumber(record.ExpiresAt.Unix()), "aud": []any{audience},
			}
			if !reflect.DeepEqual(told, want) {
				t.Errorf("the members are %v, want %v and no token_type", told, want)
			}
		})
	}
	f.send(hinted(f.c2, token)).inactive()
	f.send(hinted(reader, token)).inactive()
	next := f.works(f.c1, token)
	f.send(hinted(f.c1, token)).inactive()
	f.send(hinted(f.c1, next)).active()
	f.send(revoke(f.c1, token)).ended()
	f.send(hinted(f.c1, next)).inactive()
	kept := f.newClient(&storage.Client{ID: "kept", GrantTypes: everyGrant(), Scope: []string{"read", "write"}, RefreshNotRotated: true,
		RedirectURIs: []string{"https://kept.test/cb"}})
	token = f.refreshToken(kept)
	f.works(kept, token)
	f.send(hinted(kept, token)).active()
}

func i37OfKey(t *testing.T, open opener) {
	f := newFixture(t, open, apiKeys(grants.APIKey{Refresh: true}))
	key := f.apiKey(f.c1)
	token := f.send(presentKey(f.c1, key)).tokens().refreshToken
	r := introspect(f.c1, token).with("token_type_hint", "refresh_token")
	f.send(r).active()
	for name, edit := range map[string]func(k *storage.APIKey){
		"revoked": func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"expired": func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) },
		"moved":   func(k *storage.APIKey) { k.ClientID = f.c2.id },
	} {
		f.sub(name, func() {
			f.store.set(func(s *spy) { s.editAPIKey = edit })
			f.send(r).inactive()
			f.store.set(func(s *spy) { s.editAPIKey = nil })
			f.send(r).active()
		})
	}
}

func p07Event(t *testing.T, open opener) {
	f := newFixture(t, open)
	got := f.pair(f.c1)
	f.send(introspect(f.c1, got.accessToken)).active()
	e := f.lastEvent()
	if e.Endpoint != tokenendpoint.EndpointIntrospection || e.Outcome != tokenendpoint.Introspected || e.ClientID != f.c1.id ||
		e.TokenID != got.claims["jti"] || e.Family != got.claims["grant_id"] || e.Subject != "u1" ||
		!slices.Equal(e.Scope, []string{"read", "write"}) || e.Cause != nil || e.Error != "" {
		t.Errorf("the event is %+v, want what the token is", e)
	}
	if line := `msg="introspection request" outcome=introspected`; !strings.Contains(f.logged(), line) {
		t.Errorf("the log has no line with %s:\n%s", line, f.logged())
	}
	for name, r := range map[string]*request{
		"foreign": introspect(f.c2, got.accessToken), "unknown": introspect(f.c1, "x"), "refresh": introspect(f.c1, got.refreshToken),
	} {
		f.send(r).inactive()
		if e := f.lastEvent(); e.Outcome != tokenendpoint.Introspected || e.TokenID != "" || e.Family != "" || e.Subject != "" || e.Cause == nil || e.Error != "" {
			t.Errorf("%s: the event is %+v, want no token and a cause", name, e)
		}
	}
}

// p07Expired: a token is active up to its exp and not at it.
func p07Expired(t *testing.T, open opener) {
	f := newTimed(t, open)
	token := f.access(f.c1)
	time.Sleep(time.Hour - time.Second)
	f.living(f.c1, token)
	time.Sleep(time.Second)
	f.gone(f.c1, token)
}

func i37Expired(t *testing.T, open opener) {
	f := newTimed(t, open)
	r := introspect(f.c1, f.refreshToken(f.c1)).with("token_type_hint", "refresh_token")
	time.Sleep(14*day - time.Second)
	f.send(r).active()
	time.Sleep(time.Second)
	f.send(r).inactive()
}
