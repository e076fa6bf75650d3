package tokenendpoint_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
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

// k07 is pinned: the answer is a server_error. If the endpoint ignored such a
// hook, nobody would find the fault. The request uses nothing up.
func k07(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	requests := f.Requests(f.C1)
	f.Store.Counted()
	for _, name := range reserved {
		h.Do(testbed.Claim(name, "admin"))
		for _, r := range requests {
			f.Send(r).RefusedWith(500, "server_error")
			f.Outcome(tokenendpoint.Failed)
		}
	}
	h.Do(testbed.Claim("sub", nil))
	f.Send(requests["refresh_token"]).RefusedWith(500, "server_error")
	f.WroteNothing()
	h.Do(testbed.Claim("tenant", "t1"))
	for grant, r := range requests {
		if got := f.Send(r).Tokens().Claims["tenant"]; got != "t1" {
			t.Errorf("%s: the claim tenant is %v, want t1", grant, got)
		}
	}
}

// k07Grant: the same rules bind the answers of a host's own grant and the claims
// that it stored with a code.
func k07Grant(t *testing.T) {
	for _, name := range reserved {
		f := testbed.New(t, openMemory, testbed.WithGrant("own", grants.Func(func(context.Context, *grants.Request) (*grants.Authorization, error) {
			return &grants.Authorization{Subject: "u1", Refresh: true, Claims: map[string]any{name: "admin"}}, nil
		})))
		p := f.NewClient(&storage.Client{ID: "own", GrantTypes: []string{"own", "refresh_token"}})
		code := f.CodeWith(f.C1, map[string]any{name: "admin"})
		f.Store.Counted()
		f.Send(testbed.Form("grant_type", "own").By(p)).RefusedWith(500, "server_error")
		f.Send(f.Redeem(f.C1, code)).RefusedWith(500, "server_error")
		f.WroteNothing()
	}
}

// marshaler is a claim that panics.
type marshaler struct{}

func (marshaler) MarshalJSON() ([]byte, error) { panic("no JSON today") }

// k08: a claim may be any short JSON value, however nested.
func k08(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	requests := f.Requests(f.C1)
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	f.Store.Counted()
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
		h.Do(testbed.Claim("extra", value))
		for grant, r := range requests {
			if reply := f.Send(r); reply.Status != 500 || reply.Envelope()["error"] != "server_error" {
				t.Errorf("%s, %s: got %d %s, want 500 server_error", what, grant, reply.Status, reply.Body)
			}
		}
	}
	h.Do(testbed.Claim("\xff", "a name that is no UTF-8"))
	f.Send(requests["authorization_code"]).RefusedWith(500, "server_error")
	f.WroteNothing()
	h.Do(testbed.Claim("extra", map[string]any{"list": []int{1, 2}, "null": nil, "text": `"\<é`}))
	for grant, r := range requests {
		got, _ := f.Send(r).Tokens().Claims["extra"].(map[string]any)
		if list, _ := got["list"].([]any); len(list) != 2 || got["text"] != `"\<é` {
			t.Errorf("%s: the claim extra is %v", grant, got)
		}
	}
}

// k08TooFar: a hook cannot give more than the client may have, and cannot take
// the subject away.
func k08TooFar(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	requests := f.Requests(f.C1)
	f.Store.Counted()
	for _, r := range requests {
		h.Do(func(a *grants.Authorization) error { a.Scope = append(a.Scope, "root"); return nil })
		f.Send(r).RefusedWith(500, "server_error")
		h.Do(func(a *grants.Authorization) error { a.Audience = []string{"https://elsewhere.test"}; return nil })
		f.Send(r).RefusedWith(500, "server_error")
		h.Do(func(a *grants.Authorization) error { a.Subject = ""; return nil })
		f.Send(r).RefusedWith(500, "server_error")
		h.Do(func(*grants.Authorization) error { return errors.New("the user database is down") })
		f.Send(r).Unavailable()
		h.Do(func(*grants.Authorization) error { panic("the hook has a fault") })
		f.Send(r).RefusedWith(500, "server_error")
	}
	f.WroteNothing()
}

// k08Once: a grant's claims are in every later token too; a hook's claims are in
// this token only.
func k08Once(t *testing.T) {
	var h testbed.Hook
	f := testbed.New(t, openMemory, h.Everywhere)
	code := f.Code(f.C1, func(a *grants.AuthorizationRequest) { a.Claims = map[string]any{"tenant": "t1"} })
	requests := []*testbed.Request{f.Redeem(f.C1, code), testbed.PresentKey(f.C1, f.APIKey(f.C1)), testbed.ClientCredentials(f.C1)}
	for _, r := range requests {
		h.Do(testbed.Claim("once", true))
		first := f.Send(r).Tokens()
		h.Do(nil)
		second := f.Send(testbed.Refresh(f.C1, first.RefreshToken)).Tokens()
		third := f.Send(testbed.Refresh(f.C1, second.RefreshToken)).Tokens()
		if first.Claims["once"] != true || second.Claims["once"] != nil || third.Claims["once"] != nil {
			t.Errorf("the claims are %v, then %v and %v, want that of the hook once", first.Claims, second.Claims, third.Claims)
		}
		for _, name := range []string{"tenant", "api_key_id", "sub"} {
			if want := first.Claims[name]; second.Claims[name] != want || third.Claims[name] != want {
				t.Errorf("%s is %v, then %v and %v, want it always", name, want, second.Claims[name], third.Claims[name])
			}
		}
	}
	if got := f.Send(testbed.Refresh(f.C1, f.RefreshToken(f.C1))).Tokens().Claims["tenant"]; got != nil {
		t.Errorf("the claim tenant of another family is %v, want none", got)
	}
}
