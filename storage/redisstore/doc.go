// Package redisstore keeps the records of a token endpoint in Redis 6 or later,
// or in Valkey. It imports no client for Redis: the host hands it one function,
// [Do], which takes a line with every client. With github.com/redis/go-redis/v9:
//
//	func openRedisStore(ctx context.Context, addr string) (*redisstore.Store, error) {
//		rdb := redis.NewClient(&redis.Options{
//			Addr:                  addr,
//			ContextTimeoutEnabled: true, // else calls outlive their context
//		})
//		store, err := redisstore.New(redisstore.Config{
//			Do: func(ctx context.Context, args ...any) (any, error) {
//				return rdb.Do(ctx, args...).Result()
//			},
//			SingleServer: true, // unless addr is a node of a Redis Cluster
//		})
//		if err != nil {
//			return nil, err
//		}
//		return store, store.Check(ctx) // at the start of the process
//	}
//
// Without ContextTimeoutEnabled, go-redis waits for its own ReadTimeout, and a
// request that was given up goes on.
//
// The store keeps the promises of [github.com/contit/oauth/storage], and
// [github.com/contit/oauth/storage/storagetest] proves it, as long as the
// server keeps every write that it has acknowledged. The next sections describe
// a server that does not.
//
// A host manages clients and API keys with it. It does not offer [storage.Families]:
// an index of families by subject would be one key more to write for each code, in
// another slot of a cluster, and a family keeps all that was spent, so that a page
// would read it whole. [github.com/contit/oauth/storage/sqlstore] lists and ends the
// families of a subject.
//
// # What a fail-over loses
//
// Do not promise single use across fail-overs. Redis replicates after it has
// answered. A primary that is lost takes its last acknowledged writes with it. On
// the replica that follows it, a code or a refresh token that was spent in that time
// is unspent, and can be redeemed again. A family or an access token that was
// revoked in that time is good again. Sentinel, Redis Cluster and managed services
// all do this. WAIT does not change it: WAIT tells how many replicas have a write. It
// neither undoes the write when they are too few, nor keeps a replica without the
// write from being promoted. min-replicas-to-write only bounds how long this can go
// on.
//
// A host that must promise single use keeps its credentials in
// [github.com/contit/oauth/storage/sqlstore] on PostgreSQL. [storage.Parts]
// lets it keep other records here.
//
// # What a restart loses
//
// The files that the server finds on its disk decide:
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
// All signing keys are in one entry of Redis, which has no expiry. A fail-over,
// a restart or FLUSHALL that takes the entry away, or its last change, takes
// private keys of which there is no other copy. The replicas make new keys, and
// no verifier can check older tokens with the new keys. A replica may still
// sign with a key that a fail-over has lost, while another key gets the same
// turn.
//
// So configure appendonly yes, with appendfsync always or, at the price of the last
// second, everysec, and keep a copy of the file; or keep the signing keys in
// [github.com/contit/oauth/storage/sqlstore]. The keys are sealed: a thief with a copy
// of the data needs the host's key-encryption key as well.
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
// ahead. The store remembers a revoked family as long, and at least a day. It
// remembers a revoked access token until two hours after its expiresAt. Signing keys
// do not expire.
//
// # Redis Cluster, and round trips
//
// Every script uses keys of one slot, so that the store works on Redis Cluster
// as it is. All records of a family are one entry. A code or a refresh token does not
// name its family, so that a second entry, in a slot of its own, leads from the
// digest to the family:
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
// All clients are one entry, all API keys are another, and all signing keys a third:
// on a cluster, the nodes that have them answer for all.
//
// Slots may move under load. The client follows MOVED and ASK, and no call needs two
// keys of a slot that is between two nodes. A client that learns of a new master late
// makes a fail-over longer: go-redis looks once a minute, so that a third of the
// families of a cluster of three has an outage for as long. Set
// ClusterStateReloadInterval of its ClusterOptions to a second.
//
// # The server's user
//
// With an ACL, the user needs the keys with the prefix and these commands, of which
// [Store.Check] tries each; info lets Check see whether the server evicts:
//
//	ACL SETUSER app on >password ~oauth:* +eval +evalsha +info +time
//		+del +exists +pttl +pexpireat +get +set +setnx
//		+hget +hmget +hset +hsetnx +hexists +hdel +hgetall +hscan +zadd +zrangebylex
//
// All commands but the dangerous ones will do as well: +@all -@dangerous.
//
// # Names in Redis
//
// Each begins with [Config.Prefix]; a store uses no others.
//
//	credential:<digest>     string: a nonce of 16 characters, then the family
//	family:<family>         hash: c:<digest> a credential, u:<digest> its use,
//	                        revoked, until (when it expires)
//	clients                 hash: ID to client
//	{api_keys}              hash: k:<digest> an API key, r:<digest> when it was
//	                        revoked, i:<ID> a digest
//	{api_keys}:client:<ID>  sorted set: IDs of a client's API keys
//	{api_keys}:subject:<sub>  sorted set: IDs of a subject's API keys
//	token:<digest>          string: that the access token is revoked whose jti
//	                        has this digest
//	signing_keys            hash: t:<turn> a nonce of 16 characters, then a
//	                        signing key; i:<ID> a turn
//	check, check:2          keys that Check writes, and deletes
//
// # For package tokenendpoint alone
//
// Package tokenendpoint calls [Store.Opened] when it is configured. No host needs it.
package redisstore
