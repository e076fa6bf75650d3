package integration_test

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage/redisstore"
)

// The documentation of package redisstore shows openRedisStore.
func openRedisStore(ctx context.Context, addr string) (*redisstore.Store, error) {
	rdb := redis.NewClient(&redis.Options{
		Addr:                  addr,
		ContextTimeoutEnabled: true, // else calls outlive their context
	})
	store, err := redisstore.New(redisstore.Config{
		Do: func(ctx context.Context, args ...any) (any, error) {
			return rdb.Do(ctx, args...).Result()
		},
		SingleServer: true, // unless addr is a node of a Redis Cluster
	})
	if err != nil {
		return nil, err
	}
	return store, store.Check(ctx) // at the start of the process
}

var _ = openRedisStore
