package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

func ExampleStore() {
	ctx := context.Background()
	var store memory.Store
	if err := store.PutClient(ctx, &storage.Client{ID: "web", AuthMethod: storage.AuthNone}); err != nil {
		fmt.Println(err)
		return
	}
	client, err := store.Client(ctx, "web")
	fmt.Println(client.ID, client.Public(), err)

	_, err = store.Client(ctx, "WEB")
	fmt.Println(errors.Is(err, storage.ErrNotFound))
	// Output:
	// web true <nil>
	// true
}
