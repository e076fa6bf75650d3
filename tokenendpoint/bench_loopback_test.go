package tokenendpoint_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// BenchmarkLoopback takes requests to the endpoint and to the floor over TCP
// with keep-alive, from so many callers at once, by turns of a hundred.
func BenchmarkLoopback(b *testing.B) {
	for _, key := range benchKeys() {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/%d", key.Algorithm, callers), func(b *testing.B) {
				bed := newBed(b, key)
				next := bed.requests(b, grants.TypeClientCredentials, b.N)
				body := next()
				endpoint, floor := newCrowd(b, bed.endpoint, callers), newCrowd(b, bed.floor, callers)
				endpoint.send(b, body, callers) // the connections
				floor.send(b, body, callers)
				var ours, theirs testbed.Times
				b.ResetTimer()
				for left := b.N; left > 0; left -= 100 {
					n := min(left, 100)
					ours = append(ours, endpoint.send(b, body, n))
					theirs = append(theirs, floor.send(b, body, n))
				}
				b.ReportMetric(ours.Over(theirs), "x-floor")
			})
		}
	}
}

// crowd is a server and its callers.
type crowd struct {
	url     string
	client  *http.Client
	callers int
}

func newCrowd(b *testing.B, h http.Handler, callers int) *crowd {
	server := httptest.NewServer(h)
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return &crowd{server.URL + "/connect/token", &http.Client{Transport: transport}, callers}
}

// send sends n requests and returns how long they took together.
func (c *crowd) send(b *testing.B, body string, n int) time.Duration {
	var left atomic.Int64
	left.Store(int64(n))
	start := time.Now()
	var all sync.WaitGroup
	for range c.callers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				c.post(b, body)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// post sends one request.
func (c *crowd) post(b *testing.B, body string) {
	resp, err := c.client.Post(c.url, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	if n, err := io.Copy(io.Discard, resp.Body); resp.StatusCode != http.StatusOK || n < 200 || err != nil {
		b.Errorf("got status %d and %d bytes, %v, want a token", resp.StatusCode, n, err)
	}
	resp.Body.Close()
}
