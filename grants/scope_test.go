package grants_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/contit/oauth/grants"
)

func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		name                       string
		requested, granted, client []string
		want                       []string // nil: InvalidScope
	}{
		{"nothing asked is all that was granted", nil, []string{"read", "write"}, []string{"read", "write", "admin"}, []string{"read", "write"}},
		{"nothing asked is what the client still may", nil, []string{"read", "write"}, []string{"write"}, []string{"write"}},
		{"nothing asked and nothing left", nil, []string{"read"}, []string{"write"}, nil},
		{"nothing asked of nothing granted", nil, nil, []string{"read"}, []string{}},
		{"some of it", []string{"write"}, []string{"read", "write"}, []string{"read", "write"}, []string{"write"}},
		{"in the order asked", []string{"write", "read"}, []string{"read", "write"}, []string{"read", "write"}, []string{"write", "read"}},
		{"twice counts once", []string{"read", "write", "read"}, []string{"read", "write"}, []string{"read", "write"}, []string{"read", "write"}},
		{"granted twice counts once", nil, []string{"read", "write", "read"}, []string{"read", "write"}, []string{"read", "write"}},
		{"more than was granted", []string{"read", "admin"}, []string{"read"}, []string{"read", "admin"}, nil},
		{"more than the client may", []string{"read", "admin"}, []string{"read", "admin"}, []string{"read"}, nil},
		{"anything of nothing", []string{"read"}, nil, []string{"read"}, nil},
		{"anything of a client without scope", []string{"read"}, []string{"read"}, nil, nil},
		{"case counts", []string{"READ"}, []string{"read"}, []string{"read"}, nil},
		{"a prefix is another scope", []string{"rea"}, []string{"read"}, []string{"read"}, nil},
		{"a longer one is another scope", []string{"read:all"}, []string{"read"}, []string{"read"}, nil},
		{"there are no wildcards", []string{"*"}, []string{"read"}, []string{"read"}, nil},
		{"there are no wildcards on this side either", []string{"read"}, []string{"*"}, []string{"*"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(nil)
			r.Scope, r.Client.Scope = c.requested, c.client
			before := slices.Clone(c.granted)
			got, err := r.Narrow(c.granted)
			if c.want == nil {
				if got != nil || !errors.Is(err, grants.InvalidScope) {
					t.Errorf("got %q and the error %v, want invalid_scope", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q and the error %v, want %q", got, err, c.want)
			}
			if len(got) > 0 {
				got[0] = "changed"
			}
			if !slices.Equal(before, c.granted) || slices.Contains(r.Client.Scope, "changed") || slices.Contains(r.Scope, "changed") {
				t.Error("the result shares its array with what was granted, asked or registered")
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
		{"twice is left to Narrow", "read read", []string{"read", "read"}},
	} {
		if got, err := grants.ParseScope(c.scope); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q and the error %v, want %q", c.name, got, err, c.want)
		}
	}
	if got, err := grants.ParseScope(""); got != nil || err != nil {
		t.Errorf("an empty one: got %q and %v, want nil", got, err)
	}
	for _, s := range []string{" ", " read", "read ", "read  write", "read\twrite", "read\nwrite", `re"ad`, `re\ad`, "réad", "\x00", "\x7f"} {
		if got, err := grants.ParseScope(s); got != nil || !errors.Is(err, grants.InvalidScope) {
			t.Errorf("ParseScope(%q) = %q and %v, want invalid_scope", s, got, err)
		}
	}
}
