package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The README says how many lines a host writes for OAuth, in all and for each file.
func TestLines(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]int)
	for _, row := range regexp.MustCompile(`\| \[(oauth[a-z_.]+)\]\([a-z_.]+\) \| (\d+) \|`).FindAllStringSubmatch(string(readme), -1) {
		said[row[1]], _ = strconv.Atoi(row[2]) // they are digits
	}
	files, err := filepath.Glob("oauth*")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, file := range files {
		n := linesOf(t, file)
		total += n
		if said[file] != n {
			t.Errorf("%s has %d lines, the README says %d", file, n, said[file])
		}
	}
	if len(said) != len(files) {
		t.Errorf("the README has %d files, want %d", len(said), len(files))
	}
	if !strings.Contains(string(readme), "They have "+strconv.Itoa(total)+" lines without blank lines and comments") {
		t.Errorf("the files have %d lines, and the README does not say so", total)
	}
}

// linesOf counts the lines of a file, without blank lines and comments.
func linesOf(t *testing.T, file string) (n int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// A file to copy from is short.
func TestFilesAreShort(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n >= 200 {
			t.Errorf("%s has %d lines, want fewer than 200", file, n)
		}
	}
}
