package testbed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// TestLeaked is row D33 in the tests themselves: their search for secrets finds
// a leaked one.
func TestLeaked(t *testing.T) {
	secrets := []string{"short", "secret", "p+ss w%rd:&=é"}
	for range 1000 {
		secrets = append(secrets, storage.NewSecret("rt_").Reveal())
	}
	last := secrets[len(secrets)-1]
	for _, tt := range []struct {
		name, text, want string
	}{
		{"nothing", "", ""},
		{"less than any secret", "secre", ""},
		{"no secret", strings.Repeat("level=INFO client_id=c1 ", 1000), ""},
		{"a secret that is too short to tell", "a short text", ""},
		{"all of the text", "secret", "secret"},
		{"at the beginning", "secret, and more", "secret"},
		{"at the end", "more, and a secret", "secret"},
		{"one of many", "refused: " + last + ".", last},
		{"in hexadecimal", fmt.Sprintf("got %x", last), last},
		{"in base64", "got cCtzcyB3JXJkOiY9w6k=", "p+ss w%rd:&=é"},
		{"its end alone", "got " + last[1:], ""},
		{"its beginning alone", "got " + last[:len(last)-1] + "-", ""},
	} {
		got, leaked := testbed.Leaked(tt.text, secrets)
		if got != tt.want || leaked != (tt.want != "") {
			t.Errorf("%s: got %q, %t, want %q", tt.name, got, leaked, tt.want)
		}
	}
}
