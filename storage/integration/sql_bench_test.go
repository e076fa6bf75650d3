package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// BenchmarkSpend lets callers rotate refresh tokens as fast as they can, each
// those of a family of its own, by turns with a store that coalesces what is
// written and with one that does not, on the same tables and connections. It
// reports the medians of both, of what the first is to the second, and of how
// long the slowest of a hundred took. Ten rounds are few:
//
//	go test -run '^$' -bench Spend -benchtime 30x .
func BenchmarkSpend(b *testing.B) {
	for _, s := range servers(b) {
		s.dsn = strings.Replace(s.dsn, "synchronous%28NORMAL%29", "synchronous%28FULL%29", 1) // as durable as the others
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/%d", s.name, callers), func(b *testing.B) {
				s.need(b)
				c := migrated(b, s.config(b, s.open(b)))
				coalescing := opened(b, c)
				c.Uncoalesced = true
				benchmarkSpend(b, callers, coalescing, opened(b, c))
			})
		}
	}
}

func benchmarkSpend(b *testing.B, callers int, coalescing, alone *sqlstore.Store) {
	chains := make([]*storage.Credential, callers)
	for i := range chains {
		chains[i] = sample("alice")
		add(b, alone, chains[i])
	}
	const round = 200 * time.Millisecond
	for range 5 { // the connections, and the plans
		rotate(b, coalescing, chains, round)
		rotate(b, alone, chains, round)
	}
	var with, without, ratio, slowWith, slowWithout []float64
	for b.Loop() {
		n, slow := rotate(b, coalescing, chains, round)
		with, slowWith = append(with, n), append(slowWith, slow)
		m, slow := rotate(b, alone, chains, round)
		without, slowWithout = append(without, m), append(slowWithout, slow)
		ratio = append(ratio, n/m)
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	b.ReportMetric(median(with), "coalesced/s")
	b.ReportMetric(median(without), "alone/s")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(slowWith), "coalesced-p99-ms")
	b.ReportMetric(median(slowWithout), "alone-p99-ms")
}

// rotate returns how many spends there are in a second, and how many milliseconds
// 99 of 100 take at most.
func rotate(b *testing.B, s *sqlstore.Store, chains []*storage.Credential, d time.Duration) (perSecond, p99 float64) {
	var callers sync.WaitGroup
	took := make([][]float64, len(chains))
	began := time.Now()
	for i := range chains {
		callers.Go(func() {
			for at := began; at.Sub(began) < d; {
				next := following(chains[i])
				if err := s.Spend(b.Context(), chains[i], next, start); err != nil {
					b.Errorf("Spend: %v", err)
					return
				}
				chains[i] = next
				now := time.Now()
				took[i] = append(took[i], float64(now.Sub(at).Microseconds())/1000)
				at = now
			}
		})
	}
	callers.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	return float64(len(all)) / time.Since(began).Seconds(), all[len(all)*99/100]
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
