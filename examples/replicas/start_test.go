//go:build unix

package main_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSmokeClient(t *testing.T) {
	p := start(t)
	out, err := exec.Command(binary, "-smoke", p.url).CombinedOutput()
	if err != nil || strings.Count(string(out), "ok ") != 2 {
		t.Errorf("the smoke client ended with %v, want two steps that are ok:\n%s", err, out)
	}
	out, err = exec.Command(binary, "-smoke", p.replicas["replica1"].url).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the same replica") {
		t.Errorf("of one replica the smoke client said %v, want a complaint:\n%s", err, out)
	}
}

// What the program prints is what a shell can run.
func TestPrintedLinesWork(t *testing.T) {
	p := start(t)
	var script []string
	for line := range strings.Lines(p.output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "curl ") || strings.HasPrefix(line, "code=") || strings.HasPrefix(line, "for ") {
			script = append(script, line)
		}
	}
	if len(script) != 4 {
		t.Fatalf("lines to run: %q, want 4", script)
	}
	out, err := exec.Command("sh", "-c", strings.Join(script, "\n")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{"HTTP/1.1 200": 2, "HTTP/1.1 400": 1, `"kid"`: 1, `"access_token"`: 2, `"invalid_grant"`: 1} {
		if got := strings.Count(string(out), want); got != n {
			t.Errorf("%s stands %d times in what the lines print, want %d:\n%s", want, got, n, out)
		}
	}
}

// What cannot work is said at the start, with the remedy, and exit code 1.
func TestRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{name: "without HAProxy", env: []string{"PATH=" + t.TempDir()}, want: "apt-get install haproxy"},
		{name: "without PostgreSQL", args: []string{"-dsn", "postgres://postgres@127.0.0.1:1/test"}, want: "-dsn or OAUTH_TEST_POSTGRES"},
		{name: "with an address that is taken", args: []string{"-addr", taken.Addr().String()}, want: "address already in use"},
		{name: "with arguments", args: []string{"start"}, want: "only flags"},
		{name: "a replica without a supervisor", args: []string{"-replica", "1"}, want: "started by the supervisor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "with an address that is taken" {
				start(t) // skips without servers
				test.args = append(test.args, "-prefix", newPrefix(t))
			}
			cmd := exec.Command(binary, test.args...)
			cmd.Env = append(os.Environ(), test.env...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), test.want) {
				t.Errorf("exit code %d and %q, want 1 and a word of %q", code, out, test.want)
			}
		})
	}
}

// The key and the database's name go through a pipe. Nothing of them is to be
// seen from outside.
func TestReplicasAreToldNothingInPublic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc")
	}
	p := start(t, "-dsn", dsn)
	given := strings.Split(proc(t, p.cmd.Process.Pid, "environ"), "\x00")
	for name, r := range p.replicas {
		got := strings.Split(strings.Trim(proc(t, r.pid, "cmdline"), "\x00"), "\x00")
		want := []string{binary, "-replica", name, "-listen", strings.TrimPrefix(r.url, "http://")}
		if !slices.Equal(got, want) {
			t.Errorf("command line %q, want %q", got, want)
		}
		for _, variable := range strings.Split(proc(t, r.pid, "environ"), "\x00") {
			if !slices.Contains(given, variable) {
				t.Errorf("%s has %q in its environment, want nothing that the supervisor had not", name, variable)
			}
		}
	}
	if got := proc(t, p.haproxy, "environ"); strings.Contains(got, "OAUTH_TEST_POSTGRES") {
		t.Errorf("haproxy has the database's name in its environment:\n%q", got)
	}
}

func proc(t testing.TB, pid int, file string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
