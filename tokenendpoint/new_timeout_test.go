package tokenendpoint_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
)

// hanging is a store that answers nothing before its context ends.
type hanging struct{ storage.Storage }

func (hanging) Client(ctx context.Context, _ string) (*storage.Client, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestNewBoundsTheStoreByTwoSeconds(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: 2 * time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := goodConfig(t)
			c.Storage, c.Timeout, c.Logger = hanging{c.Storage}, configured, discard
			start := time.Now()
			w := ask(newHandler(t, c), "secret", "grant_type=client_credentials")
			if got := time.Since(start); w.Code != http.StatusServiceUnavailable || got != want {
				t.Errorf("got %d after %s, want 503 after %s", w.Code, got, want)
			}
		})
	}
}
