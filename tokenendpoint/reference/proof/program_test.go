package proof

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startExample builds a program of examples and starts it. It returns what the program
// prints. The program ends with the test, as by Ctrl-C. Where there is no browser, the
// test is skipped before anything is built.
func startExample(t *testing.T, name string, args ...string) *bufio.Scanner {
	t.Helper()
	browserProgram(t)
	program := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", program, "./examples/"+name)
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	c := exec.Command(program, args...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, out) // Wait closes the pipe
		if err := c.Wait(); err != nil {
			t.Errorf("examples/%s ended with %v", name, err)
		}
	})
	return bufio.NewScanner(out)
}
