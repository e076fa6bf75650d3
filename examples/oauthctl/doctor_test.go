package main

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// wantFindings runs the doctor, and compares its exit code and the findings that name
// something.
func (b *bed) wantFindings(code int, about string, want ...string) {
	b.Helper()
	s := b.run("doctor", "--json")
	if s.code != code {
		b.Errorf("doctor: got exit code %d, want %d\n%s%s", s.code, code, s.out, s.notes)
	}
	found := decode[[]finding](b, s.out)
	for _, text := range want {
		level, sentence, _ := strings.Cut(text, ": ")
		ok := false
		for _, f := range found {
			ok = ok || f.About == about && f.Level == level && strings.Contains(f.What, sentence) && f.Do != ""
		}
		if !ok {
			b.Errorf("doctor: got\n%s\nwant of %s: %s", s.out, about, text)
		}
	}
	if len(want) == 0 {
		for _, f := range found {
			if f.About == about {
				b.Errorf("doctor: got %+v, want nothing of %s", f, about)
			}
		}
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		if strings.HasPrefix(b.url, "sqlite:") {
			b.sql("PRAGMA journal_mode = WAL")
		}
		b.must("client", "create", "billing", "--grant", "client_credentials api_key", "--scope", "read", "--secret-expires", "365d")
		b.must("apikey", "create", "--prefix", "p_", "--client", "billing", "--scope", "read", "--expires", "365d")
		key := newEncryptionKey(t)
		b.serve(key, time.Now())
		b.env = []string{keysVariable + "=1:" + key}
		s := b.run("doctor", "--json")
		found := decode[[]finding](b, s.out)
		for _, f := range found {
			// The servers of the tests do not sync their files.
			if f.About != "the database" || !strings.Contains(f.What, "a crash may undo") {
				t.Errorf("doctor: got %+v, want no finding", f)
			}
		}
		if s.code != exitDone {
			t.Errorf("doctor: got exit code %d, want 0", s.code)
		}
		if s := b.run("doctor"); len(found) == 0 && (s.out != "" || !strings.Contains(s.notes, "Nothing fails")) {
			t.Errorf("doctor: got %+v, want one sentence", s)
		}
	})
}

func TestDoctorOfClients(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		// Records that the commands refuse come from elsewhere, or with time.
		s := b.store()
		for _, c := range []storage.Client{
			{ID: "none", GrantTypes: []string{"client_credentials"}},
			{ID: "over", GrantTypes: []string{"client_credentials"}, Secrets: []storage.ClientSecret{{ID: "a", Hash: aHash, ExpiresAt: time.Now().Add(-time.Hour)}}},
			{ID: "late", GrantTypes: []string{"client_credentials"}, Secrets: []storage.ClientSecret{{ID: "a", Hash: aHash, NotBefore: time.Now().Add(time.Hour)}}},
			{ID: "hash", GrantTypes: []string{"client_credentials"}, Secrets: []storage.ClientSecret{{ID: "a", Hash: "md5:0123456789"}}},
			{ID: "public", AuthMethod: storage.AuthNone, GrantTypes: []string{"client_credentials"}},
			{ID: "code", AuthMethod: storage.AuthNone, GrantTypes: []string{"authorization_code"}},
			{ID: "http", AuthMethod: storage.AuthNone, GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"http://app.example/cb"}},
			{ID: "loopback", AuthMethod: storage.AuthNone, GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]:80/cb"}},
			{ID: "idle", AuthMethod: storage.AuthNone},
			{ID: "jwt", AuthMethod: "private_key_jwt", Assertion: storage.ClientAssertion{JWKSURI: "https://app.example/jwks.json"}, GrantTypes: []string{"client_credentials"}},
			{ID: "disabled", Disabled: true, GrantTypes: []string{"client_credentials"}},
		} {
			if err := s.CreateClient(context.Background(), &c); err != nil {
				t.Fatal(err)
			}
		}
		const refused = "error: it has no secret that works"
		b.wantFindings(exitFindings, `client "none"`, refused)
		b.wantFindings(exitFindings, `client "over"`, refused)
		b.wantFindings(exitFindings, `client "late"`, refused)
		b.wantFindings(exitFindings, `client "hash"`, "error: no hash that can be verified")
		b.wantFindings(exitFindings, `client "public"`, "error: client_credentials is refused to it")
		b.wantFindings(exitFindings, `client "code"`, "error: has no redirect URI")
		b.wantFindings(exitFindings, `client "http"`, "warning: is not https")
		b.wantFindings(exitFindings, `client "loopback"`)
		b.wantFindings(exitFindings, `client "idle"`, "warning: it may use no grant")
		b.wantFindings(exitFindings, `client "jwt"`)
		b.wantFindings(exitFindings, `client "disabled"`)
		out := b.run("doctor").out
		if strings.LastIndex(out, "\nerror: ") > strings.Index(out, "\nwarning: ") || !strings.Contains(out, "    oauthctl client secret add") {
			t.Errorf("doctor: got\n%s\nwant errors before warnings, and what to do", out)
		}
	})
}

const aHash = "$sha256$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestDoctorLooksAhead(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.must("client", "create", "billing", "--grant", "client_credentials api_key", "--scope", "read", "--secret-name", "first", "--secret-expires", "10d")
		b.must("apikey", "create", "--prefix", "p_", "--client", "billing", "--scope", "read", "--expires", "9d", "--subject", "user:1")
		b.wantFindings(exitDone, `client "billing"`, `warning: its last secret "first" ends on`, `warning: of "user:1" ends on`)
		b.must("client", "secret", "add", "billing", "--name", "second")
		b.wantFindings(exitDone, `client "billing"`, `warning: its secret "first" ends on`)
		if out := b.must("doctor", "--within", "8d"); strings.Contains(out, "billing") {
			t.Errorf("doctor --within 8d: got\n%s\nwant nothing of the client", out)
		}
	})
}

func TestDoctorOfSigningKeys(t *testing.T) {
	b := onSQLite(t)
	key := newEncryptionKey(t)
	b.env = []string{keysVariable + "=1:" + key}
	now := time.Now()
	b.wantFindings(exitDone, signingKeysAbout)
	b.serve(key, now.Add(-31*24*time.Hour))
	b.wantFindings(exitDone, signingKeysAbout, "warning: no server has made the next one")
	b.must("key", "rotate")
	b.wantFindings(exitDone, signingKeysAbout)
	b.env = []string{keysVariable + "=1:" + newEncryptionKey(t)}
	b.wantFindings(exitFindings, signingKeysAbout, "error: a server would not start")
	b.env = nil
	b.wantFindings(exitDone, signingKeysAbout)
	if err := b.store().CreateSigningKey(t.Context(), &storage.SigningKey{
		Turn: 3, ID: "tomorrow's", AnnouncedAt: now.Add(24 * time.Hour), Sealed: []byte{1}, SealedWith: 1,
	}); err != nil {
		t.Fatal(err)
	}
	b.wantFindings(exitFindings, signingKeysAbout, "error: was announced in the future")
	if all := read[[]signingKeyView](b, "key", "list"); len(all) != 3 {
		t.Errorf("keys after the doctor: got %+v, want three: it changes nothing", all)
	}
}

// A server deletes the key. The doctor says that none has, and leaves it.
func TestDoctorDeletesNoKey(t *testing.T) {
	b := onSQLite(t)
	key := newEncryptionKey(t)
	b.env = []string{keysVariable + "=1:" + key}
	b.serve(key, time.Now().Add(-90*24*time.Hour))
	b.serve(key, time.Now().Add(-10*24*time.Hour))
	b.wantFindings(exitDone, signingKeysAbout, "warning: should have been deleted")
	if all := read[[]signingKeyView](b, "key", "list"); len(all) != 2 || all[0].State != keyGone {
		t.Errorf("keys after the doctor: got %+v, want both, the first one gone", all)
	}
}

func TestDoctorOfTheSchema(t *testing.T) {
	onEachDatabase(t, func(b *bed) {
		b.sql("DELETE FROM @schema_version WHERE version > 1")
		b.wantFindings(exitFindings, "the store", "error: That is 'oauthctl migrate'")
		b.refused(exitFailed, "That is 'oauthctl migrate'", "client", "list")
	})
}

// The doctor names each right that the user of the server lacks.
func TestDoctorOfRights(t *testing.T) {
	dsn := os.Getenv("OAUTH_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("NOT TESTED: needs PostgreSQL: set OAUTH_TEST_POSTGRES to the data source name of one for tests (storage/integration/servers starts one)")
	}
	role := "ctl_" + strings.ToLower(rand.Text()[:12])
	b := &bed{T: t, url: dsn, prefix: role + "_"}
	t.Cleanup(b.drop)
	b.migrated()
	b.sql("CREATE ROLE " + role)
	t.Cleanup(func() {
		b.sql("DROP OWNED BY " + role)
		b.sql("DROP ROLE " + role)
	})
	for _, table := range []string{"schema_version", "clients", "client_secrets", "credentials", "revoked_families", "signing_keys", "denied_tokens"} {
		b.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON @" + table + " TO " + role)
	}
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	reader := &bed{T: t, url: dsn + separator + "role=" + role, prefix: b.prefix}
	reader.wantFindings(exitFindings, "the store", "error: ON "+b.prefix+"api_keys TO its user")
}

func TestDoctorOfClocks(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name  string
		there time.Duration
		want  string
	}{
		{"the same time", 0, ""},
		{"between question and answer", 50 * time.Millisecond, ""},
		{"a little ahead", 3 * time.Second, levelWarning},
		{"a little behind", -3 * time.Second, levelWarning},
		{"far ahead", time.Minute, levelError},
		{"far behind", -time.Minute, levelError},
	} {
		e := &examination{}
		e.judgeClock(now, now.Add(test.there), now.Add(100*time.Millisecond))
		got := ""
		if len(e.findings) > 0 {
			got = e.findings[0].Level
		}
		if got != test.want {
			t.Errorf("a clock that is %s: got %q, want %q", test.name, got, test.want)
		}
	}
}
