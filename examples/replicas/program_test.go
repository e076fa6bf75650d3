//go:build unix

package main_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// The tests drive the real program, with a real PostgreSQL and a real HAProxy.
var (
	binary string
	dsn    = os.Getenv("OAUTH_TEST_POSTGRES")
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "replicas")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "replicas")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// program is a running supervisor with the processes that it started.
type program struct {
	cmd      *exec.Cmd
	url      string // without a slash at its end
	secret   string // of the client that has one
	output   string
	haproxy  int
	replicas map[string]instance
	log      *log
	ended    *os.ProcessState
}

type instance struct {
	url string
	pid int
}

var instanceLine = regexp.MustCompile(`(?m)^  (replica\d+)  (http://\S+)  pid (\d+)$`)

// tool is something from outside that a test needs.
type tool struct {
	found bool
	how   string // to get it
}

var (
	postgres = tool{dsn != "", "needs PostgreSQL: set OAUTH_TEST_POSTGRES to the data source name of one for tests (storage/integration/servers starts one)"}
	haproxy  = tool{inPath("haproxy"), "needs HAProxy: install the package haproxy, and have it in PATH"}
)

func inPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// need skips a test where tools are missing, and names all of them.
func need(t testing.TB, tools ...tool) {
	t.Helper()
	var missing []string
	for _, tool := range tools {
		if !tool.found {
			missing = append(missing, tool.how)
		}
	}
	if len(missing) > 0 {
		t.Skip("NOT TESTED: " + strings.Join(missing, "; "))
	}
}

// start starts the program on tables of the test's own, and waits until it
// serves.
func start(t testing.TB, args ...string) *program {
	t.Helper()
	need(t, postgres, haproxy)
	p := &program{
		cmd:      exec.Command(binary, append([]string{"-addr", "127.0.0.1:0", "-prefix", newPrefix(t)}, args...)...),
		replicas: map[string]instance{},
		log:      new(log),
	}
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 10 * time.Second // for a child that should have ended with it, and holds its stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ended == nil {
			p.ctrlC(t)
		}
		p.wait(t)
		if t.Failed() {
			t.Logf("the program's log:\n%s", p.log.tail())
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(p.output, "Ctrl-C") {
		p.output += lines.Text() + "\n"
		if url, ok := strings.CutSuffix(strings.TrimSpace(lines.Text()), "/connect/token"); ok && p.url == "" {
			p.url = url
		}
	}
	for _, m := range instanceLine.FindAllStringSubmatch(p.output, -1) {
		p.replicas[m[1]] = instance{url: m[2], pid: number(t, m[3])}
	}
	haproxy := regexp.MustCompile(`haproxy, pid (\d+)`).FindStringSubmatch(p.output)
	secret := regexp.MustCompile(`client_secret=(cs_[\w-]+)`).FindStringSubmatch(p.output)
	if p.url == "" || haproxy == nil || secret == nil || len(p.replicas) != 2 {
		t.Fatalf("the program printed %q, want a URL, the pid of haproxy, a secret, two replicas", p.output)
	}
	p.haproxy, p.secret = number(t, haproxy[1]), secret[1]
	return p
}

// wait waits for the program to end, and returns its exit code.
func (p *program) wait(t testing.TB) int {
	t.Helper()
	if p.ended != nil {
		return p.ended.ExitCode()
	}
	late := time.AfterFunc(2*time.Minute, func() {
		t.Error("the program does not end, and is killed")
		p.cmd.Process.Kill()
	})
	defer late.Stop()
	p.cmd.Wait() // its error is in the exit code
	p.ended = p.cmd.ProcessState
	for _, pid := range p.pids() {
		if alive(pid) {
			t.Errorf("process %d is alive after the program has ended, want none", pid)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return p.ended.ExitCode()
}

// ctrlC sends SIGINT to the process group, as a terminal does.
func (p *program) ctrlC(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Error(err)
	}
}

// pids are the processes that the program has said it started.
func (p *program) pids() []int {
	pids := []int{p.haproxy}
	for _, r := range p.replicas {
		pids = append(pids, r.pid)
	}
	for _, m := range regexp.MustCompile(`a replica has started.* pid=(\d+)`).FindAllStringSubmatch(p.log.String(), -1) {
		pid, _ := strconv.Atoi(m[1])
		pids = append(pids, pid)
	}
	return pids
}

func alive(pid int) bool { return pid > 0 && syscall.Kill(pid, 0) == nil }

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newPrefix draws the prefix of tables that are the test's own, and drops them
// when it ends.
func newPrefix(t testing.TB) string {
	t.Helper()
	prefix := "r_" + strings.ToLower(rand.Text()[:12]) + "_"
	t.Cleanup(func() {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ctx := context.Background() // the test's has ended
		tables := tablesOf(t, db, prefix)
		if len(tables) == 0 {
			t.Fatalf("no table begins with %s, want those of the test", prefix)
		}
		if _, err := db.ExecContext(ctx, "DROP TABLE "+strings.Join(tables, ", ")); err != nil {
			t.Error(err)
		}
	})
	return prefix
}

// tablesOf returns the tables whose names begin with prefix.
func tablesOf(t testing.TB, db *sql.DB, prefix string) []string {
	t.Helper()
	rows, err := db.Query(`SELECT tablename FROM pg_tables WHERE starts_with(tablename, $1)`, prefix)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tables
}

// log collects the standard error of the program and of its children.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) tail() string {
	s := l.String()
	return s[max(0, len(s)-4000):]
}
