package sqlstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

func TestInstants(t *testing.T) {
	east := time.FixedZone("east", 5*3600)
	for _, tt := range []struct {
		name string
		in   time.Time
		want time.Time
	}{
		{"an instant comes back in UTC", time.Date(2026, 1, 2, 3, 4, 5, 6000, east), time.Date(2026, 1, 1, 22, 4, 5, 6000, time.UTC)},
		{"nanoseconds are cut off", time.Unix(1, 1999).UTC(), time.Unix(1, 1000).UTC()},
		{"the zero time stays zero", time.Time{}, time.Time{}},
		{"the first instant of 1970 is not the zero time", time.Unix(0, 0), time.Unix(0, 0).UTC()},
		{"an instant before 1970", time.Unix(-5, 3000), time.Unix(-5, 3000).UTC()},
		{"the last instant", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := sqlstore.Value(tt.in)
			if err != nil {
				t.Fatalf("writing %v: %v", tt.in, err)
			}
			got, err := sqlstore.ScanInstant(v)
			if err != nil || got != tt.want {
				t.Errorf("%v: got %v and error %v, want %v", tt.in, got, err, tt.want)
			}
			if got.IsZero() != tt.in.IsZero() {
				t.Errorf("%v: got IsZero %t, want %t", tt.in, got.IsZero(), tt.in.IsZero())
			}
		})
	}
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC), time.Unix(1<<62, 0)} {
		if v, err := sqlstore.Value(at); err == nil {
			t.Errorf("%v: got %v, want an error", at, v)
		}
	}
}

func TestLists(t *testing.T) {
	for _, list := range [][]string{nil, {}, {""}, {"a", "b c", `"`, "\\", "<&>", "\u2028", "é"}} {
		v, err := sqlstore.Value(list)
		if err != nil {
			t.Fatalf("writing %q: %v", list, err)
		}
		if (v == nil) != (list == nil) {
			t.Errorf("%q: got %v, want NULL for nil alone", list, v)
		}
		got, err := sqlstore.ScanList(v)
		if err != nil || !slices.Equal(got, list) || (got == nil) != (list == nil) {
			t.Errorf("%q: got %#v and error %v, want it back", list, got, err)
		}
		if text, ok := v.(string); ok { // as some drivers return it
			if got, err := sqlstore.ScanList([]byte(text)); err != nil || !slices.Equal(got, list) {
				t.Errorf("%q as bytes: got %q and error %v, want it back", list, got, err)
			}
		}
	}
	if _, err := sqlstore.ScanList("{not JSON"); err == nil {
		t.Error("a list that is no JSON: got no error, want one")
	}
}

func TestTextThatIsRefused(t *testing.T) {
	for name, v := range map[string]any{
		"NUL": "a\x00", "broken UTF-8": "\xff", "a long identifier": strings.Repeat("x", 513),
		"a list with NUL": []string{"a", "\x00"}, "a list with broken UTF-8": []string{"\xc3"},
	} {
		if got, err := sqlstore.Value(v); err == nil || got != nil {
			t.Errorf("%s: got %v and error %v, want an error and nothing written", name, got, err)
		}
	}
	if _, err := sqlstore.Value(strings.Repeat("x", 512)); err != nil {
		t.Errorf("an identifier of 512 bytes: got error %v, want none", err)
	}
}

func TestDigests(t *testing.T) {
	d := storage.NewSecret("").Digest("k")
	v, err := sqlstore.Value(d)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sqlstore.ScanDigest(v); err != nil || got != d {
		t.Errorf("a digest: got %v and error %v, want %v", got, err, d)
	}
	if v, _ := sqlstore.Value(storage.Digest{}); v != nil {
		t.Errorf("the zero digest: got %v, want NULL", v)
	}
	if got, err := sqlstore.ScanDigest(nil); err != nil || !got.IsZero() {
		t.Errorf("NULL: got %v and error %v, want the zero digest", got, err)
	}
	if _, err := sqlstore.ScanDigest(d[:31]); err == nil {
		t.Error("a digest that was cut: got no error, want one")
	}
}

// A row may wait for a statement longer than its caller does.
func TestParametersAreCopies(t *testing.T) {
	now := time.Now()
	credential := func() *storage.Credential {
		return &storage.Credential{
			Digest: storage.NewSecret("").Digest(storage.KindRefreshToken), Kind: storage.KindRefreshToken, Family: "family",
			Claims: []byte(`{"a":1}`), Scope: []string{"read"}, Salt: []byte("0123456789abcdef"), ExpiresAt: now, FamilyExpiresAt: now,
		}
	}
	old, next := credential(), credential()
	got, err := sqlstore.SpendParameters(old, next, now)
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("%q", got)
	for _, c := range []*storage.Credential{old, next} {
		clear(c.Digest[:])
		clear(c.Claims)
		clear(c.Scope)
		clear(c.Salt)
	}
	if after := fmt.Sprintf("%q", got); after != before {
		t.Errorf("after a change of the records: got %s, want %s", after, before)
	}
}
