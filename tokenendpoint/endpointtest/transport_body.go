package endpointtest

import (
	"bytes"
	"compress/gzip"
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
)

// maxBody is how much of a body the endpoint reads.
const maxBody = 64 << 10

// padded is the request CC with a body of n bytes.
func padded(p *party, n int) *request {
	r := clientCredentials(p)
	r.body = "grant_type=client_credentials&x="
	r.body += strings.Repeat("A", n-len(r.body))
	return r
}

// countedBody counts what is read of a body.
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
func (f *fixture) tooLong(got *reply) {
	f.Helper()
	got.refusedWith(http.StatusRequestEntityTooLarge, "invalid_request")
	if c := got.header.Get("Connection"); c != "close" {
		f.Errorf("Connection is %q, want close", c)
	}
	f.untouched("a body that is too long")
}

func a18LongBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	f.send(padded(f.c1, maxBody)).tokens()
	f.store.counted()
	for _, n := range []int{maxBody + 1, 100 << 10, 1 << 20} {
		for _, r := range []*request{padded(f.c1, n), padded(f.c1, n).set("Content-Type", "application/json")} {
			l := f.dial()
			go io.WriteString(l, wire(r)) // the server need not take all of it
			f.tooLong(l.answer(r))
			l.ended("a long body")

			body := &countedBody{Reader: strings.NewReader(r.body)}
			hr := directRequest(r, body)
			hr.ContentLength = int64(n)
			f.tooLong(f.direct(hr))
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
func chunked(p *party) *request {
	r := clientCredentials(p).set("Transfer-Encoding", "chunked")
	r.body = "1e\r\ngrant_type=client_credentials&\r\n2\r\nx=\r\n"
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

func a19EndlessBody(t *testing.T, open opener) {
	f := newFixture(t, open)
	small := chunked(f.c1)
	l := f.dial()
	l.say(wire(small) + "0\r\n\r\n")
	l.answer(small).tokens()
	f.store.counted()

	r := chunked(f.c1)
	l, done := f.dial(), make(chan struct{})
	l.say(wire(r))
	go pour(l, done)
	f.tooLong(l.answer(r))
	<-done

	body := &countedBody{Reader: endless{}}
	hr := directRequest(r, body)
	hr.ContentLength = -1
	f.tooLong(f.direct(hr))
	if body.n > maxBody+1 { // one more tells that there is more
		t.Errorf("an endless body: %d bytes were read, want at most %d", body.n, maxBody+1)
	}
}

func a19CutOff(t *testing.T, open opener) {
	f := newTimed(t, open)
	before := bubbleGoroutines()
	start := time.Now()
	l, done := f.dial(), make(chan struct{})
	l.say(wire(chunked(f.c1)))
	go pour(l, done)
	f.tooLong(l.answer(chunked(f.c1)))
	<-done
	if d := time.Since(start); d > time.Second {
		t.Errorf("an endless body: the connection ended after %v, want at most 1s", d)
	}
	f.goroutinesBack(before, "an endless body")
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

func (f *fixture) goroutinesBack(before int, what string) {
	f.Helper()
	if after := bubbleGoroutines(); after != before {
		f.Errorf("%s: %d goroutines are left, want %d as before", what, after, before)
	}
}

// bodyTimeout is the default of Config.ReadTimeout.
const bodyTimeout = 5 * time.Second

// halted is the request CC of which the server gets the header and 11 bytes.
func halted(p *party) *request {
	r := clientCredentials(p).set("Content-Length", "1000")
	r.body = "grant_type="
	return r
}

func a20Silence(t *testing.T, open opener) {
	f := newTimed(t, open)
	for _, r := range []*request{halted(f.c1), halted(f.c1).set("Content-Type", "application/json"), chunked(f.c1)} {
		before, start := bubbleGoroutines(), time.Now()
		l := f.dial()
		l.say(wire(r))
		l.answer(r).refusedWith(http.StatusRequestTimeout, "invalid_request")
		l.ended("a silent body")
		if d := time.Since(start); d != bodyTimeout {
			t.Errorf("a silent body: answered after %v, want %v", d, bodyTimeout)
		}
		f.goroutinesBack(before, "a silent body")
		f.untouched("a silent body")
	}
}

func a20Dripping(t *testing.T, open opener) {
	f := newTimed(t, open)
	before, start := bubbleGoroutines(), time.Now()
	l := f.dial()
	l.say(wire(halted(f.c1)))
	go func() {
		for {
			time.Sleep(time.Second)
			if _, err := io.WriteString(l, "x"); err != nil {
				return
			}
		}
	}()
	l.answer(halted(f.c1)).refusedWith(http.StatusRequestTimeout, "invalid_request")
	if d := time.Since(start); d != bodyTimeout {
		t.Errorf("a dripping body: answered after %v, want %v", d, bodyTimeout)
	}
	l.ended("a dripping body")
	time.Sleep(2 * time.Second)
	f.goroutinesBack(before, "a dripping body")
}

// a20RefusedSilence is about requests that are refused before their body is
// read. net/http waits for it all the same, before the answer or behind it, and
// has no deadline of its own.
func a20RefusedSilence(t *testing.T, open opener) {
	f := newTimed(t, open, allowSPA)
	get, query, options := halted(f.c1), halted(f.c1), preflight(spa)
	get.method, query.query = http.MethodGet, "client_id=c1"
	for name, r := range map[string]*request{
		"another method":         get,
		"a wrong Content-Type":   halted(f.c1).set("Content-Type", "text/plain"),
		"a parameter in the URI": query,
		"a Content-Encoding":     halted(f.c1).set("Content-Encoding", "gzip"),
		"a body too long":        halted(f.c1).set("Content-Length", "100000"),
		"a preflight":            options.set("Content-Length", "1000"),
	} {
		before, start := bubbleGoroutines(), time.Now()
		l := f.dial()
		l.say(wire(r))
		response, err := http.ReadResponse(l.r, &http.Request{Method: r.method})
		if err != nil {
			t.Errorf("%s, and a silent body: got no answer within %v: %v", name, time.Since(start), err)
			continue
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		l.ended(name + ", and a silent body")
		if d := time.Since(start); d > bodyTimeout {
			t.Errorf("%s, and a silent body: over after %v, want at most %v", name, d, bodyTimeout)
		}
		l.Close()
		f.goroutinesBack(before, name)
	}
}

// a20OnlyTheBody is about a store that takes longer than a body may: the
// deadline is not the request's.
func a20OnlyTheBody(t *testing.T, open opener) {
	f := newTimed(t, open, func(c *tokenendpoint.Config) { c.ReadTimeout, c.Timeout = time.Second, time.Minute })
	f.store.set(func(s *spy) {
		s.before = func(context.Context, string) error {
			time.Sleep(10 * time.Second)
			return nil
		}
	})
	for _, r := range both(clientCredentials(f.c1)) {
		f.send(r).tokens()
	}
}

// a20SlowBody is a silent body over a real connection, whose end net/http tells.
func a20SlowBody(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) { c.ReadTimeout = time.Second })
	over := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			over <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close) // after the lines are closed: it waits for them
	f.url = server.URL
	l := f.dial()
	l.say(wire(halted(f.c1)))
	l.answer(halted(f.c1)).refusedWith(http.StatusRequestTimeout, "invalid_request")
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Error("a silent body: the server still has the connection, want it closed")
	}
	// A body that arrives in time is not hurt by the deadline, nor is the
	// next request on the same connection.
	l = f.dial()
	for range 2 {
		l.say(wire(clientCredentials(f.c1)))
		l.answer(clientCredentials(f.c1)).tokens()
	}
	w := httptest.NewRecorder() // it has no deadlines
	f.handler.ServeHTTP(w, directRequest(clientCredentials(f.c1), strings.NewReader("grant_type=client_credentials")))
	if w.Code != http.StatusOK {
		t.Errorf("a ResponseWriter without deadlines: got %d %s, want 200", w.Code, w.Body)
	}
}

func a21TooManyParameters(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, body := range []string{
		strings.Repeat("a=&", 20_000),
		"grant_type=client_credentials&" + strings.Repeat("a=&", 20_000),
	} {
		r := clientCredentials(f.c1)
		r.body = body
		f.refusedUnread(r)
		f.quick(r)
	}
}

func a22ContentEncoding(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		var body bytes.Buffer
		w := gzip.NewWriter(&body)
		io.WriteString(w, r.text())
		w.Close()
		compressed := r.set("Content-Encoding", "gzip")
		compressed.body = body.String()
		f.refusedUnread(compressed)
		// Pinned: the header alone is enough, whatever the body is.
		for _, encoding := range []string{"gzip", "deflate", "br", "identity"} {
			f.refusedUnread(r.set("Content-Encoding", encoding))
		}
	}
}

func a23ExpectContinue(t *testing.T, open opener) {
	f := newFixture(t, open)
	for _, r := range both(clientCredentials(f.c1)) {
		r = r.set("Expect", "100-continue")
		head, body, _ := strings.Cut(wire(r), "\r\n\r\n")
		l := f.dial()
		l.say(head + "\r\n\r\n")
		status, err := l.r.ReadString('\n')
		if err != nil || status != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("got %q (%v), want 100 Continue", status, err)
		}
		if _, err := l.r.Discard(2); err != nil { // the empty line
			t.Fatal(err)
		}
		l.say(body)
		l.answer(r).tokens()
	}
}
