// Package blocks reads the fenced blocks of documents, and runs them or finds them
// in the code, so that a test can hold a document against the program.
package blocks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Block is a fenced block of a document.
type Block struct {
	// Language is the word behind the opening fence, such as go or console.
	Language string
	// Text is the text between the fences.
	Text string
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// Read returns the blocks of a document in their order.
func Read(t testing.TB, document string) []Block {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var all []Block
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		all = append(all, Block{Language: m[1], Text: m[2]})
	}
	return all
}

// Of returns the blocks of a language in a document, which must have one.
func Of(t testing.TB, document, language string) []string {
	t.Helper()
	var found []string
	for _, b := range Read(t, document) {
		if b.Language == language {
			found = append(found, b.Text)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %s", document, language)
	}
	return found
}

// Command is a line of a console block and the output below it, in which an
// ellipsis stands for anything.
type Command struct{ Line, Output string }

// Commands returns the commands of a console block.
func Commands(block string) []Command {
	var all []Command
	for line := range strings.Lines(block) {
		if after, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, Command{Line: strings.TrimSpace(after)})
		} else if len(all) > 0 {
			all[len(all)-1].Output += line
		}
	}
	return all
}

// Pattern matches the text that a document shows. An ellipsis stands for anything.
func Pattern(shown string) *regexp.Regexp {
	parts := strings.Split(strings.TrimSpace(shown), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".+") + "$")
}

// Run runs a command in a folder and returns its output. The command must succeed.
func Run(t testing.TB, dir, line string) string {
	t.Helper()
	c := exec.Command("sh", "-c", line)
	c.Dir = dir
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, stderr.String())
	}
	return string(out)
}

// Flat takes away how far lines are indented, so that a block can be found where
// the code has it inside a function.
func Flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// Tests reports whether a "go test" command runs the tests of a package. It does not
// run them: a test asks it about a command that would run this very test.
func Tests(t testing.TB, dir, line, pkg string) bool {
	t.Helper()
	packages, _, _ := strings.Cut(strings.TrimPrefix(line, "go test "), " -") // the flags stand behind them
	out := Run(t, dir, "go list -test "+packages)
	return slices.Contains(strings.Fields(out), pkg+".test")
}

// Sources returns the texts of the files of this folder that match a pattern.
func Sources(t testing.TB, pattern string) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
