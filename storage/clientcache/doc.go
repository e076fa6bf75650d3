// Package clientcache remembers the clients of a store for a few seconds, so that not
// every request asks a database for the same client.
//
//	func newEndpoint(store *sqlstore.Store, c tokenendpoint.Config) (*tokenendpoint.Handler, error) {
//		clients, err := clientcache.New(store, clientcache.Config{Staleness: 10 * time.Second})
//		if err != nil {
//			return nil, err
//		}
//		c.Storage = storage.Parts{Clients: clients, Credentials: store, APIKeys: store}
//		return tokenendpoint.New(c)
//	}
//
// # How old an answer may be
//
// A request may get a client as it was [Config.Staleness] before the request came, and
// not older. So a replica refuses a client within that time after another process has
// disabled it, takes a new secret within that time, and refuses a secret that was taken
// away within that time. The endpoint still compares the secrets of a client with the
// clock: a secret ends at its ExpiresAt, to the second.
//
// A process that changes a client itself calls [Cache.Forget], and its next request
// sees the change. [Cache.Managed] does that after each change.
//
// The cache measures with the monotonic clock, which nobody can set back. On Linux it stands
// still while a machine is suspended: for up to Staleness after the machine wakes, a client
// may be older by the time that the machine slept.
//
// Only clients are remembered. Codes, refresh tokens, API keys and revocations are asked
// for each time.
//
// # What strangers can measure
//
// A client that is remembered is answered without the trip to the store, and an identifier
// that the store does not have costs the trip the first time. So a stranger who asks twice
// for an identifier, or for one that is in use, can tell by the time of the answer whether
// the client exists. The hashing still costs the same for both
// ([github.com/contit/oauth/tokenendpoint/clientauth.Secrets]). What a stranger learns is
// that a client_id exists, and no secret. The bounds of the endpoint on failures narrow
// it: a network gets 300 guesses at once, and then one a second. A [Config.UnknownFor] as
// long as Staleness makes the second question about an unknown identifier as fast. Nobody
// guesses client IDs that are drawn at random. A host that must hide which clients exist
// leaves the cache out.
//
// # Around which store
//
// The cache stands directly around the store that keeps the registered clients. The
// clients of package clientmetadata stand around the cache: anybody can make as many of
// these as they like, and would push the registered clients out of it.
//
// A client is remembered by its identifier alone, for the callers of every context. If the
// context of a request decides which client a store returns, such as by a tenant in it,
// each tenant needs a cache of its own.
package clientcache
