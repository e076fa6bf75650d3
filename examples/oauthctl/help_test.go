package main

import (
	"bytes"
	"strings"
	"testing"
)

// help runs the command in this process, without a database.
func help(t *testing.T, args ...string) said {
	t.Helper()
	var out, notes bytes.Buffer
	code := run(t.Context(), args, surroundings{out: &out, notes: &notes, getenv: func(string) string { return "" }})
	return said{code, out.String(), notes.String()}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"help"}, {"-h"}} {
		s := help(t, args...)
		for _, c := range commands() {
			if s.code != exitDone || !strings.Contains(s.out, "  "+c.name+"  ") || !strings.Contains(s.out, c.about) {
				t.Errorf("oauthctl %s: got exit code %d and\n%s\nwant %s in it", args, s.code, s.out, c.name)
			}
		}
		for _, want := range []string{databaseVariable, prefixVariable, keysVariable, "Exit codes:"} {
			if !strings.Contains(s.out, want) {
				t.Errorf("oauthctl %s: got\n%s\nwant %q in it", args, s.out, want)
			}
		}
	}
	for _, c := range commands() {
		words := strings.Fields(c.name)
		for _, args := range [][]string{append(words, "--help"), append(words, "-h"), append([]string{"help"}, words...)} {
			s := help(t, args...)
			if s.code != exitDone || !strings.HasPrefix(s.out, c.about) || !strings.Contains(s.out, "\nExample:\n  $ ") || !strings.Contains(s.out, "oauthctl "+c.name) {
				t.Errorf("oauthctl %s: got exit code %d and\n%s\nwant a sentence, the usage and an example", args, s.code, s.out)
			}
		}
	}
	if s := help(t, "client"); s.code != exitDone || !strings.Contains(s.out, "client secret expire") || strings.Contains(s.out, "apikey") {
		t.Errorf("oauthctl client: got exit code %d and\n%s\nwant the commands of clients", s.code, s.out)
	}
}

// Each example is a command line that its command can read.
func TestExamplesAreReadable(t *testing.T) {
	for _, c := range commands() {
		for _, line := range strings.Split(c.example, "\n") {
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "$ "), "#")
			line, _, _ = strings.Cut(line, ">")
			line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "source <("), ")")
			found, rest, err := find(commands(), strings.Fields(strings.ReplaceAll(line, `"`, ""))[1:])
			if err != nil || found.name != c.name {
				t.Errorf("the example %q of %s: got error %v", line, c.name, err)
				continue
			}
			// A quoted list is split here, so only flags and the count from below are looked at.
			args, err := parse(found.flagSet(new(call)), rest)
			if err != nil || len(args) < len(found.args) {
				t.Errorf("the example %q of %s: got the arguments %q and error %v", line, c.name, args, err)
			}
		}
	}
}

func TestUnknownCommands(t *testing.T) {
	for _, test := range []struct {
		args     []string
		sentence string
	}{
		{[]string{"clients"}, `there is no command "clients". 'oauthctl --help'`},
		{[]string{"client", "remove"}, `there is no command "client remove". 'oauthctl client --help'`},
		{[]string{"client", "show"}, "CLIENT_ID is missing: oauthctl client show CLIENT_ID"},
		{[]string{"client", "show", "--", "--json", "x"}, `"x" is one argument too many`},
		{[]string{"client", "list", "--yes"}, "-yes"},
		{[]string{"completion", "tcsh"}, `none for "tcsh"`},
	} {
		if s := help(t, test.args...); s.code != exitUsage || !strings.Contains(s.notes, test.sentence) || s.out != "" {
			t.Errorf("oauthctl %s: got %+v, want exit code %d and %q", test.args, s, exitUsage, test.sentence)
		}
	}
}
