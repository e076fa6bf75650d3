package endpointtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// both are the two spellings of one request, form and JSON.
func both(r *request) []*request { return []*request{r, r.json()} }

// The crowd of a rule about concurrency, and how often it meets.
const (
	racers = 50
	rounds = 20
)

// crowd calls race with 0 to n-1, all at the same moment, and waits for them.
func crowd(n int, race func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			race(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// served asks the handler itself, without a connection: for rules that send
// very many requests.
func (f *fixture) served(r *request) *httptest.ResponseRecorder {
	hr := httptest.NewRequest(r.method, issuer+path, strings.NewReader(r.text()))
	hr.Header = http.Header(r.header.Clone())
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, hr)
	return w
}
