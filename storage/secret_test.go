package storage_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/storage"
)

// holder stands for the structs of others that a secret ends up in.
type holder struct {
	Exported   storage.Secret
	unexported storage.Secret
	Pointer    *storage.Secret
	pointer    *storage.Secret
	Any        any
	inner      struct{ deep []storage.Secret }
}

// holders are all the ways in which a secret is passed to something that prints.
func holders(s storage.Secret) map[string]any {
	h := holder{Exported: s, unexported: s, Pointer: &s, pointer: &s, Any: s}
	h.inner.deep = []storage.Secret{s}
	return map[string]any{
		"a secret":                    s,
		"a pointer":                   &s,
		"a slice":                     []storage.Secret{s},
		"an array of pointers":        [1]*storage.Secret{&s},
		"a map's value":               map[string]storage.Secret{"k": s},
		"a struct":                    h,
		"a pointer to a struct":       &h,
		"a slice of structs":          []holder{h},
		"an interface":                []any{s, h},
		"an anonymous struct":         struct{ s storage.Secret }{s},
		"a struct with the same text": struct{ s, t any }{s, &s},
	}
}

// wantHidden reports output that gives the text away, in any spelling.
func wantHidden(t *testing.T, what, output, text string) {
	t.Helper()
	spellings := []string{
		text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text),
		fmt.Sprint([]byte(text)), strings.Trim(fmt.Sprintf("%#v", []byte(text)), "[]byte{}"),
	}
	for _, spelling := range spellings {
		if strings.Contains(output, spelling) {
			t.Errorf("%s: got %s, want the secret hidden", what, output)
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	s := storage.NewSecret("rt_")
	verbs := []string{
		"%v", "%+v", "%#v", "%s", "%+s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%t", "%b", "%o",
		"%O", "%c", "%U", "%e", "%g", "%p", "%T", "%w", "%z", "%10v", "%-10.3s", "%[1]*v",
	}
	for name, value := range holders(s) {
		for _, verb := range verbs {
			wantHidden(t, name+" as "+verb, fmt.Sprintf(verb, value), s.Reveal())
		}
		wantHidden(t, name+" by Sprint", fmt.Sprint(value), s.Reveal())
		wantHidden(t, name+" by Sprintln", fmt.Sprintln(value), s.Reveal())
		wantHidden(t, name+" in an error", fmt.Errorf("refused %v: %w", value, errors.New("cause")).Error(), s.Reveal())
		wantHidden(t, name+" in a panic", panicText(value), s.Reveal())
	}
}

func TestSecretPrintsPlaceholder(t *testing.T) {
	s := storage.NewSecret("rt_")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%c", "%U", "%z", "%20v"} {
		if got := fmt.Sprintf(verb, s); got != "REDACTED" {
			t.Errorf("%s: got %q, want the placeholder", verb, got)
		}
	}
	if got := s.String(); got != "REDACTED" {
		t.Errorf("String: got %q, want the placeholder", got)
	}
}

func panicText(value any) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	panic(value)
}

func TestSecretDoesNotMarshal(t *testing.T) {
	s := storage.NewSecret("rt_")
	for name, value := range holders(s) {
		b, err := json.Marshal(value)
		if err != nil {
			t.Errorf("%s as JSON: got error %v, want none", name, err)
		}
		wantHidden(t, name+" as JSON", string(b), s.Reveal())
	}
	if b, err := s.MarshalText(); err != nil || string(b) != "REDACTED" {
		t.Errorf("MarshalText: got %q and error %v, want a placeholder", b, err)
	}
	if b, err := json.Marshal(map[string]any{"k": s}); err != nil || string(b) != `{"k":"REDACTED"}` {
		t.Errorf("JSON: got %s and error %v, want a placeholder", b, err)
	}
}

func TestSecretDoesNotLog(t *testing.T) {
	s := storage.NewSecret("rt_")
	for name, value := range holders(s) {
		var out bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			log := slog.New(h)
			log.Info("text", "value", value)
			log.With("value", value).WithGroup("g").Info("text", slog.Group("h", "value", value))
		}
		if out.Len() == 0 {
			t.Fatalf("%s by slog: got nothing", name)
		}
		wantHidden(t, name+" by slog", out.String(), s.Reveal())
	}
}

func TestR26NewSecretForm(t *testing.T) {
	form := regexp.MustCompile(`^rt_[A-Za-z0-9_-]{43,}$`)
	seen := make(map[string]bool)
	for range 1000 {
		s := storage.NewSecret("rt_")
		if text := s.Reveal(); !form.MatchString(text) || seen[text] {
			t.Fatalf("NewSecret: got %q, want a new one that matches %v", text, form)
		}
		if !s.WellFormed("rt_") || !s.WellFormedAny() || s.Empty() {
			t.Fatalf("NewSecret: got %q, which is not well-formed", s.Reveal())
		}
		seen[s.Reveal()] = true
	}
}

func TestEmptySecret(t *testing.T) {
	for name, s := range map[string]storage.Secret{"zero": {}, "empty": storage.PresentedSecret("")} {
		if !s.Empty() || s.Reveal() != "" || s.WellFormed("") || s.WellFormedAny() {
			t.Errorf("%s secret: got Empty %t, WellFormed %t, WellFormedAny %t, want true, false, false",
				name, s.Empty(), s.WellFormed(""), s.WellFormedAny())
		}
		if s.Digest("k").IsZero() {
			t.Errorf("%s secret: got the zero digest, which is no secret's", name)
		}
	}
}

// presented collects spellings near a secret that nobody was given (I03, I04).
func presented(text string) map[string]string {
	near := map[string]string{
		"empty": "", "the prefix alone": "rt_", "without prefix": text[3:], "prefix in capitals": "RT_" + text[3:],
		"another prefix": "ac_" + text[3:], "prefix twice": "rt_" + text, "text twice": text + text,
		"a space before": " " + text, "a space after": text + " ", "padding": text + "=", "a newline after": text + "\n",
		"NUL after": text + "\x00", "in capitals": strings.ToUpper(text), "in lower case": strings.ToLower(text),
	}
	for i := range text {
		near[fmt.Sprintf("cut at %d", i)] = text[:i]
		near[fmt.Sprintf("without byte %d", i)] = text[:i] + text[i+1:]
		for _, more := range []string{"A", "\n", "\r", "\x00", "\xff"} {
			near[fmt.Sprintf("%q put in at %d", more, i)] = text[:i] + more + text[i:]
		}
		for b := range 256 {
			if mutant := text[:i] + string([]byte{byte(b)}) + text[i+1:]; mutant != text {
				near[fmt.Sprintf("byte %d as %#02x", i, b)] = mutant
			}
		}
	}
	return near
}

func TestWellFormedRefuses(t *testing.T) {
	s := storage.NewSecret("rt_")
	for name, text := range presented(s.Reveal()) {
		p := storage.PresentedSecret(text)
		if p.WellFormed("rt_") {
			t.Errorf("WellFormed, %s: got %q accepted, want it refused", name, text)
		}
		if p.Digest("k") == s.Digest("k") {
			t.Errorf("Digest, %s: got the same for %q, want another", name, text)
		}
	}
}

// The last character of 32 bytes in base64url has two spare bits: four
// spellings decode to the same bytes, and newlines are skipped. Only the
// spelling that was issued is right (I04).
func TestWellFormedRefusesOtherSpellings(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for range 50 {
		text := storage.NewSecret("rt_").Reveal()
		for _, last := range []int{len("rt_") + 42, len(text) - 1} {
			at := strings.IndexByte(alphabet, text[last])
			for spare := 1; spare < 16; spare++ {
				other := text[:last] + string(alphabet[at^spare]) + text[last+1:]
				if storage.PresentedSecret(other).WellFormed("rt_") {
					t.Errorf("WellFormed of %q: got true, want false: %q was issued", other, text)
				}
			}
		}
	}
}

func TestWellFormedPrefix(t *testing.T) {
	for _, tt := range []struct {
		name          string
		issued, asked string
		want          bool
	}{
		{"the prefix that it was made with", "rt_", "rt_", true},
		{"another prefix of the same length", "rt_", "ac_", false},
		{"a part of the prefix", "rt_", "rt", false},
		{"a longer prefix", "rt_", "rt__", false},
		{"no prefix where there is one", "rt_", "", false},
		{"no prefix where there is none", "", "", true},
		{"a prefix where there is none", "", "rt_", false},
		{"a prefix longer than the buffer", strings.Repeat("p", 300), strings.Repeat("p", 300), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := storage.NewSecret(tt.issued)
			if got := s.WellFormed(tt.asked); got != tt.want {
				t.Errorf("WellFormed(%q) of %q: got %t, want %t", tt.asked, s.Reveal(), got, tt.want)
			}
			if !s.WellFormedAny() {
				t.Errorf("WellFormedAny of %q: got false, want true", s.Reveal())
			}
		})
	}
}

func TestWellFormedAnyRefuses(t *testing.T) {
	text := storage.NewSecret("key_").Reveal()
	for _, mutant := range []string{"", "key_", text[:len(text)-1], text + "A", "Key_" + text[4:], text[1:], "x" + text} {
		if storage.PresentedSecret(mutant).WellFormedAny() {
			t.Errorf("WellFormedAny of %q: got true, want false: %q was issued", mutant, text)
		}
	}
}
