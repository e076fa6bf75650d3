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
// in a family of its own, by turns with a store that coalesces its writes and
// with one that does not, on the same tables and connections. It reports the
// medians of both, of the ratio of the first to the second, and of how long the
// slowest of a hundred took. Ten rounds are few:
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
				benchmarkSpend(b, callers, coalescing, opened(b, c), "coalesced", "alone")
			})
		}
	}
}

// BenchmarkUnprepared compares in the same way a store that prepares nothing with one
// that prepares its statements, without a pooler:
//
//	go test -run '^$' -bench Unprepared -benchtime 30x .
func BenchmarkUnprepared(b *testing.B) {
	s := on(b, sqlstore.Postgres)
	s.dsn = s.with("default_query_exec_mode", "exec")
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			c := migrated(b, s.config(b, s.open(b)))
			prepared := opened(b, c)
			c.DB, c.Unprepared = s.open(b), true // pgx would use what the first store prepared
			benchmarkSpend(b, callers, opened(b, c), prepared, "unprepared", "prepared")
		})
	}
}

// benchmarkSpend compares two stores, and calls them by the names.
func benchmarkSpend(b *testing.B, callers int, first, second *sqlstore.Store, one, other string) {
	chains := make([]*storage.Credential, callers)
	for i := range chains {
		chains[i] = sample("alice")
		add(b, second, chains[i])
	}
	const round = 200 * time.Millisecond
	for range 5 { // the connections, and the plans
		rotate(b, first, chains, round)
		rotate(b, second, chains, round)
	}
	var with, without, ratio, slowWith, slowWithout []float64
	for b.Loop() {
		n, slow := rotate(b, first, chains, round)
		with, slowWith = append(with, n), append(slowWith, slow)
		m, slow := rotate(b, second, chains, round)
		without, slowWithout = append(without, m), append(slowWithout, slow)
		ratio = append(ratio, n/m)
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	b.ReportMetric(median(with), one+"/s")
	b.ReportMetric(median(without), other+"/s")
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(median(slowWith), one+"-p99-ms")
	b.ReportMetric(median(slowWithout), other+"-p99-ms")
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
