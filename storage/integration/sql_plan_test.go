package integration_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/contit/oauth/storage/sqlstore"
)

// explain returns the plan, one step a line.
func explain(t testing.TB, db *sql.DB, d sqlstore.Dialect, st trip) string {
	t.Helper()
	how := "EXPLAIN "
	if d == sqlstore.SQLite {
		how = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), how+st.statement, st.args...)
	if err != nil {
		t.Fatalf("%s%s: %v", how, st.statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, "Columns", err)
	var plan strings.Builder
	for rows.Next() {
		texts, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range texts {
			dest[i] = &texts[i]
		}
		must(t, "Scan", rows.Scan(dest...))
		for i, name := range columns {
			if d == sqlstore.SQLite && name != "detail" {
				continue
			}
			fmt.Fprintf(&plan, " %s=%s", name, texts[i].String)
		}
		plan.WriteString("\n")
	}
	must(t, "rows", rows.Err())
	return plan.String()
}

// onDisk reports whether MySQL writes its result to a temporary table that,
// because of columns of any length, is a file. An INSERT that reads its own
// table needs one.
func onDisk(statement, plan string) bool {
	return !strings.HasPrefix(statement, "INSERT") && strings.Contains(plan, "Using temporary") &&
		(strings.Contains(statement, "scope") || strings.Contains(statement, "claims") || strings.Contains(statement, "hash"))
}

// fullScan returns the step of a plan that reads a whole table, or nothing. A
// table that the statement itself has made may be read as a whole.
func fullScan(d sqlstore.Dialect, plan string) string {
	for step := range strings.Lines(plan) {
		bad := false
		switch d {
		case sqlstore.Postgres:
			bad = strings.Contains(step, "Seq Scan")
		case sqlstore.MySQL: // a step without a number of rows is where an INSERT goes to
			bad = (strings.Contains(step, "type=ALL") || strings.Contains(step, "type=index ")) &&
				!strings.Contains(step, "table=<") && !strings.Contains(step, " rows= ")
		case sqlstore.SQLite:
			_, name, scans := strings.Cut(step, "SCAN ")
			name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
			bad = scans && name != "CONSTANT" &&
				!strings.Contains(plan, "CO-ROUTINE "+name+"\n") && !strings.Contains(plan, "MATERIALIZE "+name+"\n")
		}
		if bad {
			return strings.TrimSpace(step)
		}
	}
	return ""
}
