// Package readme runs what the README shows.
package readme

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// documented is the address that the README shows.
const documented = "127.0.0.1:8080"

// TestConsole runs every console block of the README. A command that serves is
// left running for those after it; "go test" is what runs this test.
func TestConsole(t *testing.T) {
	ran, addr := 0, documented
	for _, block := range blocks(t, "console") {
		for _, c := range commands(block) {
			ran++
			switch {
			case strings.HasPrefix(c.line, "go test "):
				checkTestCommand(t, c.line)
			case strings.HasPrefix(c.line, "go run ./examples/replicas"):
				t.Run("replicas", func(t *testing.T) {
					if os.Getenv("OAUTH_TEST_POSTGRES") == "" {
						t.Skip("NOT TESTED: two replicas need PostgreSQL and HAProxy; set OAUTH_TEST_POSTGRES")
					}
					serve(t, c.line)
				})
			case strings.HasPrefix(c.line, "go run "):
				addr = serve(t, c.line)
			default:
				c.line = strings.ReplaceAll(c.line, documented, addr)
				check(t, c)
			}
		}
	}
	if ran < 3 {
		t.Errorf("the README has %d commands, want 3 at least", ran)
	}
}

// TestGo finds every Go block of the README in a file that is compiled.
func TestGo(t *testing.T) {
	var compiled strings.Builder
	for _, file := range []string{"tokenendpoint/example_test.go", "storage/memory/memory_test.go", "storage/sqlstore/example_test.go"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		compiled.Write(b)
	}
	for _, block := range blocks(t, "go") {
		if !strings.Contains(compiled.String(), block) {
			t.Errorf("the README shows code that no example has:\n%s", block)
		}
	}
}

// blocks returns the fenced blocks of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("the README has no block of %s", language)
	}
	return found
}

// command is a line of a console block and the output below it, in which an
// ellipsis stands for anything.
type command struct{ line, output string }

func commands(block string) []command {
	var all []command
	for line := range strings.Lines(block) {
		if after, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, command{line: strings.TrimSpace(after)})
		} else if len(all) > 0 {
			all[len(all)-1].output += line
		}
	}
	return all
}

// checkTestCommand: the command is the one that CI runs, and this test runs
// under it.
func checkTestCommand(t *testing.T, line string) {
	t.Helper()
	out := run(t, "go list -test "+strings.TrimPrefix(line, "go test "))
	if !slices.Contains(strings.Fields(out), "github.com/contit/oauth/examples/readme.test") {
		t.Errorf("%s does not run this test", line)
	}
}

// freeAddr is an address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var endpoint = regexp.MustCompile(`http://([0-9.:]+)/connect/token`)

// serve starts a program on a free port, since other tests run beside this one,
// and returns the address that it says it listens on.
func serve(t *testing.T, line string) (addr string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	run(t, "go build -o "+binary+" "+strings.TrimPrefix(line, "go run "))
	c := exec.Command(binary, "-addr", freeAddr(t))
	c.Dir = root
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := endpoint.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // it must not block on a full pipe
				for lines.Scan() {
				}
			}()
			return m[1]
		}
	}
	t.Fatalf("%s ended without saying where it listens", line)
	return ""
}

// check runs a command and compares what it prints.
func check(t *testing.T, c command) {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(c.output), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	want := regexp.MustCompile("(?s)^" + strings.Join(parts, ".+") + "$")
	if got := strings.TrimSpace(run(t, strings.Replace(c.line, "curl ", "curl -sS ", 1))); !want.MatchString(got) {
		t.Errorf("$ %s\n%s\nthe README says\n%s", c.line, got, c.output)
	}
}

func run(t *testing.T, line string) string {
	t.Helper()
	c := exec.Command("sh", "-c", line)
	c.Dir = root
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, stderr.String())
	}
	return string(out)
}
