package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

func TestReadDatabase(t *testing.T) {
	for text, want := range map[string]struct {
		dialect sqlstore.Dialect
		dsn     string
	}{
		"postgres://u:p@h:5432/d?sslmode=disable":   {sqlstore.Postgres, "postgres://u:p@h:5432/d?sslmode=disable"},
		"postgresql://u@h/d":                        {sqlstore.Postgres, "postgresql://u@h/d"},
		"mysql://u:p%40s@h/d":                       {sqlstore.MySQL, "u:p@s@tcp(h:3306)/d"},
		"mysql://u@[::1]:3307/d?tls=true":           {sqlstore.MySQL, "u@tcp([::1]:3307)/d?tls=true"},
		"mariadb://u@h/d?socket=/run/my.sock":       {sqlstore.MySQL, "u@unix(/run/my.sock)/d"},
		"sqlite:my oauth.db":                        {sqlstore.SQLite, "file:my%20oauth.db?_pragma=busy_timeout(10000)"},
		"sqlite:/var/lib/oauth.db":                  {sqlstore.SQLite, "file:/var/lib/oauth.db?_pragma=busy_timeout(10000)"},
		"sqlite:///var/lib/oauth.db":                {sqlstore.SQLite, "file:/var/lib/oauth.db?_pragma=busy_timeout(10000)"},
		"mysql://u:p@h/d?readTimeout=5s&tls=custom": {sqlstore.MySQL, ""},
	} {
		d, err := readDatabase(text)
		if want.dsn == "" {
			if err == nil || strings.Contains(err.Error(), "custom") {
				t.Errorf("%s: got error %v, want one that does not show it", text, err)
			}
			continue
		}
		if err != nil || d.dialect != want.dialect || d.dsn != want.dsn {
			t.Errorf("%s: got %v, %q and error %v, want %v, %q", text, d.dialect, d.dsn, err, want.dialect, want.dsn)
		}
	}
}

// No message shows the URL or a part of it.
func TestTheURLIsNeverShown(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().String()
	closed.Close()
	missing := filepath.Join(t.TempDir(), "hidden-folder", "hidden.db")
	for name, test := range map[string]struct {
		url, sentence string
		code          int
	}{
		"nothing":                  {"", "OAUTH_DATABASE_URL is not set", exitUsage},
		"another scheme":           {"redis://hidden-user:hidden-pass@hidden-host/hidden-db", "begins with none of postgres://", exitUsage},
		"a data source name":       {"hidden-user:hidden-pass@tcp(127.0.0.1:3306)/hidden-db", "OAUTH_DATABASE_URL", exitUsage},
		"words":                    {"host=hidden-host password=hidden-pass", "OAUTH_DATABASE_URL", exitUsage},
		"a password with a slash":  {"postgres://hidden-user:hidden/pass@hidden-host:x/hidden-db", "OAUTH_DATABASE_URL", exitUsage},
		"a bad parameter":          {"postgres://hidden-user:hidden-pass@127.0.0.1/hidden-db?sslmode=hidden-mode", "OAUTH_DATABASE_URL", exitFailed},
		"a port that is closed":    {"postgres://hidden-user:hidden-pass@" + port + "/hidden-db", "is the server up", exitFailed},
		"and of MySQL":             {"mysql://hidden-user:hidden-pass@" + port + "/hidden-db", "is the server up", exitFailed},
		"a host that is not there": {"postgres://hidden-user:hidden-pass@hidden-host.invalid/hidden-db", "its host", exitFailed},
		"a file that is not there": {"sqlite:" + missing, "'oauthctl migrate' makes it", exitUsage},
		"a file with parameters":   {"sqlite:hidden.db?mode=hidden-mode", "without parameters", exitUsage},
		"no file":                  {"sqlite:", "names no file", exitUsage},
	} {
		s := execute(t, []string{databaseVariable + "=" + test.url}, "client", "list")
		if s.code != test.code || !strings.Contains(s.notes, test.sentence) || strings.Contains(s.notes, "hidden-") || strings.Contains(s.notes, "hidden/") {
			t.Errorf("%s: got exit code %d and %q, want %d and %q, without a part of the URL", name, s.code, s.notes, test.code, test.sentence)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("client list has made a file")
	}
}

func TestTheServersAnswerIsTranslated(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		if strings.HasPrefix(b.url, "sqlite:") {
			return // no server
		}
		at := strings.Index(b.url, "://") + 3
		end := strings.LastIndex(b.url, "/")
		for sentence, url := range map[string]string{
			"no database of this name": b.url[:end] + "/hidden-db",
			"refuses this user":        b.url[:at] + "hidden-user:hidden-pass" + b.url[strings.Index(b.url, "@"):],
		} {
			s := execute(t, []string{databaseVariable + "=" + url}, "client", "list")
			if s.code != exitFailed || !strings.Contains(s.notes, sentence) || strings.Contains(s.notes, "hidden-") {
				t.Errorf("got exit code %d and %q, want %d and %q, without a part of the URL", s.code, s.notes, exitFailed, sentence)
			}
		}
	})
}

// An error of the store that quotes the password is shown without it.
func TestErrorsAreScrubbed(t *testing.T) {
	c := &call{secret: []string{"pass", "password"}}
	got := c.hide(usage("the pass is password"))
	if got.Error() != "the [hidden] is [hidden]" || exitCode(got) != exitUsage {
		t.Errorf("got %q with exit code %d, want it hidden, and the code kept", got, exitCode(got))
	}
}

func TestMigrate(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.must("migrate") // again
		if out := b.must("migrate", "--print"); !strings.Contains(out, "-- version 1: ") || !strings.Contains(out, b.prefix+"clients") {
			t.Errorf("migrate --print: got %.200q, want SQL with the prefix", out)
		}
	})
	b := &bed{T: t, url: "sqlite:" + filepath.Join(t.TempDir(), "new.db"), prefix: "Oauth-"}
	b.refused(exitUsage, "OAUTH_TABLE_PREFIX: sqlstore: Config.TablePrefix", "migrate")
	b.prefix = ""
	b.must("migrate", "--print")
	b.refused(exitUsage, "'oauthctl migrate' makes it", "client", "list") // --print made no file
}
