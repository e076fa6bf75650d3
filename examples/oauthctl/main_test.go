package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/contit/oauth/storage/sqlstore"
)

// binary is the built command.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "oauthctl")
	if err == nil {
		binary = filepath.Join(dir, "oauthctl")
		var said []byte
		if said, err = exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("building the command: %w\n%s", err, said)
		}
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// bed is a database of a test's own, and the command on it.
type bed struct {
	*testing.T
	url, prefix string
	env         []string
}

// onEachDatabase runs a test on SQLite, and on each server that there is.
func onEachDatabase(t *testing.T, f func(b *bed)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { f(onSQLite(t)) })
	for name, variable := range map[string]string{"PostgreSQL": "OAUTH_TEST_POSTGRES", "MySQL": "OAUTH_TEST_MYSQL"} {
		t.Run(name, func(t *testing.T) {
			dsn := os.Getenv(variable)
			if dsn == "" {
				t.Skipf("NOT TESTED: needs %s: set %s to the data source name of one for tests (storage/integration/servers starts one)", name, variable)
			}
			if name == "MySQL" {
				dsn = mysqlURL(t, dsn)
			}
			b := &bed{T: t, url: dsn, prefix: "ctl_" + strings.ToLower(rand.Text()[:12]) + "_"}
			t.Cleanup(b.drop)
			f(b.migrated())
		})
	}
}

// onSQLite is enough for behaviour that no database can change.
func onSQLite(t *testing.T) *bed {
	t.Helper()
	return (&bed{T: t, url: "sqlite:" + filepath.Join(t.TempDir(), "my oauth.db"), prefix: "oauth_"}).migrated()
}

// mysqlURL is the URL of a data source name in the form of the driver.
func mysqlURL(t *testing.T, dsn string) string {
	t.Helper()
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	user := c.User
	if c.Passwd != "" {
		user += ":" + c.Passwd
	}
	return "mysql://" + user + "@" + c.Addr + "/" + c.DBName
}

func (b *bed) migrated() *bed {
	b.Helper()
	b.must("migrate")
	return b
}

// open opens the database as the host does.
func (b *bed) open() (*sql.DB, sqlstore.Config) {
	b.Helper()
	d, err := readDatabase(b.url)
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		b.Fatal(err)
	}
	return db, sqlstore.Config{DB: db, Dialect: d.dialect, TablePrefix: b.prefix}
}

func (b *bed) store() *sqlstore.Store {
	b.Helper()
	db, config := b.open()
	s, err := sqlstore.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close(); db.Close() })
	return s
}

// sql changes the database behind the store's back. An @ stands for the prefix.
func (b *bed) sql(statement string) {
	b.Helper()
	db, _ := b.open()
	defer db.Close()
	if _, err := db.Exec(strings.ReplaceAll(statement, "@", b.prefix)); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}

func (b *bed) drop() {
	db, _ := b.open()
	defer db.Close()
	for _, table := range []string{
		"schema_version", "clients", "client_secrets", "credentials", "revoked_families", "api_keys", "signing_keys", "denied_tokens",
	} {
		if _, err := db.Exec("DROP TABLE IF EXISTS " + b.prefix + table); err != nil {
			b.Errorf("dropping %s: %v", table, err)
		}
	}
}

// said is the output of a command.
type said struct {
	code       int
	out, notes string
}

// run executes the command as a script does: stdin is no terminal.
func (b *bed) run(args ...string) said {
	b.Helper()
	return execute(b.T, append(b.env, databaseVariable+"="+b.url, prefixVariable+"="+b.prefix), args...)
}

func execute(t *testing.T, env []string, args ...string) said {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	var out, notes bytes.Buffer
	c.Stdout, c.Stderr = &out, &notes
	if err := c.Run(); c.ProcessState == nil {
		t.Fatalf("oauthctl %s: %v", args, err)
	}
	return said{c.ProcessState.ExitCode(), out.String(), notes.String()}
}

// must returns the stdout of a command that ends well.
func (b *bed) must(args ...string) string {
	b.Helper()
	s := b.run(args...)
	if s.code != exitDone {
		b.Fatalf("oauthctl %s: got exit code %d, want 0\n%s", strings.Join(args, " "), s.code, s.notes)
	}
	return s.out
}

// refused runs a command that must fail with a code and a sentence.
func (b *bed) refused(code int, sentence string, args ...string) {
	b.Helper()
	s := b.run(args...)
	if s.code != code || !strings.Contains(s.notes, sentence) || s.out != "" {
		b.Errorf("oauthctl %s: got exit code %d, stdout %q and\n%s\nwant exit code %d, nothing on stdout, and %q",
			strings.Join(args, " "), s.code, s.out, s.notes, code, sentence)
	}
}

// read decodes the JSON of a command.
func read[T any](b *bed, args ...string) (v T) {
	b.Helper()
	return decode[T](b, b.must(append(args, "--json")...))
}

func decode[T any](b *bed, text string) (v T) {
	b.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		b.Fatalf("the answer %q: %v", text, err)
	}
	return v
}

// typed runs a command in this process, with answers typed at a terminal.
func (b *bed) typed(now time.Time, answer string, args ...string) said {
	b.Helper()
	if now.IsZero() {
		now = time.Now()
	}
	var out, notes bytes.Buffer
	env := map[string]string{databaseVariable: b.url, prefixVariable: b.prefix}
	for _, e := range b.env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	code := run(b.Context(), args, surroundings{
		in: strings.NewReader(answer), out: &out, notes: &notes, terminal: true,
		getenv: func(name string) string { return env[name] }, now: now,
	})
	return said{code, out.String(), notes.String()}
}
