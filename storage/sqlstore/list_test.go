package sqlstore_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

var listSeeds = []string{
	`[]`, `[""]`, `["read"]`, `["read","write"]`, `["","",""]`, `["a","","b"]`, `["https://app.example.com/cb?a=1"]`,
	`["a", "b"]`, ` ["a"]`, `["a"] `, `["a"]]`, `["a",]`, `["]`, `["a"b"]`, `["a\"b"]`, `["a\\"]`, `["\u003c"]`, `["é"]`, "[\"\x00\"]",
	`null`, `[null]`, `[1]`, `{}`, `"a"`, ``, `["a`, `[["a"]]`, `["a"],["b"]`, `["<"]`, "[\"\x7f\"]", "[\"\xff\"]",
}

// FuzzList holds the reader of lists against encoding/json: the same list, or an error
// from both.
func FuzzList(f *testing.F) {
	for _, seed := range listSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		wantErr := json.Unmarshal([]byte(text), &want)
		for _, value := range []any{text, []byte(text)} {
			got, err := sqlstore.ScanList(value)
			if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%q as %T: got %q and error %v, want %q and error %v", text, value, got, err, want, wantErr)
			}
		}
	})
}

// FuzzListText holds the writer of lists against encoding/json.
func FuzzListText(f *testing.F) {
	for _, seed := range listSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list := strings.Split(text, ",")
		got, err := sqlstore.Value(list)
		if err != nil { // no text that a database keeps
			return
		}
		if want, _ := json.Marshal(list); got != string(want) {
			t.Errorf("%q: got %s, want %s", list, got, want)
		}
	})
}

// TestTheUsualListIsPlain holds the short way for what is read at nearly each request.
func TestTheUsualListIsPlain(t *testing.T) {
	for _, list := range [][]string{{}, {"read", "admin:x"}, {"https://app.example.com/callback?a=1"}, {`/:;=!*'(){}|~^_`}} {
		text, err := sqlstore.Value(list)
		if err != nil {
			t.Fatalf("writing %q: %v", list, err)
		}
		if got, ok := sqlstore.PlainList(text.(string)); !ok || !reflect.DeepEqual(got, list) {
			t.Errorf("%s: got %q, %t, want it read without encoding/json", text, got, ok)
		}
	}
}

// BenchmarkList reads a list as a client has four or five of them.
func BenchmarkList(b *testing.B) {
	const text = `["read","write","admin:x"]`
	b.Run("Scan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sqlstore.ScanList(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var l []string
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				b.Fatal(err)
			}
		}
	})
}
