package grants_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

func TestRequestedScope(t *testing.T) {
	for _, c := range []struct {
		name, parameter   string
		client, byDefault []string // Scope and DefaultScope
		want              []string
		refused           bool
	}{
		{name: "nothing asked is all that the client may", client: []string{"read", "write"}, want: []string{"read", "write"}},
		{name: "nothing asked is the default, if there is one", client: []string{"read", "write"}, byDefault: []string{"write"}, want: []string{"write"}},
		{name: "an empty default is nothing, not all", client: []string{"read"}, byDefault: []string{}, want: []string{}},
		{name: "a default beyond the registration is cut", client: []string{"read"}, byDefault: []string{"read", "root"}, want: []string{"read"}},
		{name: "nothing asked of a client without scope"},
		{name: "some of it", parameter: "write", client: []string{"read", "write"}, want: []string{"write"}},
		{name: "more than the default, if asked", parameter: "read", client: []string{"read", "write"}, byDefault: []string{"write"}, want: []string{"read"}},
		{name: "in the order asked", parameter: "write read", client: []string{"read", "write"}, want: []string{"write", "read"}},
		{name: "twice counts once", parameter: "read write read", client: []string{"read", "write"}, want: []string{"read", "write"}},
		{name: "more than the client may", parameter: "read admin", client: []string{"read"}, refused: true},
		{name: "a default does not widen", parameter: "root", client: []string{"read"}, byDefault: []string{"root"}, refused: true},
		{name: "anything of a client without scope", parameter: "read", refused: true},
		{name: "a malformed one", parameter: "read  write", client: []string{"read", "write"}, refused: true},
		{name: "a space", parameter: " ", client: []string{"read"}, refused: true},
		{name: "case counts", parameter: "READ", client: []string{"read"}, refused: true},
		{name: "a prefix is another scope", parameter: "rea", client: []string{"read"}, refused: true},
		{name: "a longer one is another scope", parameter: "read:all", client: []string{"read"}, refused: true},
		{name: "there are no wildcards", parameter: "*", client: []string{"read"}, refused: true},
		{name: "there are no wildcards on this side either", parameter: "read", client: []string{"*"}, refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := &storage.Client{Scope: c.client, DefaultScope: c.byDefault}
			before := client.Clone()
			got, err := grants.RequestedScope(client, c.parameter)
			if c.refused {
				if got != nil || !errors.Is(err, grants.InvalidScope) {
					t.Errorf("got %q and the error %v, want invalid_scope", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q and the error %v, want %q", got, err, c.want)
			}
			for i := range got {
				got[i] = "changed"
			}
			if !reflect.DeepEqual(client, before) {
				t.Error("the result shares its array with the registration")
			}
		})
	}
}

func TestParseScope(t *testing.T) {
	for _, c := range []struct {
		name, scope string
		want        []string
	}{
		{"two", "read write", []string{"read", "write"}},
		{"every character", "!#[]~ urn:x:y", []string{"!#[]~", "urn:x:y"}},
		{"twice counts once", "read read", []string{"read"}},
		{"the first of two keeps its place", "b a b c a", []string{"b", "a", "c"}},
		{"case makes two", "read READ", []string{"read", "READ"}},
	} {
		if got, err := grants.ParseScope(c.scope); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q and the error %v, want %q", c.name, got, err, c.want)
		}
	}
	if got, err := grants.ParseScope(""); got != nil || err != nil {
		t.Errorf("an empty one: got %q and %v, want nil", got, err)
	}
	for _, s := range []string{" ", " read", "read ", "read  write", "read\twrite", "read\nwrite", `re"ad`, `re\ad`, "réad", "\x00", "\x7f", `read read re"ad`} {
		if got, err := grants.ParseScope(s); got != nil || !errors.Is(err, grants.InvalidScope) {
			t.Errorf("ParseScope(%q) = %q and %v, want invalid_scope", s, got, err)
		}
	}
}

// Clients add offline_access to ask for a refresh token. It is left out where the
// client may have one anyway.
func TestRequestedScopeOfflineAccess(t *testing.T) {
	for _, c := range []struct {
		name, parameter string
		client          storage.Client
		want            []string
		refused         bool
	}{
		{name: "R29_beside another scope", parameter: "read offline_access", want: []string{"read"}},
		{name: "R29_alone, it is as no scope", parameter: "offline_access", want: []string{"read", "write"}},
		{name: "R29_beside a scope that is beyond", parameter: "offline_access root", refused: true},
		{name: "R29_in another case", parameter: "read OFFLINE_ACCESS", refused: true},
		{name: "R29_without refresh_token", parameter: "read offline_access", client: storage.Client{GrantTypes: []string{grants.TypeAuthorizationCode}}, refused: true},
		{name: "R29_registered for it", parameter: "read offline_access", client: storage.Client{Scope: []string{"read", "offline_access"}}, want: []string{"read", "offline_access"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := c.client
			if k.GrantTypes == nil {
				k.GrantTypes = []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken}
			}
			if k.Scope == nil {
				k.Scope = []string{"read", "write"}
			}
			got, err := grants.RequestedScope(&k, c.parameter)
			if !slices.Equal(got, c.want) || errors.Is(err, grants.InvalidScope) != c.refused {
				t.Errorf("RequestedScope(%q) = %q and the error %v, want %q, refused %t", c.parameter, got, err, c.want, c.refused)
			}
		})
	}
	asked := []string{"read", "offline_access"}
	if grants.OmitOfflineAccess(&storage.Client{GrantTypes: []string{grants.TypeRefreshToken}}, asked); asked[1] != "offline_access" {
		t.Errorf("OmitOfflineAccess changed its argument to %q", asked)
	}
}
