package tokenendpoint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A test is for the rows that its name begins with: G18_fifty_redemptions as a
// text in the code, TestP20BrokenReplica as a function, "== B07 A rule" as a
// vector, J17_R31_a_stranger for a row and a ruling.
var (
	nameInTheCode = regexp.MustCompile(`"((?:(?:[A-Z]\d\d|R\d)[_:])+)`)
	nameOfATest   = regexp.MustCompile(`(?m)^func Test((?:[A-Z]\d\d)+)`)
	nameOfAVector = regexp.MustCompile(`(?m)^== ((?:[A-Z]\d\d )+)`)
	rowInAName    = regexp.MustCompile(`[A-Z]\d\d?`)

	rowOfSPEC   = regexp.MustCompile(`^\| ([A-Z]\d+) \|`)
	ruledByRows = regexp.MustCompile(`\bR\d+\b`)
)

// whenAdded marks a row, or all rows under a heading, of a feature that is not
// there yet.
const whenAdded = "(when added)"

// specification is the content of SPEC.md: its rows and rulings.
type specification struct {
	rows    map[string]bool // true if its feature is there
	sources []string        // that the rows name as their source
}

func readSpecification(text string) (*specification, error) {
	s := &specification{rows: map[string]bool{}}
	section := ""
	for n, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "## ") {
			section = line
		}
		m := rowOfSPEC.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		row := m[1]
		if _, twice := s.rows[row]; twice {
			return nil, fmt.Errorf("line %d: the row %s stands there twice", n+1, row)
		}
		s.rows[row] = !strings.Contains(section, whenAdded) && !strings.Contains(line, whenAdded)
		if row[0] != 'R' && s.rows[row] {
			s.sources = append(s.sources, ruledByRows.FindAllString(line, -1)...)
		}
	}
	if len(s.rows) == 0 {
		return nil, errors.New("there are no rows")
	}
	return s, nil
}

// namedRows are the rows that a file has tests for.
func namedRows(path, text string) []string {
	names := nameOfAVector
	if filepath.Ext(path) == ".go" {
		names = nameInTheCode
		for _, m := range nameOfATest.FindAllStringSubmatch(text, -1) {
			text += ` "` + rowInAName.ReplaceAllString(m[1], "${0}_")
		}
	}
	var rows []string
	for _, m := range names.FindAllStringSubmatch(text, -1) {
		for _, row := range rowInAName.FindAllString(m[1], -1) {
			if number, ok := strings.CutPrefix(row, "R0"); ok {
				row = "R" + number
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// hasTests tells whether a file may have tests that are named for their rows.
func hasTests(path string) bool {
	switch filepath.Ext(path) {
	case ".go":
		suite := filepath.Base(filepath.Dir(path))
		return strings.HasSuffix(path, "_test.go") || suite == "endpointtest" || suite == "storagetest"
	case ".txt":
		return filepath.Base(filepath.Dir(path)) == "vectors"
	}
	return false
}

// testedRows maps each row that a test of the repository names to the files of
// these tests.
func testedRows(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !hasTests(path) || d.Name() == "spec_rows_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, row := range namedRows(path, string(text)) {
			if !slices.Contains(rows[row], path) {
				rows[row] = append(rows[row], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// disagreements says where the specification and the tests do not fit.
func (s *specification) disagreements(tested map[string][]string) (found []string) {
	for _, row := range slices.Sorted(maps.Keys(s.rows)) {
		switch {
		case !s.rows[row] && tested[row] != nil:
			found = append(found, fmt.Sprintf("%s has the mark %s, and a test in %s: take the mark away", row, whenAdded, tested[row]))
		case s.rows[row] && tested[row] == nil && row[0] != 'R':
			found = append(found, fmt.Sprintf("%s has no test: name one for it, or give the row the mark %s", row, whenAdded))
		case s.rows[row] && tested[row] == nil && !slices.Contains(s.sources, row):
			found = append(found, fmt.Sprintf("%s has no test, and no row names it as its source", row))
		}
	}
	for _, row := range slices.Sorted(maps.Keys(tested)) {
		if _, ok := s.rows[row]; !ok {
			found = append(found, fmt.Sprintf("%s does not stand in SPEC.md, and %s has a test for it", row, tested[row]))
		}
	}
	for _, row := range s.sources {
		if _, ok := s.rows[row]; !ok {
			found = append(found, fmt.Sprintf("%s is the source of a row, and does not stand in SPEC.md", row))
		}
	}
	return found
}

// TestEveryRowHasATest holds SPEC.md and the names of the tests against each
// other, both ways.
func TestEveryRowHasATest(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := readSpecification(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.disagreements(testedRows(t)) {
		t.Error(d)
	}
}

// TestEveryRowHasATestNotices shows that the test above notices a row without a
// test.
func TestEveryRowHasATestNotices(t *testing.T) {
	const spec = "## A. One\n| R1 | a | b |\n| R2 | a | b |\n| A01 | a | R1 |\n| A02 | a (when added) | x |\n## B. Two (when added)\n| B01 | a | R9 |\n"
	right := map[string][]string{"A01": {"f"}, "R2": {"f"}}
	for name, tt := range map[string]struct {
		add, without, want string
	}{
		"all is well":                {"", "", ""},
		"a row without a test":       {"", "A01", "A01 has no test"},
		"a ruling without a test":    {"", "R2", "R2 has no test"},
		"a marked row with a test":   {"A02", "", "A02 has the mark"},
		"a marked section":           {"B01", "", "B01 has the mark"},
		"a test without a row":       {"A03", "", "A03 does not stand in SPEC.md"},
		"a test without such ruling": {"R3", "", "R3 does not stand in SPEC.md"},
	} {
		s, err := readSpecification(spec)
		if err != nil {
			t.Fatal(err)
		}
		tested := maps.Clone(right)
		delete(tested, tt.without)
		if tt.add != "" {
			tested[tt.add] = []string{"f"}
		}
		got := strings.Join(s.disagreements(tested), "\n")
		if got != "" && tt.want == "" || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if _, err := readSpecification(spec + "| A01 | again |"); err == nil {
		t.Error("a row stands there twice: got no error")
	}
}

// TestNamedRows pins how a test is named for its rows.
func TestNamedRows(t *testing.T) {
	for _, tt := range []struct{ path, text, want string }{
		{"a_test.go", "\t{\"J17_R31_a_stranger\", j17},", "J17 R31"},
		{"a_test.go", `t.Run("A31: the body", f)`, "A31"},
		{"a_test.go", "func TestD34(t *testing.T) {\nfunc TestA31A32Why(t *testing.T) {", "D34 A31 A32"},
		{"a_test.go", `{"R04_one_digit", "R7_also"}, "P256", "S256", "ES256_", "D3_", "the D34_"`, "R4 R7"},
		{"a_test.go", "// G18 is told of here\nfunc TestOrder(t *testing.T) {", ""},
		{"vectors/a.txt", "== B07 A rule.\n== C01 A01 Two rows.\n# B08\n", "B07 C01 A01"},
	} {
		if got := strings.Join(namedRows(tt.path, tt.text), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}
