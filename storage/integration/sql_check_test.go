package integration_test

import (
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

// Without the unique index every code could be redeemed again and again, and
// the store would show no other sign of it.
func TestOpenRefusesASchemaWithoutItsJudge(t *testing.T) {
	without := map[sqlstore.Dialect][]string{
		sqlstore.Postgres: {`ALTER TABLE {}credentials DROP CONSTRAINT {}credentials_parent_key`},
		sqlstore.MySQL:    {`ALTER TABLE {}credentials DROP INDEX parent`},
		sqlstore.SQLite: {`CREATE TABLE {}copy AS SELECT * FROM {}credentials`, `DROP TABLE {}credentials`,
			`ALTER TABLE {}copy RENAME TO {}credentials`},
	}
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		c := migrated(t, s.config(t, db))
		for _, statement := range without[s.dialect] {
			run(t, db, table(c, statement))
		}
		_, err := sqlstore.Open(t.Context(), c)
		wantRemedy(t, "a schema without its unique index", err, "unique index on its column parent")
	})
}

// Open refuses a MySQL whose sessions have autocommit off, do not check unique indexes
// or read uncommitted rows.
func TestOpenRefusesASessionThatForgets(t *testing.T) {
	s := on(t, sqlstore.MySQL)
	c := migrated(t, s.config(t, s.open(t)))
	for _, tt := range []struct{ key, value, remedy string }{
		{"autocommit", "0", "autocommit is off"},
		{"unique_checks", "0", "unique_checks is off"},
		{"tx_isolation", "'READ-UNCOMMITTED'", "READ UNCOMMITTED"},
	} {
		c := c
		c.DB = s.openAs(t, "mysql", s.with(tt.key, tt.value))
		_, err := sqlstore.Open(t.Context(), c)
		c.DB.Close() // it holds locks on the tables, which are dropped in the end
		wantRemedy(t, tt.key, err, tt.remedy)
	}
}
