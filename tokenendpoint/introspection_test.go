package tokenendpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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
	{"P07_what_the_operator_learns_of_a_hidden_token", p07Hidden},
}

var timedIntrospectionRules = []rule{
	{"P07_an_expired_token_is_not_active", p07Expired},
	{"I37_an_expired_refresh_token_is_not_active", i37Expired},
}

func p07NoToken(t *testing.T) {
	f := testbed.New(t, openMemory)
	none := f.NoTokens()
	f.ChangesNothing(func() {
		for name, token := range none {
			f.Sub(name, func() {
				for _, hint := range []string{"", "access_token", "refresh_token", "x"} {
					for _, r := range testbed.Both(testbed.Introspect(f.C1, token).With("token_type_hint", hint)) {
						f.Send(r).Inactive()
					}
				}
			})
		}
	})
}

func p07Garbage(t *testing.T) {
	f := testbed.New(t, openMemory)
	token, access := f.RefreshToken(f.C1), f.Access(f.C1)
	for _, garbage := range append(testbed.Flipped(token), "x", access+"A", access[1:], "a.b.c", token) {
		f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(testbed.Introspect(f.C1, garbage)).Inactive() })
	}
	for _, garbage := range testbed.Flipped(token) {
		r := testbed.Introspect(f.C1, garbage).With("token_type_hint", "refresh_token")
		f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(r).Inactive() })
	}
}

// p07Foreign: another client's token looks like an unknown one, and costs as
// little.
func p07Foreign(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.Patient)
	foreign, refresh := f.Access(f.C1), f.RefreshToken(f.C1)
	for _, p := range []*testbed.Party{f.C2, f.Sp, f.CC} {
		for _, r := range testbed.Both(testbed.Introspect(p, foreign)) {
			f.WantCalls(map[string]int{testbed.CallClient: 1}, func() { f.Send(r).Inactive() })
		}
		f.Send(testbed.Introspect(p, refresh).With("token_type_hint", "refresh_token")).Inactive()
	}
	f.Living(f.C1, foreign)
	reader := f.Reader()
	for _, token := range []string{f.Access(f.C1), f.Pair(f.C2).AccessToken, f.Pair(f.Pub).AccessToken} {
		f.Living(reader, token)
	}
	f.Gone(reader, foreign) // from before it was an audience
	// An audience that contains the name of a client is not that client.
	f.Edit(f.C1, func(c *storage.Client) {
		c.Audience = []string{"https://" + f.C2.ID, f.C2.ID + "/", strings.ToUpper(f.C2.ID)}
	})
	f.Gone(f.C2, f.Access(f.C1))
}

func p07MayIntrospect(t *testing.T) {
	var may bool
	var outage error
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.MayIntrospect = func(_ context.Context, client *storage.Client, token *jws.AccessToken) (bool, error) {
			if client == nil || token.ID == "" || token.ClientID == "" || token.ExpiresAt.IsZero() {
				t.Errorf("MayIntrospect got %v and %+v, want a client and a token", client, token)
			}
			return may, outage
		}
	})
	token := f.Access(f.C1)
	f.Gone(f.C2, token)
	f.Gone(f.C1, token) // the host decides alone
	may = true
	f.Living(f.C2, token)
	f.Send(testbed.Introspect(f.Pub, token)).Unauthorized() // but not about public clients
	f.Gone(f.C2, token+"A")
	for _, outage = range []error{testbed.ErrOutage, grants.InvalidGrant, grants.InvalidClient.Because(testbed.ErrOutage)} {
		f.Send(testbed.Introspect(f.C1, token)).Unavailable()
		f.Outcome(tokenendpoint.Failed)
		may = false
		f.Send(testbed.Introspect(f.C1, token)).Unavailable()
	}
}

func p07Hint(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.Access(f.C1)
	want := f.Send(testbed.Introspect(f.C1, token))
	want.Active()
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
		for _, r := range testbed.Both(testbed.Introspect(f.C1, token).With("token_type_hint", hint)) {
			f.Send(r).SameAs(want, hint)
		}
	}
}

// p07Outage lets each call of the store fail in turn.
func p07Outage(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	got := f.Pair(f.C1)
	ofKey := f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens()
	for name, r := range map[string]*testbed.Request{
		"access":          testbed.Introspect(f.C1, got.AccessToken),
		"refresh":         testbed.Introspect(f.C1, got.RefreshToken).With("token_type_hint", "refresh_token"),
		"refresh of keys": testbed.Introspect(f.C1, ofKey.RefreshToken).With("token_type_hint", "refresh_token"),
	} {
		f.Sub(name, func() {
			f.Store.Counted()
			f.Send(r).Active()
			calls := f.Store.Counted()
			if len(calls) < 2 {
				f.Fatalf("the request made the calls %v, want two look-ups", calls)
			}
			for _, method := range slices.Sorted(maps.Keys(calls)) {
				for _, outage := range testbed.Outages() {
					f.Store.FailWith(method, outage)
					for _, r := range testbed.Both(r) {
						f.Send(r).Unavailable()
					}
					if e := f.LastEvent(); e.Outcome != tokenendpoint.Failed || !errors.Is(e.Cause, outage) {
						f.Errorf("the event is %+v, want the outage %v", e, outage)
					}
				}
				f.Store.Heal()
				f.PanicIn(method, testbed.PanicText)
				f.Send(r).Broken(method)
				f.Store.Heal()
			}
			f.Send(r).Active()
		})
	}
}

// p09Claims holds the answer against the token itself.
func p09Claims(t *testing.T) {
	h := new(testbed.Hook)
	f := testbed.New(t, openMemory, h.Everywhere)
	h.Do(func(a *grants.Authorization) error {
		a.AddClaim("tier", map[string]any{"name": "gold", "since": 2019, "big": json.Number("9007199254740993"), "x": []any{nil, true, "<&>"}})
		a.AddClaim("username", "Ünal")
		return nil
	})
	f.Edit(f.C2, func(c *storage.Client) { c.Audience = []string{testbed.Audience, testbed.OtherAudience} })
	for name, got := range map[string]testbed.Tokens{
		"without a family":       f.Send(testbed.ClientCredentials(f.C1).With("scope", "read")).Tokens(),
		"with one":               f.Pair(f.C1),
		"with two audiences":     f.Pair(f.C2),
		"without a scope":        f.Send(testbed.ClientCredentials(f.NewClient(&storage.Client{ID: "n", GrantTypes: testbed.EveryGrant()}))).Tokens(),
		"with a key behind it":   f.Send(testbed.PresentKey(f.C1, f.APIKey(f.C1))).Tokens(),
		"with odd characters":    f.Pair(f.NewClient(&storage.Client{ID: `"\ é`, GrantTypes: testbed.EveryGrant(), Scope: []string{"read", "write"}, RedirectURIs: []string{"https://odd.test/cb"}})),
		"with a subject of HTML": f.Send(f.Redeem(f.C1, f.Code(f.C1, func(a *grants.AuthorizationRequest) { a.Subject = "<b>&amp;" }))).Tokens(),
	} {
		f.Sub(name, func() {
			p := f.ByID(got.Claims["client_id"].(string))
			for _, r := range testbed.Both(testbed.Introspect(p, f.Secret(got.AccessToken))) {
				told := f.Send(r).Active()
				if told["active"] != true || told["token_type"] != "Bearer" {
					f.Errorf("active is %v and token_type %v, want true and Bearer", told["active"], told["token_type"])
				}
				delete(told, "active")
				delete(told, "token_type")
				want, err := testbed.Members(string(testbed.PayloadOf(f, got.AccessToken)))
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

// p09Custom: a host's claim cannot pass for a member of the endpoint, not even
// to a decoder that ignores case.
func p09Custom(t *testing.T) {
	h := new(testbed.Hook)
	f := testbed.New(t, openMemory, h.Everywhere)
	h.Do(func(a *grants.Authorization) error {
		for _, name := range []string{"active", "token_type", "Active", "TOKEN_TYPE", "to\u212aen_type", "actıve"} {
			a.AddClaim(name, "mine")
		}
		a.AddClaim("activated", "mine")
		return nil
	})
	token := f.Access(f.C1)
	r := f.Send(testbed.Introspect(f.C1, token))
	told := r.Active()
	if told["token_type"] != "Bearer" || told["activated"] != "mine" {
		t.Errorf("the answer is %s, want token_type Bearer and the claim activated", r.Body)
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
	if err := json.Unmarshal([]byte(r.Body), &decoded); err != nil || !decoded.Active || decoded.TokenType != "Bearer" {
		t.Errorf("encoding/json reads %+v, %v from %s, want the members of the endpoint", decoded, err, r.Body)
	}
	f.Send(testbed.Revoke(f.C1, token)).Ended()
	f.Gone(f.C1, token)
}

// i37Introspected: a resource server asks about a bearer token that it was
// shown, and only looks at active.
func i37Introspected(t *testing.T) {
	f := testbed.New(t, openMemory)
	token := f.RefreshToken(f.C1)
	reader := f.Reader()
	for _, p := range []*testbed.Party{f.C1, reader, f.C2} {
		for _, hint := range []string{"", "access_token", "nonsense", "Refresh_Token", "refresh_token "} {
			for _, r := range testbed.Both(testbed.Introspect(p, token).With("token_type_hint", hint)) {
				f.Send(r).Inactive()
			}
		}
	}
	f.Works(f.C1, token)
}

func i37Hinted(t *testing.T) {
	f := testbed.New(t, openMemory)
	hinted := func(p *testbed.Party, token string) *testbed.Request {
		return testbed.Introspect(p, token).With("token_type_hint", "refresh_token")
	}
	token := f.RefreshToken(f.C1)
	record := f.Record(token)
	reader := f.Reader()
	for _, r := range testbed.Both(hinted(f.C1, token)) {
		f.WantCalls(map[string]int{testbed.CallClient: 1, testbed.CallCredential: 1}, func() {
			told := f.Send(r).Active()
			want := map[string]any{
				"active": true, "iss": testbed.Issuer, "sub": "u1", "client_id": f.C1.ID, "scope": "read write", "family": record.Family,
				"iat": testbed.JSONNumber(record.IssuedAt.Unix()), "exp": testbed.JSONNumber(record.ExpiresAt.Unix()), "aud": []any{testbed.Audience},
			}
			if !reflect.DeepEqual(told, want) {
				t.Errorf("the members are %v, want %v and no token_type", told, want)
			}
		})
	}
	f.Send(hinted(f.C2, token)).Inactive()
	f.Send(hinted(reader, token)).Inactive()
	next := f.Works(f.C1, token)
	f.Send(hinted(f.C1, token)).Inactive()
	f.Send(hinted(f.C1, next)).Active()
	f.Send(testbed.Revoke(f.C1, token)).Ended()
	f.Send(hinted(f.C1, next)).Inactive()
	kept := f.NewClient(&storage.Client{ID: "kept", GrantTypes: testbed.EveryGrant(), Scope: []string{"read", "write"}, RefreshNotRotated: true,
		RedirectURIs: []string{"https://kept.test/cb"}})
	token = f.RefreshToken(kept)
	f.Works(kept, token)
	f.Send(hinted(kept, token)).Active()
}

func i37OfKey(t *testing.T) {
	f := testbed.New(t, openMemory, testbed.APIKeys(grants.APIKey{Refresh: true}))
	key := f.APIKey(f.C1)
	token := f.Send(testbed.PresentKey(f.C1, key)).Tokens().RefreshToken
	r := testbed.Introspect(f.C1, token).With("token_type_hint", "refresh_token")
	f.Send(r).Active()
	for name, edit := range map[string]func(k *storage.APIKey){
		"revoked": func(k *storage.APIKey) { k.RevokedAt = time.Now() },
		"expired": func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) },
		"moved":   func(k *storage.APIKey) { k.ClientID = f.C2.ID },
	} {
		f.Sub(name, func() {
			f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = edit })
			f.Send(r).Inactive()
			f.Store.Set(func(s *testbed.Spy) { s.EditAPIKey = nil })
			f.Send(r).Active()
		})
	}
}

func p07Event(t *testing.T) {
	f := testbed.New(t, openMemory)
	got := f.Pair(f.C1)
	f.Send(testbed.Introspect(f.C1, got.AccessToken)).Active()
	e := f.LastEvent()
	if e.Endpoint != tokenendpoint.EndpointIntrospection || e.Outcome != tokenendpoint.Introspected || e.ClientID != f.C1.ID ||
		e.TokenID != got.Claims["jti"] || e.Family != got.Claims["family"] || e.Subject != "u1" ||
		!slices.Equal(e.Scope, []string{"read", "write"}) || e.Cause != nil || e.Error != "" {
		t.Errorf("the event is %+v, want the facts of the token", e)
	}
	if line := `msg="introspection request" outcome=introspected`; !strings.Contains(f.Logged(), line) {
		t.Errorf("the log has no line with %s:\n%s", line, f.Logged())
	}
	for name, r := range map[string]*testbed.Request{
		"unknown": testbed.Introspect(f.C1, "x"), "refresh": testbed.Introspect(f.C1, got.RefreshToken),
		"foreign and dead": testbed.Introspect(f.C2, deadRefreshToken(f)).With("token_type_hint", "refresh_token"),
	} {
		f.Send(r).Inactive()
		if e := f.LastEvent(); e.Outcome != tokenendpoint.Introspected || e.TokenID != "" || e.Family != "" || e.Subject != "" || e.Cause == nil || e.Error != "" {
			t.Errorf("%s: the event is %+v, want no token and a cause", name, e)
		}
	}
}

// deadRefreshToken is a refresh token of c1 that was used.
func deadRefreshToken(f *testbed.Fixture) string {
	f.Helper()
	token := f.RefreshToken(f.C1)
	f.Works(f.C1, token)
	return token
}

// p07Hidden: a client that asks about a valid token of another client gets the
// answer for an unknown token. The operator learns the owner, without debug
// lines.
func p07Hidden(t *testing.T) {
	f := testbed.New(t, openMemory)
	got := f.Pair(f.C1)
	for name, r := range map[string]*testbed.Request{
		"access": testbed.Introspect(f.C2, got.AccessToken), "refresh": testbed.Introspect(f.C2, got.RefreshToken).With("token_type_hint", "refresh_token"),
	} {
		f.Send(r).Inactive()
		e := f.LastEvent()
		if e.Outcome != tokenendpoint.Hidden || e.ClientID != f.C2.ID || e.Family != got.Claims["family"] || e.Subject != "u1" || e.Status != 200 || e.Error != "" {
			t.Errorf("%s: the event is %+v, want that a token was hidden, and which", name, e)
		}
		if name == "access" && e.TokenID != got.Claims["jti"] {
			t.Errorf("the event is %+v, want the jti", e)
		}
		for _, want := range []string{f.C1.ID, f.C2.ID} {
			if e.Cause == nil || !strings.Contains(e.Cause.Error(), strconv.Quote(want)) {
				t.Errorf("%s: the cause is %v, want the client that asked and the owner", name, e.Cause)
			}
		}
	}
	if line := `level=INFO msg="introspection request" outcome=hidden`; strings.Count(f.Logged(), line) != 2 {
		t.Errorf("the log has not two lines with %s:\n%s", line, f.Logged())
	}
}

// p07Expired: a token is active up to its exp and not at it.
func p07Expired(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	token := f.Access(f.C1)
	time.Sleep(time.Hour - time.Second)
	f.Living(f.C1, token)
	time.Sleep(time.Second)
	f.Gone(f.C1, token)
}

func i37Expired(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	r := testbed.Introspect(f.C1, f.RefreshToken(f.C1)).With("token_type_hint", "refresh_token")
	time.Sleep(14*testbed.Day - time.Second)
	f.Send(r).Active()
	time.Sleep(time.Second)
	f.Send(r).Inactive()
}
