package storage_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
)

// wellFormed implements the promise of WellFormed a second time, and slowly:
// the prefix, 43 characters, and the base64url of the CRC-32 of all before.
func wellFormed(text, prefix string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != 49 {
		return false
	}
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(prefix+rest[:43])))
	return rest[43:] == base64.RawURLEncoding.EncodeToString(sum[:])
}

func FuzzSecret(f *testing.F) {
	issued := storage.PresentedSecret("rt_parent").Derive("rt_", []byte("salt")).Reveal()
	f.Add(issued, "rt_", []byte("salt"))
	f.Add(issued[:len(issued)-1]+"B", "rt_", []byte(nil))
	f.Add("", "", []byte{})
	f.Add(issued+"\n", "rt_", []byte{0})
	f.Add(issued, "", []byte{0xff})
	f.Fuzz(func(t *testing.T, text, prefix string, salt []byte) {
		s := storage.PresentedSecret(text)
		if got, want := s.WellFormed(prefix), wellFormed(text, prefix); got != want {
			t.Errorf("WellFormed(%q) of %q: got %t, want %t", prefix, text, got, want)
		}
		if s.WellFormed(prefix) && !s.WellFormedAny() {
			t.Errorf("WellFormedAny of %q: got false, want true, as with the prefix %q", text, prefix)
		}
		if s.Reveal() != text || s.Empty() != (text == "") {
			t.Errorf("Reveal: got %q, want %q", s.Reveal(), text)
		}
		if child := s.Derive(prefix, salt); !wellFormed(child.Reveal(), prefix) || !child.WellFormed(prefix) {
			t.Errorf("Derive(%q) of %q: got %q, which is not well-formed", prefix, text, child.Reveal())
		}
		if len(text) > len("REDACTED") && strings.Contains(fmt.Sprintf("%v %+v %#v %x", s, s, s, s), text) {
			t.Errorf("fmt: got the text of %q", text)
		}
		if s.Digest("a") == s.Digest("b") || s.Digest("a") != storage.PresentedSecret(text).Digest("a") {
			t.Errorf("Digest of %q: got the same for two kinds, or two for one", text)
		}
	})
}

// hashForm is the rule of the marks of hashes a second time.
var hashForm = regexp.MustCompile(`^([A-Za-z0-9_-]+:|\$[A-Za-z0-9_-]+\$|\{[A-Za-z0-9_-]+\}|pbkdf2_[a-z0-9]+\$).`)

func FuzzHashForm(f *testing.F) {
	for _, name := range []string{"", "a", "sha256-hex", "pbkdf2_", "pbkdf2_sha256", "pbkdf2_Sha256", "pbkdf2_sha_1", "pbkdf2-sha256", "é"} {
		for _, around := range []string{"%s:", "$%s$", "{%s}", "%s$", "$%s}", "{%s$", "$%s:", "{%s:", "$$%s$", "%s"} {
			for _, rest := range []string{"", "x", "\n", "\xff", "$"} {
				f.Add(fmt.Sprintf(around, name) + rest)
			}
		}
	}
	f.Fuzz(func(t *testing.T, hash string) {
		err := (&storage.Client{ID: "c", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}}).Check()
		if got, want := err == nil, hash == "" || hashForm.MatchString(hash); got != want {
			t.Errorf("the hash %q: got %v, want it taken: %t", hash, err, want)
		}
	})
}
