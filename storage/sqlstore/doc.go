// Package sqlstore keeps the records of a token endpoint in PostgreSQL, MySQL
// or MariaDB, or SQLite, through the *sql.DB of the host. It imports no driver.
//
//	func openStore(ctx context.Context, db *sql.DB) (*sqlstore.Store, error) {
//		config := sqlstore.Config{DB: db, Dialect: sqlstore.Postgres}
//		if err := sqlstore.Migrate(ctx, config); err != nil { // safe from every replica at once
//			return nil, err
//		}
//		return sqlstore.Open(ctx, config)
//	}
//
// The store keeps the promises of [github.com/contit/oauth/storage], and
// [github.com/contit/oauth/storage/storagetest] proves it on real servers.
//
// # What a host manages
//
// CreateClient registers a client, and CreateAPIKey adds the key of a user:
//
//	func newAPIKey(ctx context.Context, store *sqlstore.Store, userID string) (storage.Secret, error) {
//		secret, record, err := grants.NewAPIKey("shop_live_", storage.APIKey{
//			ClientID: "billing",
//			Subject:  "user:" + userID,
//			Scope:    []string{"read"},
//		}, time.Now())
//		if err != nil {
//			return storage.Secret{}, err
//		}
//		return secret, store.CreateAPIKey(ctx, record)
//	}
//
// A login page stores a code in a transaction of its own with CreateCredentialTx, or in
// one of pgx with CreateCredentialExec.
// One replica calls [storage.Sweep], or DeleteExpired from a job of its own.
// ListFamilies and RevokeFamily are for a page that shows a user the connected apps, and
// ends one at a click: RevokeFamily knows the families of that user alone. RevokeSubject
// ends all that a user has, API keys too.
//
// # What it asks of the database
//
// All replicas use one database, and every statement goes to its primary. A proxy
// that sends reads to a standby may show a credential as unspent after it was
// spent, and a token as good after it was revoked. A change is as durable as a
// commit: with synchronous_commit=off (PostgreSQL),
// innodb_flush_log_at_trx_commit other than 1 (MySQL) or synchronous=NORMAL (SQLite
// in WAL mode), a crash may undo the last of it. A fail-over to a standby that is
// replicated asynchronously does the same.
//
// Every isolation level works, except READ UNCOMMITTED of MySQL; the comment
// inside [Store.Spend] tells why. SQLite wants a busy_timeout, since writers
// wait for each other, and does best with journal_mode=WAL: with
// modernc.org/sqlite that is
// "file:oauth.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)". SQLite
// plans with the statistics of the last ANALYZE. If ANALYZE ran while a table
// had a few rows, look-ups read whole tables when there are many: let PRAGMA
// optimize run now and then.
//
// # Galera
//
// A store works on a MariaDB Galera cluster, and replicas may write to all of its nodes
// at once. Certification lets one of two rows with the same parent pass, whichever nodes
// they were written on.
//
// The host sets wsrep_sync_wait=7 for every connection, in the DSN of
// github.com/go-sql-driver/mysql as "?wsrep_sync_wait=7" or on all nodes. A node then
// waits before each statement until it has every commit of the other nodes. Each bit keeps
// a promise of [github.com/contit/oauth/storage.Credentials] across nodes:
//
//   - 1, for SELECT: a code that the login page has stored on another node is found.
//   - 2, for UPDATE: a repeated use is counted after a first use on another node.
//   - 4, for INSERT: nobody spends a credential after Revoke has returned on another
//     node. Without 2 and 4, some such spends succeeded, at REPEATABLE READ and at
//     READ COMMITTED.
//
// [Open] refuses a connection that does not have all three. It also refuses
// wsrep_dirty_reads=ON, with which a node answers a SELECT without waiting, and even when
// it has lost the majority, and wsrep_on=OFF, with which a node keeps a spend to itself.
// Open looks at one connection to one node: the host sets all connections and all nodes
// alike. The store cannot set them itself, since the connections are the host's.
//
// A node reports a deadlock (error 1213) for a statement or a COMMIT that has met one on
// another node. The store tries its own work again. A host that stores a code with
// CreateCredentialTx tries its transaction again, with a new code: the code is there
// only if COMMIT has returned nil. A node that has lost the majority answers nothing,
// and the store returns an outage, never a verdict.
//
// # Behind a pooler of PostgreSQL
//
// The store asks nothing of a session but its prepared statements. It sets nothing,
// listens to nothing, and its one advisory lock, that of [Migrate], ends with its
// transaction. So a pooler may lend each transaction another connection (the mode
// "transaction" of PgBouncer) if one of these holds:
//
//   - The pooler knows prepared statements. PgBouncer does from 1.21 on with
//     max_prepared_statements above 0, by its documents: the tests have 1.18.
//   - The store prepares nothing ([Config.Unprepared]), and the driver neither. With
//     pgx put default_query_exec_mode=exec into the DSN; cache_describe and
//     simple_protocol work too. With lib/pq it is binary_parameters=yes, and
//     PgBouncer needs ignore_startup_parameters = extra_float_digits.
//
// [Open] prepares a statement on one connection of the pool, has another one begin a
// transaction, and tries the statement. If it is lost, the store prepares nothing. Then
// Open also tries whether the driver sends each statement with its parameters at once,
// and refuses it if not: parameters that travel alone could reach the statement of
// another client. If the pool has one connection, Open cannot find a pooler: set
// Unprepared. PostgreSQL plans an unprepared statement each time: without a pooler,
// spends were 0.3 (one caller) to 0.5 (64 callers) times as fast (BenchmarkUnprepared).
//
// A pooler may become one that loses statements after Open, by a change of its mode. With
// pgx, which names a statement after its text, a statement that is lost then is an outage,
// and its error says what to do. github.com/lib/pq numbers its statements on each
// connection: another statement may have the number, and run with success in place of the
// one that is meant. A revocation that returned nil may then have revoked nothing. With
// lib/pq behind any pooler, in its mode "session" too, set Unprepared and
// binary_parameters=yes from the start.
//
// In the mode "transaction" a SET of another program reaches the next client of the
// connection. Give the store a user of the database that no other program has, and so a
// pool of its own in PgBouncer.
//
// The mode "session" takes everything, and the mode "statement" is refused. PgBouncer
// refuses settings of the DSN such as search_path, or drops them if
// ignore_startup_parameters says so: give them to the role (ALTER ROLE … SET).
//
// The file sql_pooler_test.go in [storage/integration] runs the suites of the store and
// of the endpoint through PgBouncer 1.18.
//
// # Standbys of PostgreSQL
//
// With a synchronous standby a promotion undoes no acknowledged spend. The primary has
// synchronous_standby_names set, and synchronous_commit is on or remote_apply: PostgreSQL
// then reports a commit as done when the standby has it. While no synchronous standby is
// connected, a spend waits until the time of its request is over, and is an outage.
//
// A DSN with several hosts and target_session_attrs=read-write leads to the primary. pgx
// takes "postgres://user@a:5432,b:5432/db?target_session_attrs=read-write&connect_timeout=1",
// and lib/pq (from 1.11 on)
// "postgres://user@/db?host=a,b&port=5432,5432&target_session_attrs=read-write&connect_timeout=1".
// Keep connect_timeout below the Timeout of the endpoint: a frozen host would take all of
// it. The driver takes the first host that accepts writes. Beside a new primary that may be
// the old one.
//
// When the time of a request is over, some drivers cancel its statement (lib/pq, and pgx
// with its CancelRequestContextWatcherHandler). PostgreSQL then reports the commit as
// done, though the standby does not have it. So the store accepts no answer that comes
// after the context has ended. A host that commits a transaction of its own checks
// ctx.Err() after Commit.
//
// If the answer of a commit is lost, the store looks for its row. PostgreSQL may show a
// row that the standby lacks, since an administrator can end the session of a commit that
// waits. So the store writes to the row before it reports success, and that write waits
// for the standby.
//
// Four events can undo an acknowledged spend:
//
//   - The operator promotes a standby that has not confirmed the spend: an asynchronous
//     one, or with ANY one that lags.
//   - An administrator empties synchronous_standby_names while commits wait. PostgreSQL
//     reports them as done, and the standby is promoted.
//   - An administrator calls pg_cancel_backend for a commit that waits, and PostgreSQL
//     reports the commit as done.
//   - The old primary goes on beside the new one, and has another standby to wait for.
//
// An old primary that goes on without a standby acknowledges no write. It still answers
// look-ups, and may show a revoked token as good. End the old primary before its standby
// is promoted, or see that no DSN leads to it.
//
// Revoke and RevokeToken wait for the standby even if the revocation is there already.
// RevokeFamily, RevokeFamilies, RevokeSubject and RevokeAPIKey do not: if the first call
// gets no answer, and the second call finds everything revoked, a promotion may undo the
// revocation.
//
// In a clone of the repository, "make clusters" runs the tests of this section. In the
// folder storage/integration, cluster_postgres_test.go promotes a standby under load, and
// shows one code that is spent twice across a fail-over to an asynchronous standby.
// cluster_postgres_frozen_test.go has an old primary that goes on beside the new one.
//
// # With pgx
//
// A host with a pgxpool needs no second pool: the store takes connections out of it.
// Let it keep some, since it prepares its statements on each. OpenDBFromPool keeps none,
// which makes each call ten times as slow. Keep fewer than the pool has, for the host's
// own work; those that lie idle go back to the pool. At the end close db and then the
// pool, which waits for the connections that db keeps.
//
//	db := stdlib.OpenDBFromPool(pool)
//	db.SetMaxOpenConns(10) // of a pool of 20
//	db.SetMaxIdleConns(10)
//	db.SetConnMaxIdleTime(5 * time.Minute)
//
// A code is stored in a pgx.Tx with [Store.CreateCredentialExec]:
//
//	err := store.CreateCredentialExec(ctx, func(ctx context.Context, statement string, parameters ...any) (int64, error) {
//		tag, err := tx.Exec(ctx, statement, parameters...)
//		return tag.RowsAffected(), err
//	}, code)
//
// # Costs
//
// A client is one statement to read; [github.com/contit/oauth/storage/clientcache] saves
// nearly all of these. A code or a refresh token is one to read and one to spend. To ask
// whether an access token or its family is revoked is one.
//
// While many calls are in flight, a spend or a new credential shares its statement
// with up to 63 others, and each gets the verdict that it would have got alone. So does
// a look-up of a credential or a client, except on SQLite, where a read is no trip to a
// server. A look-up reads the rows that are there after the call began. No
// call waits for a timer: a call that arrives while few are in flight goes alone, at
// once. A statement that has taken a quarter of its caller's time, or ten seconds, counts
// as in flight no more: if connections hang, the next call that arrives goes on, and takes
// those that wait with it. If a shared statement fails, the store sends each row again
// alone. The statements for several rows take 4 MB of memory for each connection to
// PostgreSQL; [Config.Uncoalesced] does without them.
//
// The store prepares its statements once for each connection of the pool, so call
// DB.SetMaxIdleConns with as many as DB.SetMaxOpenConns. By default database/sql
// keeps two idle connections, and each new one prepares the statements again, some
// seventy of them; max_prepared_stmt_count of MySQL must have room for them. One
// connection is enough: no call takes a second one while it holds the first.
//
// At run time the database's user needs SELECT, INSERT, UPDATE and DELETE on
// the tables, and [Open] names each right that is missing.
//
// The guide examples/scale says what other databases that speak PostgreSQL or MySQL
// promise, and reckons how large a database must be.
//
// # What it keeps
//
// Identifiers (of issuers, clients, secrets, families, subjects and API keys,
// an API key's name and a credential's kind) are compared byte for byte and may
// have 512 bytes. All text is UTF-8 without NUL. Instants lie between the years
// 1 and 9999. The store never finds a record that breaks these rules, and
// answers an attempt to keep one with an outage, not with a verdict.
//
// For a revoked access token the store keeps a digest of its identifier, which
// may be any text, until DeleteExpired finds that the token has expired.
// Signing keys stay, sealed as they came, until [Store.DeleteSigningKey]
// deletes them. A copy of the database is a copy of the sealed keys.
//
// # For package tokenendpoint alone
//
// Package tokenendpoint calls [Store.Opened] when it is configured. No host needs it.
//
// [storage/integration]: https://github.com/contit/oauth/tree/main/storage/integration
package sqlstore
