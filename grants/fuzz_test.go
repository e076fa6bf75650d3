package grants_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
)

// scopeGrammar is RFC 6749 §3.3: scope-token *( SP scope-token ).
var scopeGrammar = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*\z`)

// FuzzScope compares ParseScope with the grammar of RFC 6749 §3.3.
func FuzzScope(f *testing.F) {
	for _, seed := range []string{"read write", " read", "read  write", "re\"ad", `re\ad`, "read\twrite", "é", "a", "", "read ", "\x7f", "!~", "b a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		scope, err := grants.ParseScope(s)
		if valid := s == "" || scopeGrammar.MatchString(s); valid != (err == nil) {
			t.Errorf("ParseScope(%q): %v, and the grammar says %t", s, err, valid)
		}
		var once []string // each token, where it stands first
		for _, token := range strings.Fields(s) {
			if !slices.Contains(once, token) {
				once = append(once, token)
			}
		}
		if err == nil && !slices.Equal(scope, once) {
			t.Errorf("ParseScope(%q) = %q, want %q", s, scope, once)
		}
	})
}
