package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed schema.sql
var schema string

// database is the shop's SQLite file. SQLite has one writer at a time, so there
// is one connection that writes, and writers queue in Go, where a context ends
// the wait, instead of in SQLite's busy handler. Readers have connections of
// their own: with a write-ahead log they do not wait for the writer.
type database struct {
	read, write *sql.DB
}

func openDatabase(ctx context.Context, path string) (*database, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	// Immediate: a transaction that reads before it writes takes the write lock
	// first. A deferred one would fail where two processes share the file.
	write, err := sql.Open("sqlite", name+"&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(8)
	d := &database{read: read, write: write}
	if _, err := write.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("hostapp: create tables: %w", err), d.Close())
	}
	return d, nil
}

// Close closes all connections.
func (d *database) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// update runs f in one transaction: all of it or nothing.
func (d *database) update(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
