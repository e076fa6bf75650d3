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
// revocation: a family or an access token that was revoked is good again. This
// goes for Sentinel, for Redis Cluster, and for managed services. WAIT does not
// change it: it tells how many replicas have a write, and neither undoes the write
// when they are too few nor keeps a replica without it from being promoted.
// min-replicas-to-write only bounds for how long it can go on.
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
// API keys are gone as well, and the host puts them in again. Access tokens that
// were revoked are good again until they expire, and the signing keys are lost.
//
// # Signing keys
//
// They stand in one key of Redis, which has no expiry. A fail-over, a restart or
// FLUSHALL that takes it away, or its last change, takes private keys of which there
// is no other copy. The replicas make new ones, and tokens that were signed before
// can no longer be verified with the keys that are here. A key that a fail-over has
// lost can get a rival with its turn, while a replica still signs with it.
//
// So configure appendonly yes, with appendfsync always or, at the price of the last
// second, everysec, and keep a copy of the file; or keep the signing keys in
// [github.com/contit/oauth/storage/sqlstore]. They are sealed: whoever has a copy of
// the data needs the host's key-encryption key as well.
//
// # Eviction
//
// maxmemory-policy must be noeviction, which is the default. An evicted
// credential is not found, so that no code is redeemed twice, but users are
// signed out at random, clients and API keys disappear, revoked access tokens are
// good again, and an eviction can take the signing keys. When a server
// with noeviction is full, writes fail: the endpoint answers 503. [Store.Check]
// looks at the policy.
//
// # Expiry
//
// Credentials expire by themselves, so there is no DeleteExpired to call. A
// family is kept until the last ExpiresAt or FamilyExpiresAt of its credentials,
// and two hours longer, since the clock of the server judges it and may be
// ahead. What is remembered of a revoked family is kept as long, and at least a
// day. What is remembered of a revoked access token is kept for two hours longer
// than until its expiresAt. Signing keys do not expire.
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
//	Revoked, of a family            2              1
//	Revoked, without one            1              1
//	RevokeToken, signing keys       1              1
//
// A token does not name the slot of its family either: Revoked asks for the token
// first, and for the family only if the token itself is not revoked.
//
// A Spend that moves FamilyExpiresAt to a later instant, as that of a code does
// when a refresh token follows from it, takes one round trip more, and a Spend
// that loses with a successor one more as well; not with [Config.SingleServer].
// The first use of a script on a server takes one more.
//
// All clients are one key, all API keys are another, and all signing keys a third:
// on a cluster, the nodes that have them answer for all.
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
//	token:<digest>          string: that the access token is revoked whose jti
//	                        has this digest
//	signing_keys            hash: t:<turn> a mark of 16 characters, then a
//	                        signing key; i:<ID> a turn
//	check                   what Check writes, for a second
//
// The names once:… are reserved for what later versions remember once.
package redisstore
