package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/contit/oauth/storage/sqlstore"
)

func migrate() *command {
	var print bool
	return &command{
		name:  "migrate",
		about: "Bring the schema to the version that this program needs.",
		more: `Every replica and every run may do it at the same time: they wait for each other. The
user of the database needs the right to create and to alter tables here, and nowhere else.
On SQLite the command makes the file if there is none.`,
		example: "oauthctl migrate\n$ oauthctl migrate --print > schema.sql   # for a migration tool of your own",
		plain:   true,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&print, "print", false, "print the SQL of all versions, and change nothing")
		},
		run: func(ctx context.Context, c *call) error {
			if print {
				return c.printSchema()
			}
			db, config, err := c.open(ctx, true)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := sqlstore.Migrate(ctx, config); err != nil {
				return err
			}
			s, err := sqlstore.Open(ctx, config) // it names each right that is missing
			if err != nil {
				return fmt.Errorf("the schema is there, and the store cannot work with it: %w", err)
			}
			defer s.Close()
			c.note("The schema has the version that this program needs.")
			return nil
		},
	}
}

func (c *call) printSchema() error {
	d, err := readDatabase(c.getenv(databaseVariable))
	if err != nil {
		return err
	}
	all, err := sqlstore.Migrations(d.dialect, c.getenv(prefixVariable))
	if err != nil {
		return usage("%s: %v", prefixVariable, err)
	}
	for _, m := range all {
		if _, err := fmt.Fprintf(c.out, "-- version %d: %s\n%s\n", m.Version, m.Name, m.SQL); err != nil {
			return err
		}
	}
	return nil
}
