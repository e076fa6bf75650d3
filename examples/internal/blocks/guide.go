package blocks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostWords is how long a guide may be: two pages, tables included.
const mostWords = 1500

// Guide holds the README of a guide against the guide. It is called in the tests of
// the folder examples/<name>, and executes every block:
//
//   - each block of go stands in a file of the folder, which the compiler has read;
//   - each command of a console block is run in the root of the repository, and prints
//     what stands below it. "go test" of the folder runs the calling test already;
//   - a block of any other language is given to the function for that language.
//
// A block that no rule covers fails the test, and so does an indented one.
func Guide(t *testing.T, name string, other map[string]func(t *testing.T, text string)) {
	t.Helper()
	const document, root = "README.md", "../.."
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(text))); n > mostWords {
		t.Errorf("the guide has %d words, want %d at most", n, mostWords)
	}
	rest := fenced.ReplaceAllString(string(text), "")
	if strings.Contains(rest, "```") || regexp.MustCompile(`(?m)^(    |\t)\S`).MatchString(rest) {
		t.Errorf("the guide has a block that is indented or has no end, which no test executes")
	}
	all := Read(t, document)
	if len(all) == 0 {
		t.Error("the guide has no block")
	}
	code := Flat(strings.Join(Sources(t, "*.go"), "\n"))
	for _, b := range all {
		switch run := other[b.Language]; {
		case run != nil:
			run(t, b.Text)
		case b.Language == "go":
			if !strings.Contains(code, Flat(b.Text)) {
				t.Errorf("no file of the folder has this code of the guide:\n%s", b.Text)
			}
		case b.Language == "console":
			console(t, root, name, b.Text)
		default:
			t.Errorf("no test executes this block of %q:\n%s", b.Language, b.Text)
		}
	}
}

// console runs the commands of a block in one shell each.
func console(t *testing.T, root, name, block string) {
	t.Helper()
	for _, c := range Commands(block) {
		if strings.HasPrefix(c.Line, "go test ") {
			if pkg := "github.com/contit/oauth/examples/" + name; !Tests(t, root, c.Line, pkg) {
				t.Errorf("%s does not run the tests of %s", c.Line, pkg)
			}
			continue
		}
		if got := strings.TrimSpace(Run(t, root, c.Line)); !Pattern(c.Output).MatchString(got) {
			t.Errorf("$ %s\n%s\nthe guide says\n%s", c.Line, got, c.Output)
		}
	}
}

// Table returns the rows of the first Markdown table whose head begins with a cell,
// each row as its cells, without the head. It fails if there is none.
func Table(t testing.TB, document, head string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(document))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n| "+head+" |")
	if !found {
		t.Fatalf("%s has no table whose first column is %q", document, head)
	}
	lines := strings.Split(after, "\n")
	for _, line := range lines[min(2, len(lines)):] { // the rest of the head, and the rule below it
		if !strings.HasPrefix(line, "| ") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}
