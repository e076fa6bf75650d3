package integration_test

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/contit/oauth/storage/sqlstore"
)

// pooler is a PgBouncer before PostgreSQL. Its databases have the names of its modes,
// and "one" is like "transaction", with one connection to the server.
type pooler struct {
	*ownServer
	port int
}

// newPooler starts one. Its pools have fewer connections to the server than the tests
// have to it, so that the connections go from client to client.
func newPooler(t testing.TB) *pooler {
	t.Helper()
	u, err := url.Parse(on(t, sqlstore.Postgres).dsn)
	must(t, "the data source name", err)
	s := &ownServer{t: t, program: program(t, "pgbouncer", "/usr/sbin/pgbouncer"), halt: syscall.SIGKILL, user: accountOf(t, "postgres")}
	dir, port := s.folder(), freePorts(t)
	to := fmt.Sprintf("host=%s port=%s dbname=%s user=%s", u.Hostname(), cmp.Or(u.Port(), "5432"), strings.TrimPrefix(u.Path, "/"), u.User.Username())
	if password, ok := u.User.Password(); ok {
		to += " password='" + password + "'"
	}
	settings := fmt.Sprintf(`[databases]
transaction = %[1]s pool_mode=transaction
session = %[1]s pool_mode=session pool_size=20
statement = %[1]s pool_mode=statement
one = %[1]s pool_mode=transaction pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[2]d
unix_socket_dir =
auth_type = any
default_pool_size = 4
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
`, to, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	must(t, "the settings of PgBouncer", os.WriteFile(file, []byte(settings), 0o644))
	s.args = []string{file}
	p := &pooler{s, port}
	s.server = p.with("pgx", "transaction", "default_query_exec_mode=exec")
	s.start()
	return p
}

// with returns the server behind the pooler: a driver, one of the databases, and
// settings of the driver.
func (p *pooler) with(driver, database, settings string) server {
	dsn := "postgres://postgres@127.0.0.1:" + strconv.Itoa(p.port) + "/" + database + "?sslmode=disable"
	if settings != "" {
		dsn += "&" + settings
	}
	return server{name: "PostgreSQL", dialect: sqlstore.Postgres, driver: driver, dsn: dsn}
}

// stir begins and ends transactions of others, until the test calls the function that
// it returns, so that a connection of the pooler's never stays with one client. That
// function fails a test in which one did.
func (p *pooler) stir(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db := p.open(t)
	processes, several := make(map[int]bool), make(chan struct{}) // those that have served one connection
	one, err := db.Conn(ctx)
	must(t, "Conn", err)
	var others sync.WaitGroup
	var once sync.Once
	others.Go(func() {
		var process int
		for one.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&process) == nil {
			if processes[process] = true; len(processes) > 1 {
				once.Do(func() { close(several) })
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	others.Go(func() {
		for ctx.Err() == nil {
			if tx, err := db.BeginTx(ctx, nil); err == nil {
				time.Sleep(2 * time.Millisecond)
				tx.Rollback()
			}
		}
	})
	return func() {
		t.Helper()
		select {
		case <-several:
		case <-time.After(20 * time.Second):
			t.Error("the pooler lent one connection all the time: nothing was tested")
		}
		cancel()
		others.Wait()
		one.Close()
	}
}
