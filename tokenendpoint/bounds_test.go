package tokenendpoint

import (
	"slices"
	"testing"
)

// Two spellings of one URL may stand beside each other while an audience is
// renamed. Each means itself.
func TestAnAudienceMeansItsOwnSpellingFirst(t *testing.T) {
	both := []string{"https://api.test", "https://api.test/"}
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"a record of the second spelling", configured(both[1:], both), both[1:]},
		{"a record of the first spelling", configured(both[:1], both), both[:1]},
		{"a record of a third spelling", configured([]string{"HTTPS://api.test"}, both), both[:1]},
		{"a request for the second spelling", named(both, both[1:]), both[1:]},
		{"a request for both", named(both, []string{both[1], both[0]}), both},
		{"a request for another spelling of the one that is there", named(both[:1], both[1:]), both[:1]},
		{"a request for another", named(both, []string{"https://other.test"}), []string{}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
