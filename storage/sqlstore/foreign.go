package sqlstore

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

var (
	// created matches the name of a table that a statement makes.
	created = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?([a-z0-9_]+) \(`)
	// definition matches the definition of a column.
	definition = regexp.MustCompile(`(?m)^\t([a-z_]+) +[A-Z]`)
)

// checkNames refuses to make the first tables where others have their names, before
// anything is changed. On MySQL, where a schema change is no transaction, a table with
// all our columns counts as left by a migration that broke off.
func checkNames(ctx context.Context, s session, c Config, first Migration) error {
	for _, statement := range first.statements() {
		m := created.FindStringSubmatch(statement)
		if m == nil {
			continue
		}
		var n int
		if err := s.QueryRowContext(ctx, c.Dialect.tableExists(), m[1]).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if c.Dialect != MySQL {
			return foreign(c, m[1], nil)
		}
		var columns []string
		for _, column := range definition.FindAllStringSubmatch(statement, -1) {
			columns = append(columns, column[1])
		}
		err := reads(ctx, s, "SELECT 1 FROM "+m[1]+" WHERE 1 = 0 AND COALESCE("+strings.Join(columns, ", ")+") IS NULL")
		if err != nil && ctx.Err() == nil {
			return foreign(c, m[1], err)
		}
	}
	return nil
}

// foreign returns the error for a table that is not of this library. It names
// the remedy.
func foreign(c Config, table string, err error) error {
	elsewhere := ""
	if c.Dialect == Postgres {
		elsewhere = ", or another schema in the search_path of the DSN"
	}
	fault := fmt.Errorf("the table %q is there already and is not this library's: give it a prefix of its own with Config.TablePrefix%s", table, elsewhere)
	if err != nil {
		return fmt.Errorf("%w (%w)", fault, err)
	}
	return fault
}
