package integration_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// stopLoad is about 200 requests a second of every kind, each with the verdict
// that a healthy server gives, while the database goes and comes.
type stopLoad struct {
	*faultBed
	at       string // every part of the store is in the database
	halfAt   string // the clients are not
	codes    chan string
	tokens   chan string
	slowest  atomic.Int64
	outages  atomic.Int64 // of requests that need the database
	answered atomic.Int64 // with 200, by those that do not
	pending  sync.WaitGroup
}

// ask measures a request that needs the database, and reports a verdict that is
// not the one of a healthy server.
func (l *stopLoad) ask(what string, f func() *reply, right func(r *reply) bool) *reply {
	began := time.Now()
	r := f()
	took := time.Since(began)
	for {
		slowest := l.slowest.Load()
		if int64(took) <= slowest || l.slowest.CompareAndSwap(slowest, int64(took)) {
			break
		}
	}
	switch {
	case r.unknown():
		l.outages.Add(1)
		if r.err != nil {
			l.n.mistake(l, "%s: got no answer but the error %v, want 503", what, r.err)
		}
	case !right(r):
		l.n.mistake(l, "%s: got status %d with error %q, want the answer of a healthy server", what, r.status, r.body.Error)
	}
	return r
}

// one makes the i-th request.
func (l *stopLoad) one(i int) {
	switch i % 5 {
	case 0:
		l.redeemOne()
	case 1:
		l.refreshOne()
	case 2:
		l.ask("client_credentials", func() *reply { return l.clientCredentials(l.at) }, (*reply).ok)
	case 3:
		l.ask("a wrong secret", func() *reply { return l.wrongSecret(l.at) }, func(r *reply) bool { return r.status == 401 })
	case 4: // the client's record is in memory, so the endpoint can answer without the database
		if r := l.wrongSecret(l.halfAt); r.status != 401 {
			l.n.mistake(l, "a wrong secret that no database need be asked about: got status %d, want 401", r.status)
		}
		l.answered.Add(1)
	}
}

// redeemOne redeems a code, until it knows the outcome.
func (l *stopLoad) redeemOne() {
	var code string
	select {
	case code = <-l.codes:
	default:
		return
	}
	doubtful := false
	for {
		r := l.ask("a code", func() *reply { return l.redeem(l.at, code) }, func(r *reply) bool { return r.ok() || doubtful })
		if r.ok() {
			l.tokens <- r.body.Refresh
		}
		if !r.unknown() {
			break
		}
		doubtful = true
		time.Sleep(100 * time.Millisecond)
	}
	if r := l.redeem(l.at, code); r.ok() {
		l.n.double(l, "a code")
	}
}

// refreshOne refreshes a token. If the answer was lost, the client that holds
// it asks again, and must get a successor (INV4).
func (l *stopLoad) refreshOne() {
	var token string
	select {
	case token = <-l.tokens:
	default:
		return
	}
	r := l.ask("a refresh token", func() *reply { return l.refresh(l.at, token) }, (*reply).ok)
	switch {
	case r.ok():
		l.tokens <- r.body.Refresh
	case r.unknown():
		l.tokens <- token
	}
}

// run lets requests begin, one every five milliseconds, while until is open.
func (l *stopLoad) run(until <-chan struct{}) {
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for i := 0; ; i++ {
		select {
		case <-until:
			l.pending.Wait()
			return
		case <-ticks.C:
			l.pending.Go(func() { l.one(i) })
		}
	}
}

// The database is stopped under load, and started again (fault 1).
func TestFaultStopped(t *testing.T) {
	ownServers(t, func(t *testing.T, s *ownServer) {
		b := newFaultBed(t, s.server)
		_, store := b.pool(s.dsn)
		clients := new(memory.Store)
		if err := clients.PutClient(t.Context(), b.client); err != nil {
			t.Fatal(err)
		}
		l := &stopLoad{
			faultBed: b, codes: make(chan string, 10000), tokens: make(chan string, 10000),
			at:     b.serve(store, tuning{}),
			halfAt: b.serve(storage.Parts{Clients: clients, Credentials: store, APIKeys: store}, tuning{}),
		}
		others := b.amidOthers(store)
		forFaults(t, 5*time.Second, func() { l.stopAndStart(s) })
		others()
		for len(l.tokens) > 0 {
			token := <-l.tokens
			if r := l.refresh(l.at, token); !r.ok() {
				b.n.mistake(t, "a refresh token when it is over: got status %d with error %q, want 200", r.status, r.body.Error)
			} else {
				b.wantStored(r.body.Refresh)
			}
		}
		b.wantOneLeaf()
		b.n.report(t)
		slowest := time.Duration(l.slowest.Load())
		t.Logf("%d answers 503, %d answers that need no database, the slowest after %v", l.outages.Load(), l.answered.Load(), slowest)
		if slowest > 6*time.Second { // the time for reading, that for the write, and the machine's own
			t.Errorf("an answer took %v, want less than 6s", slowest)
		}
		if l.outages.Load() == 0 {
			t.Error("got no answer 503: the stop was not noticed")
		}
	})
}

// stopAndStart is one outage of a second and a half.
func (l *stopLoad) stopAndStart(s *ownServer) {
	for len(l.codes) < 400 {
		l.codes <- l.newCode()
	}
	until := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() { l.run(until) })
	time.Sleep(700 * time.Millisecond)
	s.kill()
	l.n.faults.Add(1)
	began := l.outages.Load()
	time.Sleep(1500 * time.Millisecond)
	if l.outages.Load() == began {
		l.Error("got no 503 while the database was down")
	}
	s.start()
	first := l.wantRecovered("client_credentials", func() *reply { return l.clientCredentials(l.at) })
	l.Logf("the first answer 200 came %v after the database", first)
	time.Sleep(recovery - first)
	lost := l.outages.Load()
	time.Sleep(500 * time.Millisecond)
	if late := l.outages.Load() - lost; late > 0 {
		l.Errorf("got %d answers 503 more than %v after the database was back, want none", late, recovery)
	}
	close(until)
	load.Wait()
}
