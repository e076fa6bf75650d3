package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errNoJudge    = errors.New("sqlstore: the table of credentials has no unique index on its column parent, without which a code could be redeemed twice: create it, or call sqlstore.Migrate on an empty prefix")
	errAutocommit = errors.New("sqlstore: autocommit is off, so that what is written would be rolled back later: set it on, in the DSN or the server")
	errIsolation  = errors.New("sqlstore: the isolation level is READ UNCOMMITTED, which shows what may never be committed: set another one, in the DSN or the server")
	errUnchecked  = errors.New("sqlstore: unique_checks is off, so that InnoDB may let a second row with the same parent pass, and a code be redeemed twice: set it on, in the DSN or the server")
	errLocal      = errors.New("sqlstore: the server has a provider of Galera, and wsrep_on is off, so that what is written stays on this node, and a code could be redeemed once on each: set wsrep_on=ON; a server that is no node has wsrep_provider=none")
	errDirty      = errors.New("sqlstore: wsrep_dirty_reads is on, so that a node of a Galera cluster answers with what it has, also when it has lost the others, and a revoked family could still be used: set it off, in the DSN or on every node")
	errStale      = errors.New("sqlstore: the server is a node of a Galera cluster and does not wait for what other nodes have committed, so that a revoked family could still be used: set wsrep_sync_wait=7, in the DSN or on every node")
)

// uniqueParent counts the unique indexes on the parent of a credential and on
// nothing else: they judge whether a credential was used before.
func (d Dialect) uniqueParent() string {
	switch d {
	case Postgres:
		return `SELECT COUNT(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = to_regclass($1) AND a.attname = 'parent' AND i.indnatts = 1
				AND i.indisunique AND i.indisvalid AND i.indpred IS NULL`
	case MySQL:
		return `SELECT COUNT(*) FROM information_schema.statistics s JOIN information_schema.tables t
				ON t.table_schema = s.table_schema AND t.table_name = s.table_name AND t.engine = 'InnoDB'
			WHERE s.table_schema = DATABASE() AND s.table_name = ? AND s.column_name = 'parent' AND s.non_unique = 0
				AND NOT EXISTS (SELECT 1 FROM information_schema.statistics o WHERE o.table_schema = s.table_schema
					AND o.table_name = s.table_name AND o.index_name = s.index_name AND o.seq_in_index > 1)`
	}
	return `SELECT COUNT(*) FROM pragma_index_list(?) l WHERE l."unique" = 1 AND l.partial = 0
		AND (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) = 'parent'`
}

// checkSafe refuses a database on which the promises of a store would not hold,
// however well its statements went. A host's own migration tool, a restored
// dump or a DSN can bring that about.
func (s *Store) checkSafe(ctx context.Context) error {
	var n int
	err := s.db.QueryRowContext(ctx, s.dialect.uniqueParent(), s.prefix+"credentials").Scan(&n)
	switch {
	case err != nil:
		return fmt.Errorf("sqlstore: look for the index on parent: %w", err)
	case n == 0 && !s.lacks(ctx, "credentials"):
		return errNoJudge
	case s.dialect == MySQL:
		return s.checkSession(ctx)
	}
	return nil
}

// checkSession looks at the settings of a MySQL connection. A DSN or the server
// sets them alike for every connection.
func (s *Store) checkSession(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SHOW SESSION VARIABLES WHERE Variable_name IN ('autocommit', 'tx_isolation', 'transaction_isolation',
		'unique_checks', 'wsrep_on', 'wsrep_provider', 'wsrep_sync_wait', 'wsrep_dirty_reads')`)
	if err != nil {
		return fmt.Errorf("sqlstore: look at the session: %w", err)
	}
	defer rows.Close()
	settings := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return fmt.Errorf("sqlstore: look at the session: %w", err)
		}
		settings[strings.ToLower(name)] = strings.ToUpper(value)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("sqlstore: look at the session: %w", err)
	}
	return faultOfSession(settings)
}

// causal are the bits of wsrep_sync_wait with which a node of a Galera cluster
// waits for what other nodes have committed before it reads (1), updates or deletes
// (2) or inserts (4). A Spend is an INSERT that must see a Revoke on another node.
const causal = 1 | 2 | 4

// faultOfSession returns the fault of the settings of a MySQL connection. Their values are in
// upper case.
func faultOfSession(settings map[string]string) error {
	for _, name := range []string{"tx_isolation", "transaction_isolation"} {
		if settings[name] == "READ-UNCOMMITTED" {
			return errIsolation
		}
	}
	if on := settings["autocommit"]; on != "" && on != "ON" {
		return errAutocommit
	}
	if checks := settings["unique_checks"]; checks != "" && checks != "ON" {
		return errUnchecked
	}
	if provider := settings["wsrep_provider"]; provider == "" || provider == "NONE" {
		return nil
	}
	switch {
	case settings["wsrep_on"] != "ON":
		return errLocal
	case settings["wsrep_dirty_reads"] == "ON":
		return errDirty
	}
	if waits, err := strconv.Atoi(settings["wsrep_sync_wait"]); err != nil || waits&causal != causal {
		return errStale
	}
	return nil
}
