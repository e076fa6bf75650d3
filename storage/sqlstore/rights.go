package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// need is a right that the database's user must have: a verb, on a table.
type need struct{ table, verb string }

var (
	// written matches the table that a statement writes to, with the verb.
	written = regexp.MustCompile(`\b(INSERT INTO|UPDATE|DELETE FROM) \{\}([a-z_]+)`)
	// mentioned matches every table of a statement.
	mentioned = regexp.MustCompile(`\{\}([a-z_]+)`)
	// upserts matches an INSERT that may update instead.
	upserts = regexp.MustCompile(`\{keep\}|\{latest\}`)
)

// needs are the rights that the statements ask for, so that none is forgotten. Every
// table is read too: a write looks for its row.
func needs(all []entry) []need {
	found := map[need]bool{{"schema_version", "SELECT"}: true}
	for _, e := range all {
		for _, m := range mentioned.FindAllStringSubmatch(e.text, -1) {
			found[need{m[1], "SELECT"}] = true
		}
		for _, m := range written.FindAllStringSubmatch(e.text, -1) {
			found[need{m[2], strings.Fields(m[1])[0]}] = true
			if upserts.MatchString(e.text) {
				found[need{m[2], "UPDATE"}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b need) int {
		return strings.Compare(a.table+a.verb, b.table+b.verb)
	})
}

// trial is a statement that uses a right and touches no row.
func (n need) trial(prefix string) string {
	table := prefix + n.table
	switch n.verb {
	case "INSERT":
		return "INSERT INTO " + table + " SELECT * FROM " + table + " WHERE 1 = 0"
	case "UPDATE":
		column := updated[n.table]
		return "UPDATE " + table + " SET " + column + " = " + column + " WHERE 1 = 0"
	case "DELETE":
		return "DELETE FROM " + table + " WHERE 1 = 0"
	}
	return "SELECT 1 FROM " + table + " WHERE 1 = 0"
}

// try uses a right. A SELECT is asked as a query: not every driver gets over the rows,
// though there are none, if it is told to execute one.
func (n need) try(ctx context.Context, on session, prefix string) error {
	if n.verb == "SELECT" {
		return reads(ctx, on, n.trial(prefix))
	}
	_, err := on.ExecContext(ctx, n.trial(prefix))
	return err
}

// reads reports why a SELECT of one number that finds nothing cannot be asked.
func reads(ctx context.Context, on queryer, statement string) error {
	var none int
	if err := on.QueryRowContext(ctx, statement).Scan(&none); !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return nil
}

// updated is a column of each table that the store updates.
var updated = map[string]string{
	"clients": "disabled", "client_secrets": "position", "credentials": "delete_after", "revoked_families": "delete_after",
	"api_keys": "revoked_at", "denied_tokens": "expires_at",
}

var errReadOnly = errors.New("sqlstore: the database is read-only: let Config.DB reach the primary, without default_transaction_read_only, read_only or query_only")

// readOnly matches how the databases say so.
var readOnly = regexp.MustCompile(`(?i)read.?only`)

// lacks reports whether a table is not there, which is for [Store.prepare] to say.
func (s *Store) lacks(ctx context.Context, table string) bool {
	var n int
	err := s.db.QueryRowContext(ctx, s.dialect.tableExists(), s.prefix+table).Scan(&n)
	return err == nil && n == 0
}

// checkRights uses each right that the store will need, the rare ones too, without
// touching a row, and names those that the database refuses.
func (s *Store) checkRights(ctx context.Context) error {
	refused := make(map[string][]string)
	var first error
	for _, n := range needs(s.entries()) {
		err := retry(ctx, maxRetries, func(int) error {
			return n.try(ctx, s.db, s.prefix)
		})
		switch {
		case err == nil || s.lacks(ctx, n.table):
			continue
		case ctx.Err() != nil || transient(err):
			return fmt.Errorf("sqlstore: look at the rights of the database's user: %w", err)
		case readOnly.MatchString(err.Error()):
			return fmt.Errorf("%w (%w)", errReadOnly, err)
		}
		refused[s.prefix+n.table] = append(refused[s.prefix+n.table], n.verb)
		if first == nil {
			first = err
		}
	}
	if first == nil {
		return nil
	}
	var grants []string
	for _, table := range slices.Sorted(maps.Keys(refused)) {
		grants = append(grants, "GRANT "+strings.Join(refused[table], ", ")+" ON "+table+" TO its user")
	}
	return fmt.Errorf("sqlstore: the database refuses what the store will need: %s (the first refusal: %w)", strings.Join(grants, "; "), first)
}
