// Package redisstore keeps the records of a token endpoint in Redis 6 or later,
// or in Valkey. It imports no client for Redis: the host hands it one function,
// [Do], which every client fits in a line. With github.com/redis/go-redis/v9:
//
//	rdb := redis.NewClient(&redis.Options{
//		Addr:                  addr,
//		ContextTimeoutEnabled: true, // else calls outlive their context
//	})
//	store, err := redisstore.New(redisstore.Config{
//		Do: func(ctx context.Context, args ...any) (any, error) {
//			return rdb.Do(ctx, args...).Result()
//		},
//		SingleServer: true, // unless addr is a node of a Redis Cluster
//	})
//	if err != nil {
//		return err
//	}
//	if err := store.Check(ctx); err != nil { // at the start of the process
//		return err
//	}
//
// Without ContextTimeoutEnabled, go-redis waits for its own ReadTimeout, and a
// request that was given up goes on.
//
// It does what [github.com/contit/oauth/storage] promises, and is proven by
// [github.com/contit/oauth/storage/storagetest], as long as the server keeps
// what it has acknowledged. Read on for when it does not. It does not list a
// user's grants or keys; [github.com/contit/oauth/storage/sqlstore] does.
//
// # What a fail-over loses
//
// Do not promise single use across fail-overs. Redis replicates after it has
// answered. A primary that is lost takes with it the last of what it has
// acknowledged; on the replica that follows it, a code or a refresh token that
// was spent in that time is unspent, and can be redeemed again. So it is for a
// revocation. This goes for Sentinel, for Redis Cluster, and for managed
// services. WAIT does not change it: it tells how many replicas have a write,
// and neither undoes the write when they are too few nor keeps a replica
// without it from being promoted. min-replicas-to-write only bounds for how
// long it can go on.
//
// A host that must promise single use keeps its credentials in
// [github.com/contit/oauth/storage/sqlstore] on PostgreSQL. [storage.Parts]
// lets it keep other records here.
//
// # What a restart loses
//
// What a server finds on its disk decides:
//
//   - appendonly yes with appendfsync always: nothing.
//   - appendonly yes with appendfsync everysec: nothing if only the process
//     ends, and about the last second if the machine does. In that second a
//     spend is undone as in a fail-over.
//   - snapshots (save) without appendonly: all since the last snapshot. A
//     credential that was spent since then is unspent again. Do not use it.
//   - neither: everything, as after FLUSHALL.
//
// After FLUSHALL nothing is found, so nothing can be spent: a code gives
// invalid_grant, users sign in again, and nothing is redeemed twice. Clients and
// API keys are gone as well, and the host puts them in again.
//
// # Eviction
//
// maxmemory-policy must be noeviction, which is the default. An evicted
// credential is not found, so that no code is redeemed twice, but users are
// signed out at random, and clients and API keys disappear. When a server
// with noeviction is full, writes fail: the endpoint answers 503. [Store.Check]
// looks at the policy.
//
// # Expiry
//
// Credentials expire by themselves, so there is no DeleteExpired to call. A
// family is kept until the last ExpiresAt or FamilyExpiresAt of its credentials,
// and two hours longer, since the clock of the server judges it and may be
// ahead. What is remembered of a revoked family is kept as long, and at least a
// day.
//
// # Redis Cluster, and round trips
//
// Every script uses keys of one slot, so that the store works on Redis Cluster
// as it is. All of a family is one key. What is presented does not name its
// family, so that a second key, in a slot of its own, leads from the digest to
// the family:
//
//	                            anywhere   with SingleServer
//	Credential                      2              1
//	CreateCredential                2              1
//	Spend without successor         1              1
//	Spend with successor            2              1
//	Revoke, Client, APIKey          1              1
//
// A Spend that moves FamilyExpiresAt to a later instant, as that of a code does
// when a refresh token follows from it, takes one round trip more, and a Spend
// that loses with a successor one more as well; not with [Config.SingleServer].
// The first use of a script on a server takes one more.
//
// All clients are one key, and all API keys are another: on a cluster, the two
// nodes that have them answer for all.
//
// # Keys
//
// Each begins with [Config.Prefix]; a store uses no others.
//
//	credential:<digest>     string: a mark of 16 characters, then the family
//	family:<family>         hash: c:<digest> a credential, u:<digest> its use,
//	                        revoked, until (when it expires)
//	clients                 hash: ID to client
//	{api_keys}              hash: k:<digest> an API key, r:<digest> when it was
//	                        revoked, i:<ID> a digest
//	{api_keys}:<client ID>  set: digests of API keys
//	token:<digest>          string: that an access token is revoked
//	signing_keys            hash: t:<turn> a signing key, i:<ID> a turn
//	check                   what Check writes, for a second
//
// The names once:… are reserved for what later versions remember once.
package redisstore
