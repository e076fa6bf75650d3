// Package sqlstore keeps the records of a token endpoint in PostgreSQL, MySQL
// or MariaDB, or SQLite, through the *sql.DB of the host. It imports no driver.
//
//	db, err := sql.Open("pgx", dsn)
//	config := sqlstore.Config{DB: db, Dialect: sqlstore.Postgres}
//	err = sqlstore.Migrate(ctx, config)
//	store, err := sqlstore.Open(ctx, config)
//
// It does what [github.com/contit/oauth/storage] promises, and is proven by
// [github.com/contit/oauth/storage/storagetest] on real servers.
//
// # What it asks of the database
//
// All replicas use one database, and every statement goes to its primary: a
// proxy that sends reads to a standby may show a credential as unspent after it
// was spent, and a token as good after it was revoked. What the store has done is
// as durable as a commit is: with synchronous_commit=off (PostgreSQL),
// innodb_flush_log_at_trx_commit other than 1 (MySQL) or synchronous=NORMAL (SQLite
// in WAL mode), a crash may undo the last of it, and a fail-over to a standby that
// is replicated asynchronously does the same.
//
// Every isolation level but MySQL's READ UNCOMMITTED will do; the comment inside
// [Store.Spend] tells why. SQLite wants a busy_timeout, since writers wait for
// each other, and does best with journal_mode=WAL: with modernc.org/sqlite that is
// "file:oauth.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)". It plans by what the last ANALYZE
// found: if that was run while a table had a few rows, let PRAGMA optimize run now
// and then, or look-ups read whole tables when there are many.
//
// # With pgx
//
// Open a pool of its own with sql.Open("pgx", dsn), and let the server have room for
// it beside a pgxpool. A *sql.DB over the same pool (stdlib.OpenDBFromPool) keeps no
// idle connections, so that the statements are prepared again and again. A code that
// is stored together with rows of the host's wants a *sql.Tx, not a pgx.Tx.
//
// # What it costs
//
// A client is one statement to read. A code or a refresh token is one to read and
// one to spend. To ask whether an access token or its family is revoked is one.
// What is spent or created while much is under way shares its statement with up to
// 63 others, and each gets the verdict that it would have got alone. No timer is
// waited for: who comes while little is under way goes alone, at once. If a shared
// statement fails, each row is sent again alone. The statements for several take
// about 4 MB of memory for each connection to PostgreSQL; [Config.Uncoalesced]
// does without them.
//
// Statements are prepared once for each connection of the pool, so call
// DB.SetMaxIdleConns with as many as DB.SetMaxOpenConns: by default database/sql
// keeps two idle connections, and each new one prepares the statements again, some
// sixty of them, for which MySQL's max_prepared_stmt_count must have room. A
// pooler in between must know prepared statements, as PgBouncer does from 1.21 on
// with max_prepared_statements above 0. One connection is enough: no call takes a
// second one while it holds the first.
//
// At run time the database's user needs SELECT, INSERT, UPDATE and DELETE on the
// tables. The table replay is for later versions and stays empty.
//
// # What it keeps
//
// Identifiers (of clients, secrets, families, subjects and API keys, and a
// credential's kind) are compared byte for byte and may have 512 bytes. All text is
// UTF-8 without NUL. Instants lie between the years 1 and 9999. What is not so
// is refused with an error that is no verdict, and never found.
//
// Of an access token that was revoked there is a digest of its identifier, which
// may be any text, until DeleteExpired finds that the token has expired. Signing
// keys stay, sealed as they came, until [Store.DeleteSigningKey] deletes them. A
// copy of the database is a copy of the sealed keys.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/contit/oauth/storage"
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
	// Uncoalesced gives every spend and every new credential a statement of its
	// own. If false, those that come while several are under way share one:
	// less work for the database under load, and no difference without.
	Uncoalesced bool
}

const defaultPrefix = "oauth_"

var prefixForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,31}$`)

// checked returns c with its defaults, or all that is wrong with it.
func (c Config) checked() (Config, error) {
	var noDB, err error
	if c.DB == nil {
		noDB = errors.New("sqlstore: Config.DB is nil")
	}
	c.TablePrefix, err = checkedNames(c.Dialect, c.TablePrefix)
	return c, errors.Join(noDB, err)
}

// checkedNames returns the prefix with its default, or what is wrong with either.
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
// What the database refuses for the sake of concurrency (a deadlock, a
// serialization failure, a lock that was waited for too long, a busy SQLite) is
// tried again up to three times, a few milliseconds apart. Every other error of
// the database is returned, wrapped.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string
	statements
	spendAll, createAll shared
	spends, creates     *queue
	uncoalesced         bool
}

var (
	_ storage.Storage     = (*Store)(nil)
	_ storage.Revocations = (*Store)(nil)
	_ storage.SigningKeys = (*Store)(nil)
)

// Open checks the configuration, that the database answers, and the version of
// its schema, and prepares the statements, so that a missing table or column is
// found here and not at the first request. A schema that is missing or older wants
// [Migrate], one that is too new wants a later version of this library. Whether
// the user may write is not checked.
func Open(ctx context.Context, c Config) (*Store, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	s := &Store{db: c.DB, dialect: c.Dialect, prefix: c.TablePrefix, uncoalesced: c.Uncoalesced}
	if err := s.db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("sqlstore: the database does not answer; Config.DB must be open and its server up: %w", err)
	}
	if err := s.checkSchema(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.checkSafe(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.spends = s.queue(s.spend, &s.spendAll)
	s.creates = s.queue(s.createCredential, &s.createAll)
	return s, nil
}

// Close closes the prepared statements. It leaves the DB open.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.prepared() {
		if *p.to != nil {
			errs = append(errs, (*p.to).Close())
		}
	}
	return errors.Join(errs...)
}
