package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed demo.sql
var demoSQL string

// makeDemo makes the tables of the site, with rows, in a schema of their own. Drop takes
// the schema away again.
func (s *settings) makeDemo(ctx context.Context) (drop func(), err error) {
	schema := "demo_" + strings.ToLower(rand.Text())
	s.database.ConnConfig.RuntimeParams["search_path"] = schema
	if s.keyEncryptionKey == "" {
		key := make([]byte, 32)
		rand.Read(key) // it cannot fail: the process ends instead
		s.keyEncryptionKey = base64.StdEncoding.EncodeToString(key)
	}
	exec := func(ctx context.Context, statements string) error {
		connection, err := pgx.ConnectConfig(ctx, s.database.ConnConfig)
		if err != nil {
			return err
		}
		defer connection.Close(ctx)
		_, err = connection.Exec(ctx, statements)
		return err
	}
	drop = func() { _ = exec(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE") } // a schema that is left harms nobody
	return drop, exec(ctx, "CREATE SCHEMA "+schema+";\n"+demoSQL)
}
