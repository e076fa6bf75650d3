package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestREADME executes every command of README.md, in one shell and in their order, and
// compares what each prints. An ellipsis stands for anything, and a run of blanks for
// another. The output on stderr comes first, since a command writes it first.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines, outputs []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				lines, outputs = append(lines, strings.TrimSpace(command)), append(outputs, "")
			} else if n := len(outputs); n > 0 {
				outputs[n-1] += line
			}
		}
	}
	if len(lines) < 12 {
		t.Fatalf("README.md has %d commands, want 12 at least", len(lines))
	}
	const mark = "-- end of a command --"
	var script strings.Builder
	for _, line := range lines {
		script.WriteString("{ " + line + "\n} 2>&1 >said || echo \"exit code $?\"; while IFS= read -r line; do printf '%s\\n' \"$line\"; done <said; echo '" + mark + "'\n")
	}
	c := exec.CommandContext(t.Context(), "sh")
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	c.Stdin = strings.NewReader(script.String())
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("the shell: %v\n%s", err, said)
	}
	for i, got := range bytes.Split(said, []byte(mark+"\n")) {
		if i < len(lines) && !shown(outputs[i]).MatchString(strings.TrimSpace(string(got))) {
			t.Errorf("$ %s\n%s\nREADME.md says\n%s", lines[i], got, outputs[i])
		}
	}
}

// shown matches the text of README.md.
func shown(text string) *regexp.Regexp {
	parts := strings.Split(strings.TrimSpace(text), "…")
	for i, p := range parts {
		parts[i] = regexp.MustCompile(` +`).ReplaceAllString(regexp.QuoteMeta(p), ` +`)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".+?") + "$")
}

// The table of README.md is the one of the help.
func TestREADMEListsTheExitCodes(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(exitCodes) {
		code, means, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			continue
		}
		if row := "| " + code + " | " + means + " |"; !strings.Contains(strings.ReplaceAll(string(text), "`", ""), row) {
			t.Errorf("README.md has no row %q", row)
		}
	}
}
