package readme

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/examples/internal/blocks"
)

// mostLines is how long the first program may be.
const mostLines = 45

// module is a module of a reader's own. It has this repository instead of a
// published version, and the dependencies that the repository has.
const module = `module example

go 1.26

require github.com/contit/oauth v0.0.0

replace github.com/contit/oauth => `

// TestProgram follows the README with its first program: it pastes the program into
// main.go, runs it, runs the command that it prints, and compares both outputs with
// the README.
func TestProgram(t *testing.T) {
	programs := blocks.Of(t, root+"/README.md", "go")
	if len(programs) != 1 {
		t.Fatalf("the README has %d Go blocks, want the first program and nothing else", len(programs))
	}
	program := programs[0]
	if n := strings.Count(program, "\n"); n > mostLines {
		t.Errorf("the first program has %d lines, want %d at most", n, mostLines)
	}
	shown, answer, _ := strings.Cut(blocks.Of(t, root+"/README.md", "text")[0], "\n")

	// The port is held until the program is built: other tests run beside this one.
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := held.Addr().String()
	binary := build(t, strings.ReplaceAll(program, documented, addr))
	held.Close()
	printed := start(t, exec.Command(binary), func(error) {}) // it ends as any program does on Ctrl-C
	if want := blocks.Pattern(strings.ReplaceAll(shown, documented, addr)); !want.MatchString(printed) {
		t.Errorf("the program prints\n%s\nthe README says\n%s", printed, shown)
	}
	await(t, addr)
	check(t, blocks.Command{Line: printed, Output: answer})
}

// build builds the program in a module of its own, outside of the workspace. The
// sums and the versions are those of the repository, so that it needs no network
// where the repository was built.
func build(t *testing.T, program string) (binary string) {
	t.Helper()
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	required, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": program,
		"go.mod":  module + repository + "\n\n" + strings.Join(regexp.MustCompile(`(?ms)^require \(.*?^\)`).FindAllString(string(required), -1), "\n") + "\n",
		"go.sum":  string(sums),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(dir, "program")
	c := exec.Command("go", "build", "-mod=mod", "-o", binary, ".")
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("the first program does not build: %v\n%s", err, out)
	}
	return binary
}

// await waits until the program listens: it prints before that.
func await(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if reachable(addr) {
			return
		}
	}
	t.Fatalf("nothing listens on %s", addr)
}
