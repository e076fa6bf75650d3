//go:build unix

package main_test

import (
	"crypto/rand"
	"database/sql"
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

// A shell can run the lines that the program prints.
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
			t.Errorf("%s stands %d times in the output of the lines, want %d:\n%s", want, got, n, out)
		}
	}
}

// Everything that is missing is said at the start and at once, with the remedy
// and exit code 1.
func TestRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const (
		wantHAProxy  = "apt-get install haproxy"
		wantPostgres = "-dsn or OAUTH_TEST_POSTGRES"
		wantAddr     = "address already in use"
	)
	withoutHAProxy := []string{"PATH=" + t.TempDir()}
	withoutPostgres := []string{"-addr", "127.0.0.1:0", "-dsn", "postgres://postgres@127.0.0.1:1/test"}
	for _, test := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"without PostgreSQL", nil, withoutPostgres, []string{wantPostgres}},
		{"without HAProxy and PostgreSQL", withoutHAProxy, withoutPostgres, []string{wantHAProxy, wantPostgres}},
		{"without anything, on an address that is taken", withoutHAProxy, append(slices.Clone(withoutPostgres), "-addr", taken.Addr().String()),
			[]string{wantHAProxy, wantAddr, wantPostgres}},
		{"with arguments", nil, []string{"start"}, []string{"only flags"}},
		{"a replica without a supervisor", nil, []string{"-replica", "1"}, []string{"started by the supervisor"}},
	} {
		t.Run(test.name, func(t *testing.T) { checkRefused(t, test.env, test.args, test.want...) })
	}
}

// A start that is refused leaves no tables behind.
func TestRefusedStartChangesNothing(t *testing.T) {
	need(t, postgres)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	prefix := "r_" + strings.ToLower(rand.Text()[:12]) + "_"
	args := []string{"-dsn", dsn, "-prefix", prefix, "-addr"}
	checkRefused(t, []string{"PATH=" + t.TempDir()}, append(args, "127.0.0.1:0"), "apt-get install haproxy")
	checkRefused(t, nil, append(args, taken.Addr().String()), "address already in use")
	if tables := tablesOf(t, db, prefix); len(tables) > 0 {
		t.Errorf("got the tables %q, want none", tables)
	}
}

func checkRefused(t *testing.T, env, args []string, want ...string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%q: exit code %d, want 1", args, code)
	}
	for _, w := range want {
		if !strings.Contains(string(out), w) {
			t.Errorf("%q: got %q, want %q in it", args, out, w)
		}
	}
}

// The key and the database's name go through a pipe. No other process can see them
// from outside.
func TestReplicasAreToldNothingInPublic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: needs /proc, which Linux has")
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
