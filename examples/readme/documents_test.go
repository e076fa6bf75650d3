package readme

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contit/oauth/examples/internal/blocks"
)

// TestDocuments finds every piece of Go in a doc.go of the published module in a
// test that is compiled, or in an example.
func TestDocuments(t *testing.T) {
	var compiled strings.Builder
	var documents []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case d.Name() == "doc.go":
			documents = append(documents, path)
		case strings.HasSuffix(path, "_test.go"):
			b, err := os.ReadFile(path)
			compiled.WriteString(blocks.Flat(string(b)))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range documents {
		for _, block := range codeOf(t, path) {
			found++
			if !strings.Contains(compiled.String(), blocks.Flat(block)) {
				t.Errorf("%s shows code that no test compiles:\n%s", path, block)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d documents have %d pieces of Go, want 10 at least", len(documents), found)
	}
}

// TestQuotes finds every piece of Go in the README of examples/mcp, a module of its own,
// in the code beside it.
func TestQuotes(t *testing.T) {
	folder := filepath.Join(root, "examples/mcp")
	code := blocks.Flat(strings.Join(blocks.Sources(t, filepath.Join(folder, "*.go")), "\n"))
	for _, block := range blocks.Of(t, filepath.Join(folder, "README.md"), "go") {
		if !strings.Contains(code, blocks.Flat(block)) {
			t.Errorf("it shows code that is not beside it:\n%s", block)
		}
	}
}

// codeOf returns the preformatted blocks of a package comment that are Go.
func codeOf(t *testing.T, path string) (code []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if file.Doc == nil {
		t.Fatalf("%s documents nothing", path)
	}
	var p comment.Parser
	for _, b := range p.Parse(file.Doc.Text()).Content {
		if b, ok := b.(*comment.Code); ok && isGo(b.Text) {
			code = append(code, b.Text)
		}
	}
	return code
}

// isGo tells Go from a drawing or a command. A line without a parenthesis or a
// brace is a list of words.
func isGo(text string) bool {
	if !strings.ContainsAny(text, "({") {
		return false
	}
	for _, source := range []string{"package p\n" + text, "package p\nfunc _() {\n" + text + "\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", source, 0); err == nil {
			return true
		}
	}
	return false
}
