package sqlstore_test

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

var dialects = []sqlstore.Dialect{sqlstore.Postgres, sqlstore.MySQL, sqlstore.SQLite}

func TestConfigIsChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config sqlstore.Config
		says   []string
	}{
		{"the zero Config", sqlstore.Config{}, []string{"Config.DB", "Config.Dialect"}},
		{"no DB", sqlstore.Config{Dialect: sqlstore.SQLite}, []string{"Config.DB"}},
		{"a dialect that does not exist", sqlstore.Config{DB: new(sql.DB), Dialect: 4}, []string{"Config.Dialect"}},
		{"all at once", sqlstore.Config{TablePrefix: "A"}, []string{"Config.DB", "Config.Dialect", "Config.TablePrefix"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, openErr := sqlstore.Open(t.Context(), tt.config)
			for what, err := range map[string]error{"Open": openErr, "Migrate": sqlstore.Migrate(t.Context(), tt.config)} {
				for _, want := range tt.says {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: got error %v, want one that mentions %s", what, err, want)
					}
				}
			}
		})
	}
}

func TestTablePrefix(t *testing.T) {
	for prefix, good := range map[string]bool{
		"": true, "a_": true, "_a1_": true, strings.Repeat("p", 32): true,
		"1a": false, "A_": false, "a-": false, "a;": false, "a.b": false, `a"`: false, "é": false, " ": false, "a\n": false, strings.Repeat("p", 33): false,
	} {
		all, err := sqlstore.Migrations(sqlstore.Postgres, prefix)
		if (err == nil) != good {
			t.Errorf("the prefix %q: got error %v, want accepted: %t", prefix, err, good)
		}
		if prefix == "" {
			prefix = "oauth_"
		}
		if good && !strings.Contains(all[0].SQL, "CREATE TABLE "+prefix+"credentials (") {
			t.Errorf("the prefix %q: got %s, want it before the names of tables", prefix, all[0].SQL)
		}
	}
}

// Every table, index and key column stands in the schema of every dialect.
func TestSchemasAgree(t *testing.T) {
	column := regexp.MustCompile(`(?m)^\t([a-z_]+) +[A-Z]`)
	var first []string
	for _, d := range dialects {
		all, err := sqlstore.Migrations(d, "x_")
		if err != nil || len(all) == 0 {
			t.Fatalf("%v: got %d migrations and error %v", d, len(all), err)
		}
		var columns []string
		for i, m := range all {
			if m.Version != i+1 || !strings.HasPrefix(m.Name, "000") || strings.Contains(m.SQL, "{}") {
				t.Errorf("%v: got migration %d, %q with placeholders %t", d, m.Version, m.Name, strings.Contains(m.SQL, "{}"))
			}
			if !strings.Contains(m.SQL, "schema_version (version, works_with) VALUES (") {
				t.Errorf("%v, %s: it does not write its version", d, m.Name)
			}
			for _, name := range column.FindAllStringSubmatch(m.SQL, -1) {
				columns = append(columns, name[1])
			}
		}
		if first == nil {
			first = columns
		}
		if strings.Join(columns, " ") != strings.Join(first, " ") {
			t.Errorf("the columns of %v: got %q, want those of %v: %q", d, columns, dialects[0], first)
		}
	}
}

func TestStatementsOfDialects(t *testing.T) {
	const statement = "INSERT INTO {}t VALUES (?, ?) {or ignore}"
	for d, want := range map[sqlstore.Dialect]string{
		sqlstore.Postgres: "INSERT INTO x_t VALUES ($1, $2) ON CONFLICT DO NOTHING",
		sqlstore.SQLite:   "INSERT INTO x_t VALUES (?, ?) ON CONFLICT DO NOTHING",
		sqlstore.MySQL:    "INSERT INTO x_t VALUES (?, ?) ",
	} {
		if got := d.Text(statement, "x_"); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
		for _, st := range sqlstore.Statements(d, "x_") {
			if strings.ContainsAny(st, "{}") {
				t.Errorf("%v: a placeholder is left in %s", d, st)
			}
		}
	}
	if got := sqlstore.Dialect(0).String() + " " + sqlstore.MySQL.String(); got != "unknown mysql" {
		t.Errorf("String: got %q, want %q", got, "unknown mysql")
	}
}

// A driver that has gone away is said at once.
func TestOpenOfAClosedDB(t *testing.T) {
	db := sql.OpenDB(nil)
	db.Close()
	_, err := sqlstore.Open(context.Background(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err == nil || !strings.Contains(err.Error(), "Config.DB must be open") {
		t.Errorf("Open of a closed DB: got error %v, want one that names the remedy", err)
	}
}
