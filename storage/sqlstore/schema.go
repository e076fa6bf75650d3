package sqlstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema
var schemaFiles embed.FS

// Migration is one step from one version of the schema to the next.
type Migration struct {
	// Version is the version of the schema after it. The first is 1.
	Version int
	// Name describes the step, such as "0001_initial".
	Name string
	// SQL is the whole of it, for a tool of the host's own. It ends by writing
	// the version into the table schema_version, which [Open] reads.
	SQL string
}

// statements splits m into texts that a driver accepts in one call.
func (m Migration) statements() []string {
	var all []string
	for _, statement := range strings.Split(m.SQL, ";\n") {
		if strings.TrimSpace(statement) != "" {
			all = append(all, statement)
		}
	}
	return all
}

// Migrations returns all steps of the schema in their order, for people who run
// their own migration tool or want to read what [Migrate] does. Pass the prefix
// of [Config.TablePrefix].
func Migrations(d Dialect, prefix string) ([]Migration, error) {
	prefix, err := checkedNames(d, prefix)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(schemaFiles, "schema/"+d.String()+"/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []Migration
	for i, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], ".sql")
		all = append(all, Migration{Version: i + 1, Name: base, SQL: strings.ReplaceAll(string(text), "{}", prefix)})
	}
	return all, nil
}

// schemaVersion is the content of the table schema_version.
type schemaVersion struct {
	version   int // 0 if there is none
	worksWith int // the oldest version whose library may use it
}

var errVersionTable = errors.New("the version of the schema cannot be read from the table")

// versionOf reads the version over one connection or the pool.
func versionOf(ctx context.Context, q queryer, d Dialect, prefix string) (v schemaVersion, err error) {
	var tables int
	err = q.QueryRowContext(ctx, d.tableExists(), prefix+"schema_version").Scan(&tables)
	if err != nil || tables == 0 {
		return v, err
	}
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0), COALESCE(MAX(works_with), 0) FROM `+prefix+`schema_version`).
		Scan(&v.version, &v.worksWith)
	if err != nil && ctx.Err() == nil && !transient(err) {
		return v, fmt.Errorf("%w %q (may the user read it, and is it this library's? If not, set Config.TablePrefix): %w", errVersionTable, prefix+"schema_version", err)
	}
	return v, err
}

// checkSchema returns the error of [Open] about the version. A schema may be
// newer than the library as long as it works with it: while replicas are
// replaced one by one, the old ones must be able to restart.
func (s *Store) checkSchema(ctx context.Context) error {
	all, err := Migrations(s.dialect, s.prefix)
	if err != nil {
		return err
	}
	v, err := versionOf(ctx, s.db, s.dialect, s.prefix)
	switch want := len(all); {
	case errors.Is(err, errVersionTable):
		return fmt.Errorf("sqlstore: %w", err)
	case err != nil:
		return fmt.Errorf("sqlstore: the version of the schema cannot be read; is the dialect of the database %v? %w", s.dialect, err)
	case v.version == 0:
		return fmt.Errorf("sqlstore: there is no schema with the table prefix %q: call sqlstore.Migrate first", s.prefix)
	case v.version < want:
		return fmt.Errorf("sqlstore: the schema has version %d and this library needs %d: call sqlstore.Migrate first", v.version, want)
	case v.worksWith > want:
		return fmt.Errorf("sqlstore: the schema has version %d, which needs a library for version %d or later, and this is one for %d: upgrade github.com/contit/oauth",
			v.version, v.worksWith, want)
	}
	return nil
}
