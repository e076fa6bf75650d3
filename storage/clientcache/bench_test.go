package clientcache_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// BenchmarkHeap reports how many bytes the cache takes for a client.
func BenchmarkHeap(b *testing.B) {
	const clients = 10_000
	store := new(memory.Store)
	for i := range clients {
		_, hash := clientauth.NewSecret()
		err := store.PutClient(b.Context(), &storage.Client{
			ID: id(i), Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}}, GrantTypes: []string{"authorization_code", "refresh_token"},
			Scope: []string{"read", "write"}, RedirectURIs: []string{"https://app.example.com/callback"},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	var taken float64
	for b.Loop() {
		cache, err := clientcache.New(store, clientcache.Config{})
		if err != nil {
			b.Fatal(err)
		}
		before := heap()
		for i := range clients {
			if _, err := cache.Client(b.Context(), id(i)); err != nil {
				b.Fatal(err)
			}
		}
		taken = heap() - before
		runtime.KeepAlive(cache)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(taken/clients, "B/client")
}

func id(i int) string { return fmt.Sprintf("client-%d", i) }
