package storage_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
)

func TestDeriveDependsOnBoth(t *testing.T) {
	parent, other := storage.NewSecret("rt_"), storage.NewSecret("rt_")
	salt := []byte("0123456789abcdef")
	first := parent.Derive("rt_", salt)
	if again := storage.PresentedSecret(parent.Reveal()).Derive("rt_", salt); again.Reveal() != first.Reveal() {
		t.Errorf("Derive twice: got %q and %q, want the same", first.Reveal(), again.Reveal())
	}
	if !first.WellFormed("rt_") {
		t.Errorf("Derive: got %q, which is not well-formed", first.Reveal())
	}
	seen := map[string]string{parent.Reveal(): "the parent", first.Reveal(): "the first"}
	for name, s := range map[string]storage.Secret{
		"another parent":   other.Derive("rt_", salt),
		"another salt":     parent.Derive("rt_", []byte("0123456789abcdeg")),
		"a longer salt":    parent.Derive("rt_", append(salt[:16:16], 0)),
		"no salt":          parent.Derive("rt_", nil),
		"a grandchild":     first.Derive("rt_", salt),
		"an empty parent":  storage.Secret{}.Derive("rt_", salt),
		"salt and no text": storage.Secret{}.Derive("rt_", nil),
	} {
		if twin, taken := seen[s.Reveal()]; taken {
			t.Errorf("Derive from %s: got that of %s, want another", name, twin)
		}
		seen[s.Reveal()] = name
	}
}

// The derivation must never change: a client that repeats a refresh token in
// time gets the same successor, also if the library was upgraded in between.
func TestDeriveIsStable(t *testing.T) {
	got := storage.PresentedSecret("rt_parent").Derive("rt_", []byte("salt")).Reveal()
	const want = "rt_j8thTJt4SOB_2FNMx92G_B1zQvCtzGFJIB9fppscorcfGr0og"
	if got != want {
		t.Errorf("Derive: got %q, want %q", got, want)
	}
}

// The derivation is HMAC-SHA-256 (RFC 2104), for a parent of any length.
func TestDeriveIsHMAC(t *testing.T) {
	for _, length := range []int{0, 1, 52, 63, 64, 65, 128, 4096} {
		for _, salt := range []string{"", "0123456789abcdef", strings.Repeat("s", 100)} {
			parent := strings.Repeat("p", length)
			mac := hmac.New(sha256.New, []byte(parent))
			mac.Write([]byte("github.com/contit/oauth successor\x00" + salt))
			want := "rt_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
			if got := storage.PresentedSecret(parent).Derive("rt_", []byte(salt)).Reveal(); !strings.HasPrefix(got, want) {
				t.Errorf("a parent of %d bytes and a salt of %d: got %q, want %q and a checksum", length, len(salt), got, want)
			}
		}
	}
}

func TestDigestIsOfTextAndKind(t *testing.T) {
	s := storage.NewSecret("rt_")
	want := storage.Digest(sha256.Sum256([]byte(storage.KindRefreshToken + "\x00" + s.Reveal())))
	if got := s.Digest(storage.KindRefreshToken); got != want {
		t.Errorf("Digest: got %v, want %v: stored digests must stay valid", got, want)
	}
	long := storage.PresentedSecret(strings.Repeat("x", 1000))
	if got, want := long.Digest("k"), storage.Digest(sha256.Sum256([]byte("k\x00"+long.Reveal()))); got != want {
		t.Errorf("Digest of a text longer than the buffer: got %v, want %v", got, want)
	}
	seen := make(map[storage.Digest]string)
	for _, kind := range []string{"", storage.KindAuthorizationCode, storage.KindRefreshToken, storage.KindAPIKey, "host"} {
		d := s.Digest(kind)
		if twin, taken := seen[d]; taken {
			t.Errorf("Digest(%q): got that of %q, want another", kind, twin)
		}
		seen[d] = kind
	}
}

func TestDigestEqual(t *testing.T) {
	s := storage.NewSecret("rt_")
	d := s.Digest("k")
	if !d.Equal(s.Digest("k")) || d.IsZero() || !(storage.Digest{}).IsZero() {
		t.Errorf("a digest and itself: got Equal %t, IsZero %t", d.Equal(s.Digest("k")), d.IsZero())
	}
	for i := range d {
		e := d
		e[i] ^= 1
		if d.Equal(e) {
			t.Errorf("digests that differ in byte %d: got equal, want different", i)
		}
	}
	if got, want := d.String(), fmt.Sprintf("%x", d[:]); got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
}
