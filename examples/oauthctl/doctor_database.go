package main

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// clockSkew is what the replicas' clocks may differ by (jws.Rotation). The clock of the
// database is a witness: replicas and database usually keep time in the same way.
const clockSkew = 10 * time.Second

const durability = "Read \"What it asks of the database\" in the documentation of sqlstore, and accept it or change the setting"

// database looks at the server, before the store looks at its tables.
func (e *examination) database(ctx context.Context, config sqlstore.Config) error {
	if err := e.clock(ctx, config); err != nil {
		return err
	}
	switch config.Dialect {
	case sqlstore.Postgres:
		var commit string
		if err := config.DB.QueryRowContext(ctx, `SHOW synchronous_commit`).Scan(&commit); err != nil {
			return err
		}
		if commit == "off" {
			e.warn("the database", durability, "synchronous_commit is off: a crash may undo the last spends, so that a code works twice")
		}
	case sqlstore.MySQL:
		var flush string
		if err := config.DB.QueryRowContext(ctx, `SELECT @@innodb_flush_log_at_trx_commit`).Scan(&flush); err != nil {
			return err
		}
		if flush != "1" {
			e.warn("the database", durability, "innodb_flush_log_at_trx_commit is %s: a crash may undo the last spends, so that a code works twice", flush)
		}
	case sqlstore.SQLite:
		var mode string
		if err := config.DB.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
			return err
		}
		if !strings.EqualFold(mode, "wal") {
			e.warn("the database", "Open it once with _pragma=journal_mode(WAL)", "journal_mode is %s: readers wait for every writer", mode)
		}
	}
	return nil
}

// clock compares the clock here with that of the database. That of SQLite is the one
// here.
func (e *examination) clock(ctx context.Context, config sqlstore.Config) error {
	text, ok := map[sqlstore.Dialect]string{
		sqlstore.Postgres: `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`,
		sqlstore.MySQL:    `SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)`,
	}[config.Dialect]
	if !ok {
		return nil
	}
	var there sql.NullInt64
	before := time.Now()
	if err := config.DB.QueryRowContext(ctx, text).Scan(&there); err != nil {
		return err
	}
	after := time.Now()
	e.judgeClock(before, time.UnixMilli(there.Int64), after)
	return nil
}

// judgeClock compares a time there with the times here before and after it was asked.
func (e *examination) judgeClock(before, there, after time.Time) {
	off := max(before.Sub(there), there.Sub(after), 0).Round(time.Millisecond)
	switch {
	case off > clockSkew:
		e.fail("the clocks", "Let NTP set both clocks", "the clock here and the clock of the database differ by %v: replicas sign too early or too late, and codes seem expired", off)
	case off > time.Second:
		e.warn("the clocks", "Let NTP set both clocks", "the clock here and the clock of the database differ by %v", off)
	}
}
