package main

import (
	"strings"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	for _, test := range []struct {
		answer string
		done   bool
	}{
		{"y\n", true}, {"YES\n", true}, {" yes \n", true}, {"y", true},
		{"n\n", false}, {"\n", false}, {"", false}, {"yeah\n", false}, {"no\nyes\n", false},
	} {
		b := onSQLite(t)
		b.must("client", "create", "billing", "--secret-name", "first")
		s := b.typed(time.Time{}, test.answer, "client", "secret", "expire", "billing", "first")
		if !strings.Contains(s.notes, "Go on? [y/N] ") || s.out != "" {
			t.Errorf("the question: got %+v, want it on stderr alone", s)
		}
		state := read[clientView](b, "client", "show", "billing").ClientSecrets[0].State
		if done := state == stateExpired; done != test.done || (s.code == exitDone) != test.done || !test.done && s.code != exitRefused {
			t.Errorf("the answer %q: got the secret %s and exit code %d, want it done: %t", test.answer, state, s.code, test.done)
		}
	}
}

// Every command that ends something has --yes, and no other.
func TestWhatAsks(t *testing.T) {
	ends := []string{"client secret expire", "apikey revoke", "family end"}
	for _, c := range commands() {
		want := false
		for _, name := range ends {
			want = want || c.name == name
		}
		if c.asks != want {
			t.Errorf("%s: got asks %t, want %t", c.name, c.asks, want)
		}
	}
}
