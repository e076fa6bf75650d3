package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type fullDisk struct{}

// Write implements [io.Writer].
func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// The record of a secret that nobody saw must not stay unnoticed.
func TestASecretThatCannotBePrinted(t *testing.T) {
	b := onSQLite(t)
	var notes bytes.Buffer
	env := map[string]string{databaseVariable: b.url}
	code := run(t.Context(), []string{"client", "create", "billing"}, surroundings{
		out: fullDisk{}, notes: &notes, getenv: func(name string) string { return env[name] }, now: time.Now(),
	})
	if code != exitFailed || !strings.Contains(notes.String(), "is in the store and could not be printed") {
		t.Errorf("got exit code %d and %q, want %d and a sentence", code, notes.String(), exitFailed)
	}
	b.must("client", "show", "billing")
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notes bytes.Buffer
		c := &call{surroundings: surroundings{notes: &notes}}
		p := c.progress("records deleted")
		for range 5 {
			time.Sleep(400 * time.Millisecond)
			p.add(1000)
		}
		if got := notes.String(); got != "3000 records deleted so far\n" {
			t.Errorf("in two seconds: got %q, want one line", got)
		}
	})
}

// A shell takes a pasted word as it is.
func TestPasted(t *testing.T) {
	for _, word := range []string{"user:42", "a b", "$(id)", "it's", "`id`", "a;b", `a\b`, "*"} {
		out, err := exec.Command("sh", "-c", "printf %s "+pasted(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("pasted(%q): a shell reads %q with error %v", word, out, err)
		}
	}
	if got := pasted("a\nb"); strings.Contains(got, "\n") {
		t.Errorf("pasted of two lines: got %q, want one", got)
	}
}

// Ctrl-C ends a command with a sentence, and not with the words of a driver.
func TestInterrupted(t *testing.T) {
	b := onSQLite(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, notes bytes.Buffer
	env := map[string]string{databaseVariable: b.url}
	code := run(ctx, []string{"client", "list"}, surroundings{
		out: &out, notes: &notes, getenv: func(name string) string { return env[name] }, now: time.Now(),
	})
	if code != exitFailed || notes.String() != "oauthctl: interrupted; the command keeps the changes that it has made\n" {
		t.Errorf("got exit code %d and %q, want %d and a sentence", code, notes.String(), exitFailed)
	}
}
