package tokenendpoint_test

import (
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// BenchmarkCrowd has 64 callers at once in process, all of one client in one network, so
// that they meet at every lock. The secret of the client is a drawn one, or one with a slow
// hash that the process remembers. -cpu 1,2 compares numbers of processors, and
// -mutexprofile shows the locks at which the callers wait.
func BenchmarkCrowd(b *testing.B) {
	for _, key := range benchKeys() {
		b.Run(key.Algorithm, func(b *testing.B) { benchmarkCrowd(b, newBed(b, key)) })
		b.Run(key.Algorithm+"-remembered", func(b *testing.B) {
			bed := newBed(b, key)
			hash, err := clientauth.Hash(bed.secret)
			if err != nil {
				b.Fatal(err)
			}
			bed.client.Secrets[0].Hash = hash
			if err := bed.store.PutClient(b.Context(), bed.client); err != nil {
				b.Fatal(err)
			}
			benchmarkCrowd(b, bed)
		})
	}
}

func benchmarkCrowd(b *testing.B, bed *bed) {
	text := bed.requests(b, grants.TypeClientCredentials, 1)()
	newCaller := func() *tokenCaller { return &tokenCaller{text: text, answer: sink{header: make(http.Header)}} }
	newCaller().call(b, bed) // the slow hash
	b.SetParallelism(max(64/runtime.GOMAXPROCS(0), 1))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		own := newCaller()
		for pb.Next() {
			own.call(b, bed)
		}
	})
}

// tokenCaller calls an endpoint in process, beside others.
type tokenCaller struct {
	text   string
	answer sink
}

func (c *tokenCaller) call(b *testing.B, bed *bed) {
	r := bed.request.Clone(b.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(c.text)), int64(len(c.text))
	clear(c.answer.header)
	bed.endpoint.ServeHTTP(&c.answer, r)
	if c.answer.status != http.StatusOK {
		b.Errorf("got status %d, want a token", c.answer.status)
	}
}

// BenchmarkBeside has as many callers of RS256 as of ES256 at one server, over TCP, and by
// turns at the floor, which lets nobody run after an RSA signature. It reports how long
// the callers of ES256 wait, and how many tokens of both kinds there are for one at the
// floor.
func BenchmarkBeside(b *testing.B) {
	const callers = 8 // of each
	var tails, halves [2]time.Duration
	servers := [2]string{"", "-floor"}
	var crowds [2][2]*crowd
	var texts [2]string
	for i, key := range []int{0, 2} { // ES256 and RS256
		bed := newBed(b, benchKeys()[key])
		texts[i] = bed.requests(b, grants.TypeClientCredentials, 1)()
		crowds[0][i], crowds[1][i] = newCrowd(b, bed.endpoint, callers), newCrowd(b, bed.floor, callers)
	}
	turns := 0
	var tokens [2][2]int // of a server, of ES256 and of RS256
	for b.Loop() {
		for i := range servers {
			waits, others := beside(b, crowds[i][0], crowds[i][1], texts)
			tokens[i][0] += len(waits)
			tokens[i][1] += others
			halves[i] += waits[len(waits)/2]
			tails[i] += waits[len(waits)*99/100]
		}
		turns++
	}
	for i, server := range servers {
		b.ReportMetric(halves[i].Seconds()*1000/float64(turns), "p50-ms"+server)
		b.ReportMetric(tails[i].Seconds()*1000/float64(turns), "p99-ms"+server)
	}
	b.ReportMetric(float64(tails[0])/float64(tails[1]), "x-floor")
	for i, algorithm := range []string{"ES256", "RS256"} {
		b.ReportMetric(float64(tokens[0][i])/float64(tokens[1][i]), algorithm+"-tokens")
	}
}

// beside sends requests for half a second, and returns how long each of ES256 took, and
// how many there were of RS256.
func beside(b *testing.B, es, rs *crowd, texts [2]string) (waits []time.Duration, others int) {
	end := time.Now().Add(time.Second / 2)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range es.callers {
		all.Go(func() {
			n := 0
			for time.Now().Before(end) {
				rs.post(b, texts[1])
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			others += n
		})
		all.Go(func() {
			var own []time.Duration
			for begun := time.Now(); begun.Before(end); begun = time.Now() {
				es.post(b, texts[0])
				own = append(own, time.Since(begun))
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, own...)
		})
	}
	all.Wait()
	slices.Sort(waits)
	return waits, others
}
