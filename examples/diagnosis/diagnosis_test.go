// Package diagnosis provokes every fault that its README lists, and compares the
// answer and the line of the log with the README.
package diagnosis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/contit/oauth/examples/internal/blocks"
)

// provocation makes a mistake as clients and hosts make it, and returns the answer to
// the request that shows it.
type provocation struct {
	name string
	make func(t *testing.T) answer
}

// TestTokenEndpoint holds the first table against the endpoint.
func TestTokenEndpoint(t *testing.T) {
	follow(t, blocks.Table(t, "README.md", "the client gets"), slices.Concat(atTokenEndpoint, ofCertificates), func(a answer) string { return a.cause })
}

// TestAPI holds the second table against the middleware.
func TestAPI(t *testing.T) {
	follow(t, blocks.Table(t, "README.md", "the API answers"), atAPI, func(a answer) string { return a.reason })
}

// follow makes every provocation, and looks the answer up in the table as a reader
// does: by what the client got, and then by the log. Each provocation must lead to one
// row, and each row must be led to.
func follow(t *testing.T, rows [][]string, all []provocation, logged func(answer) string) {
	found := make(map[int]string)
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := p.make(t)
				symptom := strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code))
				var matches []int
				for i, row := range rows {
					if strings.ReplaceAll(row[0], "`", "") == symptom && blocks.Pattern(strings.Trim(row[1], "`")).MatchString(logged(a)) {
						matches = append(matches, i)
					}
				}
				if len(matches) != 1 {
					t.Fatalf("the table has %d rows for %q with %q in the log, want 1:\n%s", len(matches), symptom, logged(a), a.line)
				}
				found[matches[0]] = p.name
			})
		})
	}
	for i, row := range rows {
		if found[i] == "" {
			t.Errorf("no test provokes this row: %s, %s", row[0], row[1])
		}
	}
}

// TestGuide executes the blocks of the README.
func TestGuide(t *testing.T) {
	blocks.Guide(t, "diagnosis", map[string]func(*testing.T, string){
		// A line of the log is one that the endpoint writes for a wrong secret.
		"text": func(t *testing.T, shown string) {
			s := newServer(t, nil)
			a := s.post("grant_type", "client_credentials", "client_id", "reports", "client_secret", "cs_wrong")
			if !blocks.Pattern(shown).MatchString(a.line) {
				t.Errorf("the log has\n%s\nthe guide says\n%s", a.line, shown)
			}
		},
	})
}
