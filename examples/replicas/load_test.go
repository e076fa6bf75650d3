//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"
)

// load is clients that ask all the time, some over one connection each and
// some over a new one for each request.
type load struct {
	stop    chan struct{}
	workers sync.WaitGroup
	mu      sync.Mutex
	good    map[string]int // by replica
	bad     []failure
	refused int // connections
}

// failure is a request that did not get its token.
type failure struct {
	at     time.Time
	status int // 0 if there was no answer
	err    error
}

func (f failure) String() string { return fmt.Sprintf("%d %v", f.status, f.err) }

const loadWorkers = 16

func startLoad(t testing.TB, p *program) *load {
	l := &load{stop: make(chan struct{}), good: map[string]int{}}
	for i := range loadWorkers {
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
		l.workers.Go(func() {
			for l.ask(client, p.url, p.serviceRequest()) {
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// ask sends one request and reports whether there should be another.
func (l *load) ask(client *http.Client, base string, form url.Values) bool {
	select {
	case <-l.stop:
		return false
	default:
	}
	r, err := post(client, base, form)
	l.mu.Lock()
	defer l.mu.Unlock()
	var dial *net.OpError
	switch {
	// The kernel refuses a connection, or resets it in the middle of the handshake. In
	// both cases the client has sent nothing.
	case errors.As(err, &dial) && dial.Op == "dial" && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)):
		l.refused++
		return false // there is nobody any more
	case err != nil:
		l.bad = append(l.bad, failure{at: time.Now(), err: err})
	case r.status != http.StatusOK:
		l.bad = append(l.bad, failure{at: time.Now(), status: r.status, err: errors.New(r.body)})
	default:
		l.good[r.servedBy]++
	}
	return true
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.workers.Wait()
}

// answered waits until a replica has answered n requests more.
func (l *load) answered(t testing.TB, replica string, n int) {
	t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.good[replica]
	}
	begin := count()
	for until := time.Now().Add(time.Minute); count() < begin+n; {
		if time.Now().After(until) {
			t.Fatalf("%s answered %d requests in a minute, want %d", replica, count()-begin, n)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
