package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinks follows every link of the documents inside the repository, finds every
// file that CONTRIBUTING names, and every section that the README names.
func TestLinks(t *testing.T) {
	documents := []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "tokenendpoint/SPEED.md"}
	examples, err := filepath.Glob(filepath.Join(root, "examples/*/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		documents = append(documents, strings.TrimPrefix(filepath.ToSlash(path), root+"/"))
	}
	for _, document := range documents {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(read(t, document), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(document), link[1])); err != nil {
				t.Errorf("%s has a link to %s: %v", document, link[1], err)
			}
		}
	}

	names := make(map[string]bool)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		names[d.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range regexp.MustCompile("`(?:[a-z]+/)*(\\w+\\.go)`").FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1) {
		if !names[file[1]] {
			t.Errorf("CONTRIBUTING.md names %s, which is not there", file[0])
		}
	}

	sections := regexp.MustCompile(`\]\(([a-z/]+doc\.go)\), "([^"]+)"`).FindAllStringSubmatch(read(t, "README.md"), -1)
	for _, section := range sections {
		if !strings.Contains(read(t, section[1]), "\n// # "+section[2]+"\n") {
			t.Errorf("the README leads to %q in %s, which is not there", section[2], section[1])
		}
	}
	if len(sections) < 8 {
		t.Errorf("the README leads to %d sections, want 8 at least", len(sections))
	}
}

// TestLength: the README is a front door.
func TestLength(t *testing.T) {
	const most = 1300
	if n := len(strings.Fields(read(t, "README.md"))); n > most {
		t.Errorf("the README has %d words, want %d at most", n, most)
	}
}

func read(t *testing.T, document string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
