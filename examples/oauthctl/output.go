package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table is a result for people.
type table struct {
	head []string
	rows [][]string
	none string // a sentence for a table without rows
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// show prints a result: the value as JSON, or the table.
func (c *call) show(value any, t table) error {
	if c.json {
		return c.showJSON(value)
	}
	if len(t.rows) == 0 {
		c.note("%s", t.none)
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if t.head != nil {
		fmt.Fprintln(w, strings.Join(t.head, "\t"))
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return w.Flush()
}

func (c *call) showJSON(value any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// note tells people something.
func (c *call) note(format string, args ...any) {
	fmt.Fprintf(c.notes, format+"\n", args...)
}

// showSecret prints a secret that is shown once. It stands alone on stdout, so that a
// script can catch it. The record is in the store by now, so a failure says so.
func (c *call) showSecret(value any, secret, kind, note string) error {
	var err error
	if c.json {
		err = c.showJSON(value)
	} else {
		_, err = fmt.Fprintln(c.out, secret)
	}
	if err != nil {
		return fmt.Errorf("the %s is in the store and could not be printed, so nobody knows it. Revoke it, and make another one: %w", kind, err)
	}
	c.note("%s", note)
	c.note("The %s is on stdout, and is not shown again.", kind)
	return nil
}

// printable shows text that users chose. Control characters could move the cursor, and
// hide one row behind another.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.QuoteToGraphic(text)
	return quoted[1 : len(quoted)-1]
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.:@/+-]+$`)

// pasted is a word of a command line that people paste into a shell. The shell must not
// execute what a user or another system has put into it.
func pasted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(printable(word), "'", `'\''`) + "'"
}

// day shows a time in a table.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// yesNo shows a flag in a table.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// list shows words in a table.
func list(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, " ")
}
