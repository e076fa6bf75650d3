package endpointtest

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

var claimRules = []rule{
	{"K07_registered_claims_are_refused", k07},
	{"K07_registered_claims_of_a_grant_are_refused", k07Grant},
	{"K08_claims_that_are_no_JSON_or_too_long", k08},
	{"K08_a_hook_that_goes_too_far", k08TooFar},
	{"K08_the_claims_of_a_hook_are_in_one_token", k08Once},
}

// reserved are the claims that stand for the endpoint's decisions, in the
// spellings that a careless decoder takes for them too.
var reserved = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "cnf", "act",
	"Sub", "ISS", "Client_ID", "\u017fcope",
}

// k07 is pinned: the answer is a server_error, since a hook that is ignored
// would be a fault that nobody finds. Nothing is consumed by it.
func k07(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	requests := f.requests(f.c1)
	f.store.counted()
	for _, name := range reserved {
		h.do(claim(name, "admin"))
		for _, r := range requests {
			f.send(r).refusedWith(500, "server_error")
			f.outcome(tokenendpoint.Failed)
		}
	}
	h.do(claim("sub", nil))
	f.send(requests["refresh_token"]).refusedWith(500, "server_error")
	f.wroteNothing()
	h.do(claim("tenant", "t1"))
	for grant, r := range requests {
		if got := f.send(r).tokens().claims["tenant"]; got != "t1" {
			t.Errorf("%s: the claim tenant is %v, want t1", grant, got)
		}
	}
}

// k07Grant: what a grant of the host's own answers is held to the same, and so
// is what it stored with a code.
func k07Grant(t *testing.T, open opener) {
	for _, name := range reserved {
		f := newFixture(t, open, withGrant("own", grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
			return &grants.Authorization{Subject: "u1", Refresh: true, Claims: map[string]any{name: "admin"}}, nil
		})))
		p := f.newClient(&storage.Client{ID: "own", GrantTypes: []string{"own", "refresh_token"}})
		code := f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{name: "admin"} })
		f.store.counted()
		f.send(form("grant_type", "own").by(p)).refusedWith(500, "server_error")
		f.send(f.redeem(f.c1, code)).refusedWith(500, "server_error")
		f.wroteNothing()
	}
}

// marshaler is a claim that panics.
type marshaler struct{}

func (marshaler) MarshalJSON() ([]byte, error) { panic("no JSON today") }

// k08: what is JSON and short is a claim, however nested.
func k08(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	requests := f.requests(f.c1)
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	f.store.counted()
	for what, value := range map[string]any{
		"a channel":            make(chan int),
		"a function":           func() {},
		"no number":            math.NaN(),
		"a cycle":              cyclic,
		"invalid UTF-8":        "a\xffb",
		"a marshaler's panic":  marshaler{},
		"a mebibyte":           strings.Repeat("a", 1<<20),
		"a mebibyte in a list": []string{strings.Repeat("a", 1<<20)},
		"deep in a list":       []any{map[string]any{"a": make(chan int)}},
	} {
		h.do(claim("extra", value))
		for grant, r := range requests {
			if reply := f.send(r); reply.status != 500 || reply.envelope()["error"] != "server_error" {
				t.Errorf("%s, %s: got %d %s, want 500 server_error", what, grant, reply.status, reply.body)
			}
		}
	}
	h.do(claim("\xff", "a name that is no UTF-8"))
	f.send(requests["authorization_code"]).refusedWith(500, "server_error")
	f.wroteNothing()
	h.do(claim("extra", map[string]any{"list": []int{1, 2}, "null": nil, "text": `"\<é`}))
	for grant, r := range requests {
		got, _ := f.send(r).tokens().claims["extra"].(map[string]any)
		if list, _ := got["list"].([]any); len(list) != 2 || got["text"] != `"\<é` {
			t.Errorf("%s: the claim extra is %v", grant, got)
		}
	}
}

// k08TooFar: a hook cannot give what the client may not have, and not take the
// subject away.
func k08TooFar(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	requests := f.requests(f.c1)
	f.store.counted()
	for _, r := range requests {
		h.do(func(a *grants.Authorization) error { a.Scope = append(a.Scope, "root"); return nil })
		f.send(r).refusedWith(500, "server_error")
		h.do(func(a *grants.Authorization) error { a.Audience = []string{"https://elsewhere.test"}; return nil })
		f.send(r).refusedWith(500, "server_error")
		h.do(func(a *grants.Authorization) error { a.Subject = ""; return nil })
		f.send(r).refusedWith(500, "server_error")
		h.do(func(*grants.Authorization) error { return errors.New("the user database is down") })
		f.send(r).unavailable()
		h.do(func(*grants.Authorization) error { panic("the hook has a fault") })
		f.send(r).refusedWith(500, "server_error")
	}
	f.wroteNothing()
}

// k08Once: the claims of a grant are in every later token, those that a hook
// adds to them in this one.
func k08Once(t *testing.T, open opener) {
	var h hook
	f := newFixture(t, open, h.everywhere)
	code := f.code(f.c1, func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"tenant": "t1"} })
	requests := []*request{f.redeem(f.c1, code), presentKey(f.c1, f.apiKey(f.c1)), clientCredentials(f.c1)}
	for _, r := range requests {
		h.do(claim("once", true))
		first := f.send(r).tokens()
		h.do(nil)
		second := f.send(refresh(f.c1, first.refreshToken)).tokens()
		third := f.send(refresh(f.c1, second.refreshToken)).tokens()
		if first.claims["once"] != true || second.claims["once"] != nil || third.claims["once"] != nil {
			t.Errorf("the claims are %v, then %v and %v, want that of the hook once", first.claims, second.claims, third.claims)
		}
		for _, name := range []string{"tenant", "api_key_id", "sub"} {
			if want := first.claims[name]; second.claims[name] != want || third.claims[name] != want {
				t.Errorf("%s is %v, then %v and %v, want it always", name, want, second.claims[name], third.claims[name])
			}
		}
	}
	if got := f.send(refresh(f.c1, f.refreshToken(f.c1))).tokens().claims["tenant"]; got != nil {
		t.Errorf("the claim tenant of another family is %v, want none", got)
	}
}
