package integration_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// ownServer is a database server that a test started for itself, on a port and
// in a folder of its own, to stop, kill or freeze it.
type ownServer struct {
	server
	t       testing.TB
	program string
	args    []string
	user    *account       // the account it runs under: these servers refuse to run as root
	halt    syscall.Signal // ends it at once, without a clean-up
	dir     string         // its own
	cmd     *exec.Cmd
	log     *bytes.Buffer
}

// ownServers runs a test on a PostgreSQL and a MariaDB of its own.
func ownServers(t *testing.T, f func(t *testing.T, s *ownServer)) {
	t.Helper()
	t.Run("PostgreSQL", func(t *testing.T) { f(t, newPostgres(t)) })
	t.Run("MySQL", func(t *testing.T) { f(t, newMariaDB(t)) })
}

// newPostgres makes a cluster and starts it.
func newPostgres(t testing.TB) *ownServer {
	t.Helper()
	on(t, sqlstore.Postgres)                                                     // or the test is skipped
	s := &ownServer{t: t, halt: syscall.SIGQUIT, user: accountOf(t, "postgres")} // pg_ctl stop -m immediate sends the same
	dir, port := s.folder(), freePorts(t)
	s.must(program(t, "initdb", "/usr/lib/postgresql/*/bin/initdb"), "-D", dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	s.program = program(t, "postgres", "/usr/lib/postgresql/*/bin/postgres")
	// Without fsync a crash of the machine would lose commits. A crash of the
	// process does not: the kernel has its writes.
	s.args = []string{"-D", dir, "-p", strconv.Itoa(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"}
	s.server = server{
		name: "PostgreSQL", dialect: sqlstore.Postgres, driver: "pgx",
		dsn: fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port),
	}
	s.start()
	return s
}

// newMariaDB makes a data directory and starts a server on it.
func newMariaDB(t testing.TB) *ownServer {
	t.Helper()
	on(t, sqlstore.MySQL)
	s := &ownServer{t: t, halt: syscall.SIGKILL, user: accountOf(t, "mysql")}
	dir, port := s.folder(), freePorts(t)
	// The options must come before all others.
	s.must(program(t, "mariadb-install-db"), "--no-defaults", "--datadir="+dir, "--auth-root-authentication-method=normal", "--skip-test-db")
	s.program = program(t, "mariadbd", "/usr/sbin/mariadbd")
	s.args = []string{
		"--no-defaults", "--datadir=" + dir, "--port=" + strconv.Itoa(port), "--bind-address=127.0.0.1", "--socket=" + filepath.Join(dir, "s"),
		"--pid-file=" + filepath.Join(dir, "pid"), "--skip-name-resolve", "--innodb-buffer-pool-size=32M",
	}
	s.server = server{
		name: "MySQL", dialect: sqlstore.MySQL, driver: "mysql",
		dsn: fmt.Sprintf("root@tcp(127.0.0.1:%d)/mysql", port),
	}
	s.start()
	return s
}

// program finds a program in the PATH, or where Debian puts it. Where there is
// none, as beside a server in a container, the test is skipped.
func program(t testing.TB, name string, elsewhere ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, pattern := range elsewhere {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Skipf("NOT TESTED: needs %s: this test starts servers of its own (storage/integration/servers installs them)", name)
	return ""
}

// account is a user of this machine.
type account struct{ uid, gid int }

// accountOf returns the account of a server's own user if the test runs as
// root, or nil.
func accountOf(t testing.TB, name string) *account {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Skipf("NOT TESTED: needs the user %s: the server must not run as root (storage/integration/servers installs it): %v", name, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &account{uid, gid}
}

// folder makes folders of the server's user, and returns the one for its data.
// That of t.TempDir is closed to it.
func (s *ownServer) folder() string {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "oauth-fault-")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.kill(); os.RemoveAll(dir) })
	s.dir = dir
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, path := range []string{dir, data} {
		if s.user == nil {
			break
		}
		if err := os.Chown(path, s.user.uid, s.user.gid); err != nil {
			s.t.Fatal(err)
		}
	}
	return data
}

func (s *ownServer) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	// A MariaDB that starts deletes the temporary tables that it finds in its
	// folder for them, those of any other server too, which may crash.
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir)
	s.log = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	runAs(cmd.SysProcAttr, s.user)
	orphan(cmd.SysProcAttr, syscall.SIGQUIT)
	return cmd
}

func (s *ownServer) must(program string, args ...string) {
	s.t.Helper()
	if err := s.command(program, args...).Run(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, s.log)
	}
}

// start starts the server, for the first time or again, and waits for it.
func (s *ownServer) start() {
	s.t.Helper()
	s.cmd = s.command(s.program, s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("starting %s: %v", s.program, err)
	}
	db, err := sql.Open(s.driver, s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for deadline := time.Now().Add(2 * time.Minute); db.PingContext(context.Background()) != nil; {
		if time.Now().After(deadline) {
			s.kill()
			s.t.Fatalf("%s does not answer:\n%s", s.program, s.log)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// kill ends the server at once, and waits until it has gone.
func (s *ownServer) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(thaw)
	_ = s.cmd.Process.Signal(s.halt)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// processes returns the server's and those that it has begun.
func (s *ownServer) processes() []int {
	s.t.Helper()
	pid := s.cmd.Process.Pid
	all := []int{pid}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		children, err := os.ReadFile(file)
		if err != nil { // the thread has ended
			continue
		}
		for _, child := range bytes.Fields(children) {
			if id, err := strconv.Atoi(string(child)); err == nil {
				all = append(all, id)
			}
		}
	}
	return all
}

// signal sends a signal to all of them, first to the one that begins others.
func (s *ownServer) signal(sig syscall.Signal) {
	s.t.Helper()
	_ = s.cmd.Process.Signal(sig)
	for _, id := range s.processes()[1:] {
		_ = sendSignal(id, sig) // it may have ended meanwhile
	}
}

// freeze stops the server and its processes, and waits until every thread stands.
func (s *ownServer) freeze() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.signal(freeze) // again, since it may just have begun another process
		if !slices.ContainsFunc(s.processes(), runs) {
			return
		}
	}
	s.t.Fatal("the server cannot be stopped")
}

// runs reports whether a thread of a process is not stopped. One that has ended
// is not.
func runs(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(threads, func(file string) bool {
		stat, err := os.ReadFile(file)
		return err == nil && !bytes.Contains(stat, []byte(") T ")) && !bytes.Contains(stat, []byte(") Z "))
	})
}

const victim = "victim"

// victim makes an account whose sessions can be told from all others, and
// returns its data source name.
func (s *ownServer) victim(b *faultBed) string {
	b.Helper()
	if s.dialect == sqlstore.Postgres {
		run(b, b.config.DB, "CREATE ROLE "+victim+" SUPERUSER LOGIN")
		return strings.Replace(s.dsn, "postgres@", victim+"@", 1)
	}
	run(b, b.config.DB, "CREATE USER "+victim+"@'127.0.0.1'")
	run(b, b.config.DB, "GRANT ALL ON *.* TO "+victim+"@'127.0.0.1'")
	return strings.Replace(s.dsn, "root@", victim+"@", 1)
}

// sessions selects the sessions of the victim.
func (s *ownServer) sessions() string {
	if s.dialect == sqlstore.Postgres {
		return "SELECT pid FROM pg_stat_activity WHERE usename = '" + victim + "'"
	}
	return "SELECT id FROM information_schema.processlist WHERE user = '" + victim + "'"
}

// terminate ends about half of the victim's sessions, and returns how many.
func (s *ownServer) terminate(b *faultBed) (n int) {
	rows, err := b.config.DB.QueryContext(b.Context(), s.sessions())
	if err != nil {
		b.Errorf("listing the sessions: %v", err)
		return 0
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err == nil && rand.IntN(2) == 0 {
			all = append(all, id)
		}
	}
	end := "KILL CONNECTION %d"
	if s.dialect == sqlstore.Postgres {
		end = "SELECT pg_terminate_backend(%d)"
	}
	for _, id := range all {
		if _, err := b.config.DB.ExecContext(b.Context(), fmt.Sprintf(end, id)); err == nil { // it may have ended
			n++
		}
	}
	return n
}
