// Package storage holds the records of an OAuth 2 token endpoint, and the
// contract with the store that keeps them.
//
// The package [github.com/contit/oauth/tokenendpoint] asks a store two kinds
// of things: to find a record, and to make one state change as one step. There
// is no "read, then update": whether a code has been redeemed before is decided
// by [Credentials.Spend], in the store, and nowhere else.
//
// # Ready stores
//
//	memory      tests, examples, one process      a mutex decides
//	sqlstore    PostgreSQL, MySQL and MariaDB,    a unique index decides:
//	            SQLite, on a *sql.DB              a spend is an insert
//	redisstore  Redis and Redis Cluster, over     a script decides; its document
//	            one function of your client       says what a fail-over can lose
//
// Package [github.com/contit/oauth/storage/clientcache] stands before the clients of any
// of them, and asks for a client once in a few seconds.
//
// # A store of your own
//
// [Storage] has six methods, in three small interfaces: [Clients], [Credentials]
// and [APIKeys]. [Revocations] and [SigningKeys] are beside it, for a store that
// keeps these too. A host that keeps its records in several places joins them with
// [Parts], such as clients in a table that was there before:
//
//	func (p partners) Client(ctx context.Context, id string) (*storage.Client, error) {
//		c := &storage.Client{GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{"orders"}}
//		var hash string
//		err := p.db.QueryRowContext(ctx, "SELECT code, secret_hash, suspended FROM partners WHERE code = $1", id).
//			Scan(&c.ID, &hash, &c.Disabled) // the ID as it is stored, should the database ignore case
//		switch {
//		case errors.Is(err, sql.ErrNoRows):
//			return nil, storage.ErrNotFound
//		case err != nil:
//			return nil, err // an outage
//		}
//		c.Secrets = []storage.ClientSecret{{ID: "partner", Hash: hash}}
//		return c, nil
//	}
//
// # The proof of a store
//
// Three lines prove a store:
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(testing.TB) storagetest.Store { return new(memory.Store) })
//	}
//
// The suite [github.com/contit/oauth/storage/storagetest] lets fifty callers
// race, revokes in the middle of a race, and compares each record read back
// with the record stored. A store of credentials alone calls its
// RunCredentials. The suite
// [github.com/contit/oauth/tokenendpoint/endpointtest] runs the whole endpoint
// over a store, rule by rule. examples/hostapp/store.go is a store over the
// tables of a shop.
//
// # What every method promises
//
// Only the sentinels [ErrNotFound], [ErrExists] and [ErrSpent], matched with
// [errors.Is], mean "no". Every other error is an outage: the endpoint answers
// 503 and never a verdict about a credential. A store must therefore not
// return a sentinel when it could not find out.
//
// All methods are safe for concurrent use. Records that come in are copied
// before they are kept, and records that go out are copies: neither side ever
// sees the other's later changes. Text and bytes are kept as they are, a nil
// list stays nil and an empty one empty, since they mean different things;
// instants to the microsecond at least, durations to the second. A context that
// has ended makes a method return an error that is no sentinel and change
// nothing; one that ends on the way may leave either all of a change or nothing.
//
// A store may delete a credential once its ExpiresAt and its FamilyExpiresAt
// have passed, spent or not, and the tombstone of a revoked family once it may
// delete all credentials of that family. Nothing relies on the deletion for
// safety.
//
// # What a host manages
//
// The endpoint needs no more than [Storage]. The pages of a host, where people
// register clients, name and revoke their API keys, or end the access of an
// app, use [ManagedClients], [ManagedAPIKeys] and [Families]; [Sweep] deletes
// expired records.
//
// With a store that does not offer Families, call [Credentials.Revoke] with the
// families of the user's tokens: the event that Config.Observe of the endpoint gets
// has the Family of each.
//
// # For packages grants and tokenendpoint alone
//
// Go has no other place for these, which packages grants and tokenendpoint call. No
// host and no store needs them: [Secret.Derive], [Secret.WellFormedAny],
// [Client.CheckUsed], [Client.CheckAuthMethod], [Client.CheckRedirectURIs]. A host
// calls [Client.Check].
package storage
