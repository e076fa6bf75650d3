package integration_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

var explainRows = flag.Int("explain-rows", 50_000, "credentials in the tables whose indexes are checked; 1000000 takes minutes")

// TestEveryQueryHasAnIndex fills the tables, lets the store say all that it
// has to say, and asks the database how it would answer.
func TestEveryQueryHasAnIndex(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, db := s.wired(t)
		c := migrated(t, s.config(t, db))
		plain := s.open(t)
		rows := *explainRows
		if s.dialect == sqlstore.SQLite { // it plans alike from hundreds on, and fills slowly under the race detector
			rows /= 10
		}
		fill(t, plain, c, rows)
		analyze(t, plain, c)
		explained := explainAll(t, s, w, c)
		if len(explained) < 30 {
			t.Errorf("%d statements were explained, want all of the store's: 30 at least", len(explained))
		}
		for _, st := range statementsOf(t, s, c) {
			if readsRows(st) && !explained[st] {
				t.Errorf("this statement was not explained, because sayEverything does not lead to it: %s", st)
			}
		}
	})
}

// SQLite plans with the statistics of the last ANALYZE, however much the tables
// grow. So the plans must be right if there were few rows then, and if no code
// had been spent yet: the index over the marks then looks as if it told no rows
// apart.
func TestSQLiteAnalyzedEarly(t *testing.T) {
	s := on(t, sqlstore.SQLite)
	for name, early := range map[string]func(c sqlstore.Config, db *sql.DB){
		"little": func(c sqlstore.Config, db *sql.DB) { fill(t, db, c, 400) },
		"nothing spent": func(c sqlstore.Config, db *sql.DB) {
			fill(t, db, c, 5000)
			run(t, db, "UPDATE "+c.TablePrefix+"credentials SET parent = NULL")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := s.wired(t)
			c := migrated(t, s.config(t, db))
			plain := s.open(t)
			early(c, plain)
			analyze(t, plain, c)
			if samples := 0; plain.QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE name = 'sqlite_stat4'").Scan(&samples) == nil && samples > 0 {
				run(t, plain, "DELETE FROM sqlite_stat4") // not every build of SQLite takes samples
			}
			for _, name := range tables[1:] {
				run(t, plain, "DELETE FROM "+c.TablePrefix+name)
			}
			fill(t, plain, c, 500)
			explainAll(t, s, w, c)
		})
	}
}

// explainAll lets a new store say everything, and refuses a plan that reads a
// whole table. It returns the statements.
func explainAll(t *testing.T, s server, w *wire, c sqlstore.Config) map[string]bool {
	plain := s.open(t)
	store := opened(t, c)
	w.taken()
	sayAll(t, w, c, store)
	said := w.taken()
	sayTogether(&held{TB: t, wire: w, config: c, store: store, replica: opened(t, sqlstore.Config{DB: plain, Dialect: c.Dialect, TablePrefix: c.TablePrefix})})
	said = append(said, w.taken()...)
	explained := make(map[string]bool)
	for _, trip := range said {
		if explained[trip.statement] || !readsRows(trip.statement) {
			continue
		}
		explained[trip.statement] = true
		plan := explain(t, plain, s.dialect, trip)
		t.Logf("%s\n%s", trip.statement, plan)
		if s.dialect == sqlstore.MySQL && onDisk(trip.statement, plan) {
			t.Errorf("%s\nis answered through a temporary file:\n%s", trip.statement, plan)
		}
		if scan := fullScan(s.dialect, plan); scan != "" && !strings.Contains(trip.statement, allKeys) {
			t.Errorf("%s\nis answered without an index: %s\n%s", trip.statement, scan, plan)
		}
	}
	return explained
}

// allKeys is part of the one statement that wants a whole table, of the few keys
// that there are.
const allKeys = "signing_keys ORDER BY turn"

// statementsOf returns all that a store prepares.
func statementsOf(t testing.TB, s server, c sqlstore.Config) (all []string) {
	w, db := s.wired(t)
	c.DB = db
	opened(t, c)
	for _, trip := range w.taken() {
		if st, ok := strings.CutPrefix(trip.statement, "PREPARE "); ok {
			all = append(all, st)
		}
	}
	return all
}

var verbs = regexp.MustCompile(`^(SELECT|UPDATE|DELETE|INSERT[^;]*SELECT)`)

// ofSchema matches the statements of Open that ask the database's own tables,
// and its trials.
var ofSchema = regexp.MustCompile(`schema_version|sqlite_master|information_schema|to_regclass|pragma_index_list|pg_backend_pid| WHERE 1 = 0$`)

// readsRows reports whether a statement has to find rows.
func readsRows(statement string) bool {
	return verbs.MatchString(statement) && !ofSchema.MatchString(statement)
}

func sayEverything(t testing.TB, c sqlstore.Config, s *sqlstore.Store) {
	ctx := t.Context()
	old := sample("subject-3")
	must(t, "CreateCredential", s.CreateCredential(ctx, old))
	wantErr(t, "CreateCredential", s.CreateCredential(ctx, old), storage.ErrExists)
	spend(t, s, old, following(old), start)
	must(t, "Spend", s.Spend(ctx, find(t, s, old), nil, start))
	wantErr(t, "Spend", s.Spend(ctx, old, following(old), start), storage.ErrSpent)
	must(t, "Revoke", s.Revoke(ctx, old.Family))
	_, err := s.ListFamilies(ctx, "subject-3", start, storage.Page{})
	must(t, "ListFamilies", err)
	must(t, "RevokeFamily", s.RevokeFamily(ctx, "subject-3", old.Family))
	wantErr(t, "RevokeFamily", s.RevokeFamily(ctx, "subject-4", old.Family), storage.ErrNotFound)
	must(t, "RevokeFamiliesOfClient", s.RevokeFamiliesOfClient(ctx, "subject-3", "client-3"))
	must(t, "RevokeFamilies", s.RevokeFamilies(ctx, "subject-4"))

	must(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "c"}))
	wantErr(t, "CreateClient", s.CreateClient(ctx, &storage.Client{ID: "c"}), storage.ErrExists)
	must(t, "PutClient", s.PutClient(ctx, &storage.Client{ID: "c"}))
	must(t, "Client", client(t, s, "client-3"))
	for _, id := range []string{"2", "3"} { // the last deletes the second
		must(t, "UpdateClient", s.UpdateClient(ctx, "client-5", func(c *storage.Client) error {
			c.Secrets = append(c.Secrets[:1], storage.ClientSecret{ID: id})
			return nil
		}))
	}
	_, err = s.ListClients(ctx, storage.Page{After: "client-3"})
	must(t, "ListClients", err)

	key := &storage.APIKey{ID: "k", Digest: storage.NewSecret("").Digest("k")}
	must(t, "PutAPIKey", s.PutAPIKey(ctx, key))
	wantErr(t, "CreateAPIKey", s.CreateAPIKey(ctx, key), storage.ErrExists)
	wantErr(t, "CreateAPIKey", s.CreateAPIKey(ctx, &storage.APIKey{ID: "k", Digest: storage.Digest{1}}), storage.ErrExists)
	must(t, "ExpireAPIKey", s.ExpireAPIKey(ctx, "subject-0", "key-3", start))
	must(t, "RevokeAPIKey", s.RevokeAPIKey(ctx, "subject-0", "key-3", start))
	must(t, "RevokeAPIKey again", s.RevokeAPIKey(ctx, "subject-0", "key-3", start))
	wantErr(t, "RevokeAPIKey", s.RevokeAPIKey(ctx, "subject-9", "key-3", start), storage.ErrNotFound)
	must(t, "RevokeSubject", s.RevokeSubject(ctx, "subject-5", start))
	must(t, "RevokeSubject", s.RevokeSubject(ctx, "api_key:k", start))
	_, err = s.ListAPIKeysOfSubject(ctx, "api_key:k", storage.Page{})
	must(t, "ListAPIKeysOfSubject", err)
	_, err = s.ListAPIKeysOfClient(ctx, "client-3", storage.Page{})
	must(t, "ListAPIKeysOfClient", err)
	_, err = s.ListAPIKeysOfSubject(ctx, "subject-3", storage.Page{})
	must(t, "ListAPIKeysOfSubject", err)

	must(t, "RevokeToken", s.RevokeToken(ctx, "jti", start))
	_, err = s.Revoked(ctx, "jti", "family-7")
	must(t, "Revoked", err)
	signing := &storage.SigningKey{Turn: 1 << 40, ID: "kid", AnnouncedAt: start, Sealed: []byte("sealed")}
	must(t, "CreateSigningKey", s.CreateSigningKey(ctx, signing))
	wantErr(t, "CreateSigningKey", s.CreateSigningKey(ctx, signing), storage.ErrExists)
	_, err = s.SigningKeys(ctx)
	must(t, "SigningKeys", err)
	must(t, "DeleteSigningKey", s.DeleteSigningKey(ctx, 3))

	// The first ten rows of each table expire, and DeleteExpired corrects the
	// extended ones.
	for range 30 {
		_, err = s.DeleteExpired(ctx, start.Add(-time.Hour), 10)
		must(t, "DeleteExpired", err)
	}
}

// fill adds n credentials, and a fifth as many rows to each other table: chains of
// four credentials, ten families of each subject, one of ten families revoked, and a
// few of all that are over. The other tables get a thousand rows, or n if n is smaller,
// where a fifth is less. In a table of ten thousand credentials, PostgreSQL finds a
// hundred without an index.
func fill(t testing.TB, db *sql.DB, c sqlstore.Config, n int) {
	t.Helper()
	in := inserter{t: t, db: db, dialect: c.Dialect, prefix: c.TablePrefix}
	credentials := n
	n = max(n/5, min(n, 1000))
	in.each(n, "clients (id, auth_method, disabled, scope, pkce_not_required, refresh_not_rotated, access_token_lifetime, refresh_token_lifetime, refresh_token_idle)", 9, func(i int) []any {
		return []any{fmt.Sprintf("client-%d", i), "", false, `["read"]`, false, false, 0, 0, 0}
	})
	in.each(n, "client_secrets", 6, func(i int) []any {
		return []any{fmt.Sprintf("client-%d", i), "1", 1, "test:hash", nil, nil}
	})
	in.each(credentials, "credentials", 25, func(i int) []any {
		family := i / 4
		end := start.Add(time.Duration(i) * time.Second).UnixMicro()
		if i < 40 {
			end = start.Add(-100 * time.Hour).UnixMicro()
		}
		row := []any{counted("credential", i), "refresh_token", fmt.Sprintf("family-%d", family), fmt.Sprintf("client-%d", family/10),
			fmt.Sprintf("subject-%d", family/10), `["read"]`, nil, []byte("{}"), nil, "", "", "", start.UnixMicro(), end, end, 3, end, i,
			nil, nil, nil, nil, nil, nil, testIssuer}
		if i%4 > 0 {
			spentUntil := end
			if i < 40 && family%2 == 0 { // was extended
				spentUntil = start.UnixMicro()
			}
			copy(row[18:], []any{counted("credential", i-1), start.UnixMicro(), []byte("salt"), 1, 3, spentUntil})
		}
		return row
	})
	in.each(n, "revoked_families", 2, func(i int) []any {
		switch {
		case i < 20:
			return []any{fmt.Sprintf("family-%d", i*10), 0}
		case i >= n-20: // without members, and long looked at
			return []any{fmt.Sprintf("family-%d", i*10), start.Add(-100 * time.Hour).UnixMicro()}
		}
		return []any{fmt.Sprintf("family-%d", i*10), start.Add(time.Duration(i) * time.Second).UnixMicro()}
	})
	in.each(n, "api_keys", 10, func(i int) []any {
		return []any{counted("key", i), fmt.Sprintf("key-%d", i), fmt.Sprintf("client-%d", i/10), fmt.Sprintf("subject-%d", i/10), nil, nil, nil, nil, nil, ""}
	})
	in.each(n, "signing_keys", 5, func(i int) []any {
		return []any{i + 1, fmt.Sprintf("kid-%d", i), start.UnixMicro(), []byte("sealed"), 1}
	})
	in.each(n, "denied_tokens", 2, func(i int) []any {
		return []any{counted("denied_tokens", i), start.Add(time.Duration(i-20) * time.Hour).UnixMicro()}
	})
}

// analyze lets a database update the statistics of its tables.
func analyze(t testing.TB, db *sql.DB, c sqlstore.Config) {
	t.Helper()
	for _, name := range tables {
		run(t, db, analyzing[c.Dialect]+c.TablePrefix+name)
	}
}

// analyzing begins the statement that updates the statistics of a table.
var analyzing = map[sqlstore.Dialect]string{sqlstore.Postgres: "VACUUM ANALYZE ", sqlstore.MySQL: "ANALYZE TABLE ", sqlstore.SQLite: "ANALYZE "}

func counted(what string, i int) []byte {
	d := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), uint64(i)))
	return d[:]
}

type inserter struct {
	t       testing.TB
	db      *sql.DB
	dialect sqlstore.Dialect
	prefix  string
}

// each inserts n rows, many at once, in transactions of ten thousand.
func (in inserter) each(n int, name string, columns int, row func(i int) []any) {
	in.t.Helper()
	const many = 100
	statement, rows := "", 0
	for from := 0; from < n; from += 10_000 {
		tx, err := in.db.BeginTx(in.t.Context(), nil)
		must(in.t, "BeginTx", err)
		for i := from; i < min(from+10_000, n); i += many {
			var values []any
			for j := i; j < min(i+many, n); j++ {
				values = append(values, row(j)...)
			}
			if n := len(values) / columns; n != rows {
				statement, rows = in.statement(name, columns, n), n
			}
			if _, err := tx.ExecContext(in.t.Context(), statement, values...); err != nil {
				in.t.Fatalf("filling %s: %v", name, err)
			}
		}
		must(in.t, "Commit", tx.Commit())
	}
}

func (in inserter) statement(name string, columns, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s%s VALUES ", in.prefix, name)
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if in.dialect == sqlstore.Postgres {
			fmt.Fprintf(&b, "$%d", i+1)
		} else {
			b.WriteString("?")
		}
	}
	return b.String() + ")"
}
