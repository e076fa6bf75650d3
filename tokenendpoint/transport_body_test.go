package tokenendpoint_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// maxBody is how much of a body the endpoint reads.
const maxBody = 64 << 10

// padded is the request CC with a body of n bytes.
func padded(p *testbed.Party, n int) *testbed.Request {
	r := testbed.ClientCredentials(p)
	r.Body = "grant_type=client_credentials&x="
	r.Body += strings.Repeat("A", n-len(r.Body))
	return r
}

// countedBody counts the bytes that are read of a body.
type countedBody struct {
	io.Reader
	n int
}

func (c *countedBody) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}

// tooLong asserts the answer to a body over the limit.
func tooLong(f *testbed.Fixture, got *testbed.Reply) {
	f.Helper()
	got.RefusedWith(http.StatusRequestEntityTooLarge, "invalid_request")
	if c := got.Header.Get("Connection"); c != "close" {
		f.Errorf("Connection is %q, want close", c)
	}
	f.Untouched("a body that is too long")
}

func a18LongBody(t *testing.T) {
	f := testbed.New(t, openMemory)
	f.Send(padded(f.C1, maxBody)).Tokens()
	f.Store.Counted()
	for _, n := range []int{maxBody + 1, 100 << 10, 1 << 20} {
		for _, r := range []*testbed.Request{padded(f.C1, n), padded(f.C1, n).Set("Content-Type", "application/json")} {
			l := f.Dial()
			go io.WriteString(l, testbed.Wire(r)) // the server need not take all of it
			tooLong(f, l.Answer(r))
			l.Ended("a long body")

			body := &countedBody{Reader: strings.NewReader(r.Body)}
			hr := testbed.DirectRequest(r, body)
			hr.ContentLength = int64(n)
			tooLong(f, f.Direct(hr))
			if body.n > maxBody {
				t.Errorf("a body of %d bytes: %d were read, want at most %d", n, body.n, maxBody)
			}
		}
	}
}

// endless never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte("A"), len(b))), nil }

// chunked is the request CC in chunks, the last of which is still to come.
func chunked(p *testbed.Party) *testbed.Request {
	r := testbed.ClientCredentials(p).Set("Transfer-Encoding", "chunked")
	r.Body = "1e\r\ngrant_type=client_credentials&\r\n2\r\nx=\r\n"
	return r
}

// pour sends chunks until the server has had enough, and then closes done.
func pour(w io.Writer, done chan<- struct{}) {
	defer close(done)
	chunk := "400\r\n" + strings.Repeat("A", 1024) + "\r\n"
	for {
		if _, err := io.WriteString(w, chunk); err != nil {
			return
		}
	}
}

func a19EndlessBody(t *testing.T) {
	f := testbed.New(t, openMemory)
	small := chunked(f.C1)
	l := f.Dial()
	l.Say(testbed.Wire(small) + "0\r\n\r\n")
	l.Answer(small).Tokens()
	f.Store.Counted()

	r := chunked(f.C1)
	l, done := f.Dial(), make(chan struct{})
	l.Say(testbed.Wire(r))
	go pour(l, done)
	tooLong(f, l.Answer(r))
	<-done

	body := &countedBody{Reader: endless{}}
	hr := testbed.DirectRequest(r, body)
	hr.ContentLength = -1
	tooLong(f, f.Direct(hr))
	if body.n > maxBody+1 { // one more tells that there is more
		t.Errorf("an endless body: %d bytes were read, want at most %d", body.n, maxBody+1)
	}
}

func a19CutOff(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	before := bubbleGoroutines()
	start := time.Now()
	l, done := f.Dial(), make(chan struct{})
	l.Say(testbed.Wire(chunked(f.C1)))
	go pour(l, done)
	tooLong(f, l.Answer(chunked(f.C1)))
	<-done
	if d := time.Since(start); d > time.Second {
		t.Errorf("an endless body: the connection ended after %v, want at most 1s", d)
	}
	goroutinesBack(f, before, "an endless body")
}

// bubbleGoroutines counts the goroutines of this bubble, and not those of other
// tests.
func bubbleGoroutines() int {
	synctest.Wait()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	first, _, _ := bytes.Cut(stacks, []byte("\n")) // goroutine 7 [running, synctest bubble 1]:
	_, bubble, _ := bytes.Cut(first, []byte("synctest bubble "))
	return bytes.Count(stacks, append([]byte("synctest bubble "), bubble...))
}

func goroutinesBack(f *testbed.Fixture, before int, what string) {
	f.Helper()
	if after := bubbleGoroutines(); after != before {
		f.Errorf("%s: %d goroutines are left, want %d as before", what, after, before)
	}
}

const (
	// bodyTimeout is the default of Config.ReadTimeout.
	bodyTimeout = 5 * time.Second
	// linger is longer than net/http keeps a connection after its last answer, so
	// that the client reads the answer before the connection is reset: since Go 1.27
	// it does so after every body that did not arrive. The client has its answer by
	// then, so ReadTimeout bounds the answer and not the end of the connection.
	linger = time.Second
)

// answeredAt waits for the first byte of the answer, and returns how long after
// start it came.
func answeredAt(l *testbed.Line, start time.Time, what string) time.Duration {
	l.F.Helper()
	if _, err := l.R.Peek(1); err != nil {
		l.F.Errorf("%s: got no answer within %v: %v", what, time.Since(start), err)
	}
	return time.Since(start)
}

// endedSoon asserts that the server ends the connection soon after its answer.
func endedSoon(l *testbed.Line, start time.Time, what string) {
	l.F.Helper()
	l.Ended(what)
	if d := time.Since(start); d > bodyTimeout+linger {
		l.F.Errorf("%s: the connection ended after %v, want at most %v", what, d, bodyTimeout+linger)
	}
}

// halted is the request CC of which the server gets the header and 11 bytes.
func halted(p *testbed.Party) *testbed.Request {
	r := testbed.ClientCredentials(p).Set("Content-Length", "1000")
	r.Body = "grant_type="
	return r
}

func a20Silence(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	for _, r := range []*testbed.Request{halted(f.C1), halted(f.C1).Set("Content-Type", "application/json"), chunked(f.C1)} {
		before, start := bubbleGoroutines(), time.Now()
		l := f.Dial()
		l.Say(testbed.Wire(r))
		if d := answeredAt(l, start, "a silent body"); d != bodyTimeout {
			t.Errorf("a silent body: answered after %v, want %v", d, bodyTimeout)
		}
		l.Answer(r).RefusedWith(http.StatusRequestTimeout, "invalid_request")
		endedSoon(l, start, "a silent body")
		goroutinesBack(f, before, "a silent body")
		f.Untouched("a silent body")
	}
}

func a20Dripping(t *testing.T) {
	f := testbed.NewTimed(t, openMemory)
	before, start := bubbleGoroutines(), time.Now()
	l := f.Dial()
	l.Say(testbed.Wire(halted(f.C1)))
	go func() {
		for {
			time.Sleep(time.Second)
			if _, err := io.WriteString(l, "x"); err != nil {
				return
			}
		}
	}()
	if d := answeredAt(l, start, "a dripping body"); d != bodyTimeout {
		t.Errorf("a dripping body: answered after %v, want %v", d, bodyTimeout)
	}
	l.Answer(halted(f.C1)).RefusedWith(http.StatusRequestTimeout, "invalid_request")
	endedSoon(l, start, "a dripping body")
	time.Sleep(2 * time.Second)
	goroutinesBack(f, before, "a dripping body")
}

// a20RefusedSilence is about requests that are refused before their body is
// read. net/http waits for it all the same, before the answer or behind it, and
// has no deadline of its own.
func a20RefusedSilence(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, allowSPA)
	get, query, options := halted(f.C1), halted(f.C1), preflight(spa)
	get.Method, query.Query = http.MethodGet, "client_id=c1"
	for name, r := range map[string]*testbed.Request{
		"another method":         get,
		"a wrong Content-Type":   halted(f.C1).Set("Content-Type", "text/plain"),
		"a parameter in the URI": query,
		"a Content-Encoding":     halted(f.C1).Set("Content-Encoding", "gzip"),
		"a body too long":        halted(f.C1).Set("Content-Length", "100000"),
		"a preflight":            options.Set("Content-Length", "1000"),
	} {
		before, start := bubbleGoroutines(), time.Now()
		l := f.Dial()
		l.Say(testbed.Wire(r))
		if d := answeredAt(l, start, name+", and a silent body"); d > bodyTimeout {
			t.Errorf("%s, and a silent body: answered after %v, want at most %v", name, d, bodyTimeout)
		}
		l.Answer(r)
		endedSoon(l, start, name+", and a silent body")
		l.Close()
		goroutinesBack(f, before, name)
	}
}

// a20OnlyTheBody is about a store that takes longer than a body may: the
// deadline is not the request's.
func a20OnlyTheBody(t *testing.T) {
	f := testbed.NewTimed(t, openMemory, func(c *tokenendpoint.Config) { c.ReadTimeout, c.Timeout = time.Second, time.Minute })
	f.Store.Set(func(s *testbed.Spy) {
		s.Before = func(context.Context, string) error {
			time.Sleep(10 * time.Second)
			return nil
		}
	})
	for _, r := range testbed.Both(testbed.ClientCredentials(f.C1)) {
		f.Send(r).Tokens()
	}
}

// a20SlowBody is a silent body over a real connection, whose end net/http tells.
func a20SlowBody(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) { c.ReadTimeout = time.Second })
	over := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(f.Handler)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			over <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close) // after the lines are closed: it waits for them
	f.URL = server.URL
	l := f.Dial()
	l.Say(testbed.Wire(halted(f.C1)))
	l.Answer(halted(f.C1)).RefusedWith(http.StatusRequestTimeout, "invalid_request")
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Error("a silent body: the server still has the connection, want it closed")
	}
	// A body that arrives in time is not hurt by the deadline, nor is the
	// next request on the same connection.
	l = f.Dial()
	for range 2 {
		l.Say(testbed.Wire(testbed.ClientCredentials(f.C1)))
		l.Answer(testbed.ClientCredentials(f.C1)).Tokens()
	}
	w := httptest.NewRecorder() // it has no deadlines
	f.Handler.ServeHTTP(w, testbed.DirectRequest(testbed.ClientCredentials(f.C1), strings.NewReader("grant_type=client_credentials")))
	if w.Code != http.StatusOK {
		t.Errorf("a ResponseWriter without deadlines: got %d %s, want 200", w.Code, w.Body)
	}
}
