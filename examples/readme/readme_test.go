// Package readme runs the commands and the program of the README, and holds the
// documents against the code.
package readme

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/examples/internal/blocks"
)

const root = "../.."

// documented is the address that the README shows.
const documented = "127.0.0.1:8080"

// TestConsole runs every console block of the README, and of the README of four
// examples. A command that serves is left running for those after it; "go test" runs
// this very test.
func TestConsole(t *testing.T) {
	ran, addr := 0, documented
	var all []string
	for _, document := range []string{"README.md", "examples/replicas/README.md", "examples/observability/README.md", "examples/mcp/README.md"} {
		all = append(all, blocks.Of(t, filepath.Join(root, document), "console")...)
	}
	for _, block := range all {
		for _, c := range blocks.Commands(block) {
			ran++
			switch {
			case strings.HasPrefix(c.Line, "go test "):
				// The command is the one that CI runs, and this test runs under it.
				if !blocks.Tests(t, root, c.Line, "github.com/contit/oauth/examples/readme") {
					t.Errorf("%s does not run this test", c.Line)
				}
			case strings.HasPrefix(c.Line, "go run ./examples/replicas"):
				t.Run("replicas", func(t *testing.T) {
					needReplicas(t)
					serve(t, c.Line)
				})
			case strings.HasPrefix(c.Line, "go run "):
				addr = serve(t, c.Line)
			default:
				c.Line, c.Output = strings.ReplaceAll(c.Line, documented, addr), strings.ReplaceAll(c.Output, documented, addr)
				check(t, c)
			}
		}
	}
	t.Run("fromdatabase", func(t *testing.T) {
		needPostgres(t)
		t.Setenv("DATABASE_URL", os.Getenv(postgres))
		for _, c := range blocks.Commands(blocks.Of(t, root+"/examples/fromdatabase/README.md", "console")[0]) {
			ran++
			if strings.HasPrefix(c.Line, "go run ") {
				addr = serve(t, c.Line)
				continue
			}
			c.Line = strings.ReplaceAll(c.Line, "127.0.0.1:8086", addr)
			check(t, c)
		}
	})
	if ran < 4 {
		t.Errorf("the documents have %d commands, want 4 at least", ran)
	}
}

// postgres is the variable that names the database of the tests.
const postgres = "OAUTH_TEST_POSTGRES"

const needsPostgres = "needs PostgreSQL: set " + postgres + " to the data source name of one for tests (storage/integration/servers starts one)"

func needPostgres(t *testing.T) {
	t.Helper()
	if os.Getenv(postgres) == "" {
		t.Skip("NOT TESTED: " + needsPostgres)
	}
}

// needReplicas skips a test where two replicas cannot start, and names all that
// they lack.
func needReplicas(t *testing.T) {
	t.Helper()
	var missing []string
	if os.Getenv(postgres) == "" {
		missing = append(missing, needsPostgres)
	}
	if _, err := exec.LookPath("haproxy"); err != nil {
		missing = append(missing, "needs HAProxy: install the package haproxy, and have it in PATH")
	}
	if len(missing) > 0 {
		t.Skip("NOT TESTED: " + strings.Join(missing, "; "))
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
	program, flags, _ := strings.Cut(strings.TrimPrefix(line, "go run "), " ")
	blocks.Run(t, root, "go build -o "+binary+" "+program)
	said := start(t, exec.Command(binary, append(strings.Fields(flags), "-addr", freeAddr(t))...), func(err error) {
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	})
	return endpoint.FindStringSubmatch(said)[1]
}

// start starts a program, and returns the line in which it says where its token
// endpoint is. At the end of the test start interrupts the program, and calls ended
// with its result.
func start(t *testing.T, c *exec.Cmd, ended func(error)) (line string) {
	t.Helper()
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
		ended(c.Wait())
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if line := lines.Text(); endpoint.MatchString(line) {
			go func() { // it must not block on a full pipe
				for lines.Scan() {
				}
			}()
			return line
		}
	}
	t.Fatalf("%s ended without saying where it listens", c)
	return ""
}

// reachable reports whether something listens.
func reachable(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// check runs a command and compares its output.
func check(t *testing.T, c blocks.Command) {
	t.Helper()
	got := blocks.Run(t, root, strings.Replace(c.Line, "curl ", "curl -sS ", 1))
	got = strings.TrimSpace(strings.ReplaceAll(got, "\r\n", "\n")) // the lines of a header, of curl -i
	if !blocks.Pattern(c.Output).MatchString(got) {
		t.Errorf("$ %s\n%s\nthe README says\n%s", c.Line, got, c.Output)
	}
}
