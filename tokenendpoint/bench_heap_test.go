package tokenendpoint_test

import (
	"slices"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
)

// BenchmarkHeap redeems codes, whose families live for a second or two, as fast
// as it can, and deletes the expired ones every second. x-heap is the heap in
// the last third of the time over the heap in the first third. A short run shows
// nothing:
//
//	go test -run '^$' -bench Heap -benchtime 10m -timeout 20m .
func BenchmarkHeap(b *testing.B) {
	bed := newBedWith(b, benchKeys()[0], func(c *tokenendpoint.Config) {
		c.AccessTokenLifetime, c.RefreshTokenLifetime, c.RefreshTokenIdle = time.Second, time.Second, time.Second
	})
	bed.codeLifetime = time.Second
	next := func() string { return bed.requests(b, grants.TypeAuthorizationCode, 1)() }
	var heaps []float64
	sweep := time.Now().Add(time.Second)
	for n := 0; b.Loop(); n++ {
		bed.serve(b, bed.endpoint, next())
		if n%100 > 0 || time.Now().Before(sweep) {
			continue
		}
		sweep = time.Now().Add(time.Second)
		if _, err := bed.store.DeleteExpired(b.Context(), time.Now(), 1<<30); err != nil {
			b.Fatal(err)
		}
		heaps = append(heaps, float64(heap()))
	}
	if third := len(heaps) / 3; third > 0 {
		first, last := heaps[:third], heaps[len(heaps)-third:]
		slices.Sort(first)
		slices.Sort(last)
		b.ReportMetric(last[third/2]/first[third/2], "x-heap")
		b.ReportMetric(last[third/2]/(1<<20), "MB")
	}
}
