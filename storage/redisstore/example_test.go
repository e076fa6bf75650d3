package redisstore_test

import (
	"context"
	"fmt"

	"github.com/contit/oauth/storage/redisstore"
)

// Here a function stands for a server that is down. With go-redis, where rdb is
// made with ContextTimeoutEnabled (the comment of the package shows it), the body
// of Do is
//
//	return rdb.Do(ctx, args...).Result()
//
// Call Check at the start of the process: its error names the remedy of each
// fault.
func ExampleNew() {
	store, err := redisstore.New(redisstore.Config{
		Do: func(ctx context.Context, args ...any) (any, error) {
			return nil, fmt.Errorf("connection refused")
		},
		Prefix: "myapp:oauth:",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.Check(context.Background()))
	// Output:
	// redisstore: check: connection refused (is the server running, and does Config.Do reach it? It must be Redis 6 or later, or Valkey)
}
