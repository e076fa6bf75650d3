package integration_test

import (
	"testing"

	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

func TestRedisEndpoint(t *testing.T) {
	t.Parallel()
	rdb := sharedRedis(t)
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			store := openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: ownPrefix(t, rdb), SingleServer: single})
			endpointtest.Run(t, func(testing.TB) storagetest.Store { return store })
		})
	}
}
