package integration_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
)

// BenchmarkOverOne holds whole requests (ES256) against one statement: a Spend by a store
// that coalesces nothing. The endpoint is measured with a cache of clients, without one,
// and without one on a store that coalesces nothing; each round has all of them by turns.
// It reports the medians: the µs that a statement and a request with the cache hold up
// the whole, and how many requests, or spends by a store that coalesces, are done in the
// time of a statement. More is better. Of a thousand requests with the cache it reports
// how many asked the database for their client. Ten rounds are few:
//
//	go test -run '^$' -bench OverOne -benchtime 30x .
func BenchmarkOverOne(b *testing.B) {
	for _, s := range benchStores(b)[1:] { // the first is in memory
		for _, grant := range []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken} {
			for _, callers := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("%s/%s/%d", s.name, grant, callers), func(b *testing.B) {
					store, _ := s.open(b)
					benchmarkOverOne(b, grant, callers, store, s.alone(b))
				})
			}
		}
	}
}

func benchmarkOverOne(b *testing.B, grant string, callers int, store, alone managed) {
	behind := &countedClients{Clients: store}
	cache, err := clientcache.New(behind, clientcache.Config{})
	must(b, "New", err)
	const each = 20
	endpoint := func(store managed, clients storage.Clients) func() float64 {
		bed := newBenchBedWith(b, store, clients)
		return func() float64 { return bed.round(grant, callers, each) }
	}
	one := spends(b, alone, callers, each)
	turns := []struct {
		name  string
		round func() float64
	}{
		{"uncoalesced", endpoint(alone, alone)},
		{"uncached", endpoint(store, store)},
		{"cached", endpoint(store, cache)},
		{"spends", spends(b, store, callers, each)},
	}
	var ones []float64
	took, ratios := make(map[string][]float64), make(map[string][]float64)
	round := func() {
		o := one()
		ones = append(ones, o)
		for _, t := range turns {
			r := t.round()
			took[t.name], ratios[t.name] = append(took[t.name], r), append(ratios[t.name], o/r)
		}
	}
	for range 5 { // the connections, and the plans
		round()
	}
	ones = nil
	clear(took)
	clear(ratios)
	behind.n.Store(0)
	for b.Loop() {
		round()
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	b.ReportMetric(median(ones), "µs/statement")
	b.ReportMetric(median(took["cached"]), "µs/request")
	b.ReportMetric(1000*float64(behind.n.Load())/float64(len(ones)*callers*each), "misses/1000")
	for name, all := range ratios {
		b.ReportMetric(median(all), name)
	}
}

// countedClients counts the look-ups of clients.
type countedClients struct {
	storage.Clients
	n atomic.Int64
}

func (c *countedClients) Client(ctx context.Context, id string) (*storage.Client, error) {
	c.n.Add(1)
	return c.Clients.Client(ctx, id)
}

// spends returns a function that lets callers spend one credential after another, each
// in a family of its own.
func spends(b *testing.B, store managed, callers, each int) func() float64 {
	now := time.Now().UTC().Truncate(time.Second) // Redis forgets what has expired by the clock
	chains := make([]*storage.Credential, callers)
	for i := range chains {
		chains[i] = idle(now)
		add(b, store, chains[i])
	}
	return func() float64 {
		return crowd(callers, each, func(i int) {
			next := following(chains[i])
			next.IssuedAt, next.ExpiresAt = now, chains[i].ExpiresAt
			if err := store.Spend(b.Context(), chains[i], next, now); err != nil {
				b.Errorf("Spend: %v", err)
				return
			}
			chains[i] = next
		})
	}
}
