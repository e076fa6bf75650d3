package tokenendpoint_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// BenchmarkGrowth takes the same request to an endpoint that has little and to
// one that has much, by turns; x-small is the time of the second over the time
// of the first. The families lie idle in a store in memory; the benchmark also
// reports the bytes of each.
func BenchmarkGrowth(b *testing.B) {
	key := benchKeys()[0]
	for _, n := range []int{1e3, 1e4, 1e5, 1e6} {
		b.Run(fmt.Sprintf("families/%d", n), func(b *testing.B) {
			small, big := newBed(b, key), newBed(b, key)
			before := heap()
			for range n {
				big.refreshToken(b)
			}
			perFamily := float64(heap()-before) / float64(n)
			compare(b, grants.TypeRefreshToken, small, big)
			b.ReportMetric(perFamily, "B/family")
		})
	}
	for _, n := range []int{1e1, 1e3, 1e5} {
		b.Run(fmt.Sprintf("clients/%d", n), func(b *testing.B) {
			small, big := newBed(b, key), newBed(b, key)
			for i := range n {
				c := big.client.Clone()
				c.ID = fmt.Sprint("other-", i)
				if err := big.store.PutClient(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			compare(b, grants.TypeClientCredentials, small, big)
		})
	}
	for _, n := range []int{2, 64} {
		b.Run(fmt.Sprintf("keys/%d", n), func(b *testing.B) {
			others := make([]jws.Key, n-1)
			for i := range others {
				seed := binary.BigEndian.AppendUint64(make([]byte, 24), uint64(i))
				others[i].Public = ed25519.NewKeyFromSeed(seed).Public()
			}
			compare(b, grants.TypeClientCredentials, newBed(b, key), newBed(b, key, others...))
		})
	}
}

// compare reports the cost of a request with big over that with small.
func compare(b *testing.B, grant string, small, big *bed) {
	less, more := small.requests(b, grant, b.N), big.requests(b, grant, b.N)
	var costs [2]time.Duration
	b.ResetTimer()
	for range b.N {
		body, other := less(), more()
		start := time.Now()
		small.serve(b, small.endpoint, body)
		between := time.Now()
		big.serve(b, big.endpoint, other)
		costs[0] += between.Sub(start)
		costs[1] += time.Since(between)
	}
	b.ReportMetric(float64(costs[1])/float64(costs[0]), "x-small")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
