package sqlstore

import (
	"database/sql"
	"strconv"
	"strings"
)

// Dialect is the SQL that a database speaks. The zero value is none.
type Dialect int

// The dialects. They need PostgreSQL 9.6, MySQL 8.0 or MariaDB 10.3, and SQLite
// 3.32, or later. An SQLite from 3.24 on will do if [Config.Uncoalesced] is set.
const (
	Postgres Dialect = iota + 1
	MySQL            // and MariaDB
	SQLite
)

var dialectNames = [...]string{Postgres: "postgres", MySQL: "mysql", SQLite: "sqlite"}

func (d Dialect) known() bool { return d >= Postgres && d <= SQLite }

// String returns the dialect's name, as in the names of the schema's files.
func (d Dialect) String() string {
	if !d.known() {
		return "unknown"
	}
	return dialectNames[d]
}

// text makes a statement of the dialect of one that is written for all. In that one
//
//	{}                  is the prefix of tables, and ? a parameter
//	{or ignore}         ends an INSERT that does nothing where a unique index forbids it
//	{keep} and {latest} end those that bring a tombstone, or the revocation of a token,
//	                    up to date where it is there
//	{mark of c}         joins the row m which marks that c was spent
//	{parents}, {ends}   find the marks of a batch, and their records
//	{page}, {of page}   are the next families of a subject
//	{by ends}           has an index used that the statistics of one large family speak
//	                    against
//	{share}             ends a SELECT that must see the commits of other transactions since the
//	                    transaction began
//
// An ANALYZE of SQLite that finds no mark counts so many equal NULLs, and takes
// the unique index for one that tells nothing apart, until the next ANALYZE: every
// look-up would read the whole table. So it is told that marks are rare.
//
// MySQL has no way to ignore a duplicate and nothing else, so that there the
// INSERT fails. The callers then look for the reason.
func (d Dialect) text(statement, prefix string) string {
	orIgnore, share := "ON CONFLICT DO NOTHING", ""
	page, ofPage, byEnds := stepwise, "", ""
	keep := "ON CONFLICT (family) DO UPDATE SET delete_after = 0 WHERE {}revoked_families.delete_after <> 0"
	latest := "ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at WHERE {}denied_tokens.expires_at < ?"
	if d == MySQL {
		orIgnore, share = "", "LOCK IN SHARE MODE"
		page, ofPage, byEnds = "", distinct, "FORCE INDEX (ends)"
		keep = "ON DUPLICATE KEY UPDATE delete_after = 0"
		latest = "ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, ?)"
	}
	rare := func(condition string) string { return condition }
	if d == SQLite {
		byEnds = "INDEXED BY {}credentials_ends"
		rare = func(condition string) string { return "likelihood(" + condition + ", 0.0)" }
	}
	statement = strings.NewReplacer("{page}", page, "{of page}", ofPage).Replace(statement)
	statement = strings.NewReplacer("{by ends}", byEnds, "{or ignore}", orIgnore, "{keep}", keep, "{latest}", latest, "{share}", share,
		"{mark of c}", rare("m.parent = c.digest"), "{mark of l}", rare("m.parent = l.digest"), "{parents}", rare(inBatch("parent")), "{ends}", rare(inBatch("c.digest"))).Replace(statement)
	statement = strings.ReplaceAll(statement, "{}", prefix)
	if d != Postgres {
		return statement
	}
	return numbered(statement)
}

// numbered replaces each ? by $1, $2 and so on.
func numbered(statement string) string {
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// isolation returns the level of the transactions that the store begins itself.
// Nothing here needs more than READ COMMITTED, and under it PostgreSQL has no
// serialization failures. The others keep the default of the connection: MySQL
// may refuse READ COMMITTED if its binary log has statements, and SQLite knows
// one level.
func (d Dialect) isolation() *sql.TxOptions {
	if d == Postgres {
		return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return nil
}

// tableExists asks for a table by its name.
func (d Dialect) tableExists() string {
	switch d {
	case Postgres: // along the search_path, as the statements do
		return `SELECT COUNT(*) FROM (SELECT to_regclass($1) AS found) t WHERE found IS NOT NULL`
	case MySQL:
		return `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`
	}
	return `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`
}
