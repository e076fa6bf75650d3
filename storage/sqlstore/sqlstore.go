package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore/internal/coalesce"
)

// Config tells where a [Store] keeps its records.
type Config struct {
	// DB is the host's. The store does not close it.
	DB *sql.DB
	// Dialect is the SQL that DB speaks. It has no default.
	Dialect Dialect
	// TablePrefix begins the name of every table: up to 32 of a to z, 0 to 9
	// and _, and no digit first. If empty, it is "oauth_". It names no schema:
	// for another one of PostgreSQL, set search_path in the DSN.
	TablePrefix string
	// Uncoalesced gives every spend, every new credential and every look-up a statement
	// of its own. If false, those that arrive while several are in flight share one:
	// less work for the database under load, and no difference without.
	Uncoalesced bool
	// Unprepared has the store prepare nothing, for a pooler that lends each
	// transaction another connection to PostgreSQL and does not know prepared
	// statements, as PgBouncer before 1.21 in its mode "transaction". [Open] sets
	// it by itself if it meets such a pooler. If the pool has one connection, Open
	// cannot find out. The driver must prepare nothing either: with pgx put
	// default_query_exec_mode=exec into the DSN, with lib/pq binary_parameters=yes.
	// With lib/pq set it behind every pooler: if the pooler's mode changed later, another
	// statement than the one that is meant could run. It is for Postgres alone.
	Unprepared bool
}

const defaultPrefix = "oauth_"

var prefixForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,31}$`)

// checked returns c with its defaults, or all that is wrong with it.
func (c Config) checked() (Config, error) {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("sqlstore: Config.DB is nil"))
	}
	prefix, err := checkedNames(c.Dialect, c.TablePrefix)
	if err == nil && c.Unprepared && c.Dialect != Postgres {
		err = errors.New("sqlstore: Config.Unprepared is for Postgres: leave it out")
	}
	c.TablePrefix = prefix
	return c, errors.Join(append(errs, err)...)
}

// checkedNames returns the prefix with its default, or the fault of the dialect
// or the prefix.
func checkedNames(d Dialect, prefix string) (string, error) {
	var errs []error
	if !d.known() {
		errs = append(errs, errors.New("sqlstore: Config.Dialect must be Postgres, MySQL or SQLite"))
	}
	if prefix == "" {
		prefix = defaultPrefix
	}
	if !prefixForm.MatchString(prefix) {
		errs = append(errs, errors.New("sqlstore: Config.TablePrefix must be up to 32 of a to z, 0 to 9 and _, and no digit first"))
	}
	return prefix, errors.Join(errs...)
}

// Store is a [storage.Storage] in a database. [Open] makes it. All methods are
// safe for concurrent use, and none starts a goroutine of its own. Credentials and
// revocations stay until [Store.DeleteExpired] is called.
//
// The store tries again up to three times, a few milliseconds apart, if the
// database refuses a statement because of concurrency: a deadlock, a
// serialization failure, a lock that was waited for too long, a busy SQLite. It
// tries up to ten times after a deadlock of MySQL, which is also how a Galera cluster
// reports that two nodes have written the same row.
// Every other error of the database is returned, wrapped.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	statements
	spendAll, createAll      shared
	credentialAll, clientAll shared
	spends, creates          *coalesce.Queue[row]
	credentials              *coalesce.Queue[*wanted[storage.Credential]]
	clients                  *coalesce.Queue[*wanted[storage.Client]]
	uncoalesced              bool
	unprepared               bool
}

var (
	_ storage.Storage        = (*Store)(nil)
	_ storage.Revocations    = (*Store)(nil)
	_ storage.SigningKeys    = (*Store)(nil)
	_ storage.ManagedClients = (*Store)(nil)
	_ storage.ManagedAPIKeys = (*Store)(nil)
	_ storage.Families       = (*Store)(nil)
	_ storage.Expirer        = (*Store)(nil)
)

// Open checks the configuration, that the database answers, and the version of
// its schema, and prepares the statements, so that a missing table or column is
// found here and not at the first request. A schema that is missing or older wants
// [Migrate], one that is too new wants a later version of this library. It also tries,
// with statements that touch no row, whether the database's user has each right that
// the store will need on each table, and whether the database can be written at all.
func Open(ctx context.Context, c Config) (*Store, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Store{db: c.DB, dialect: c.Dialect, prefix: c.TablePrefix, uncoalesced: c.Uncoalesced, unprepared: c.Unprepared}
	if err := s.db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("sqlstore: the database does not answer; Config.DB must be open and its server up: %w", err)
	}
	if err := s.checkPooler(ctx); err != nil {
		return nil, err
	}
	if err := s.checkSchema(ctx); err != nil {
		return nil, err
	}
	if err := s.checkRights(ctx); err != nil { // MySQL would refuse to prepare, and seem to lack a table
		return nil, err
	}
	if err := s.checkSafe(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.spends = s.queue(s.spend, &s.spendAll)
	s.creates = s.queue(s.createCredential, &s.createAll)
	s.credentials = readQueue(s, s.oneCredential, s.allCredentials)
	s.clients = readQueue(s, s.oneClient, s.allClients)
	return s, nil
}

var errNotOpened = errors.New("sqlstore: the store was not made by Open")

// Opened returns an error for a Store that was not made by [Open]. Package
// tokenendpoint calls it, to refuse such a store before the first request.
func (s *Store) Opened() error {
	if s.db == nil {
		return errNotOpened
	}
	return nil
}

// Close closes the prepared statements. It leaves the DB open.
func (s *Store) Close() error {
	var errs []error
	for _, e := range s.entries() {
		if st := *e.to; st != nil && st.prepared != nil {
			errs = append(errs, st.prepared.Close())
		}
	}
	return errors.Join(errs...)
}
