package endpointtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"
)

// wire is a request as text, for a bare connection. Headers that the request
// has, such as Host and Content-Length, stand as they are.
func wire(r *request) string {
	var b bytes.Buffer
	target := path
	if r.query != "" {
		target += "?" + r.query
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, target)
	header := r.header.Clone()
	if header.Get("Host") == "" {
		header.Set("Host", "as.test")
	}
	if header.Get("Content-Length") == "" && header.Get("Transfer-Encoding") == "" {
		header.Set("Content-Length", fmt.Sprint(len(r.text())))
	}
	header.Write(&b)
	b.WriteString("\r\n" + r.text())
	return b.String()
}

// A line is a bare connection to the server, for what http.Client cannot say.
type line struct {
	net.Conn
	f *fixture
	r *bufio.Reader
}

// dial opens a line. It ends by itself after a time that no rule needs.
func (f *fixture) dial() *line {
	f.Helper()
	dial := f.client.Transport.(*http.Transport).DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(f.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	f.Cleanup(func() { c.Close() })
	return &line{Conn: c, f: f, r: bufio.NewReader(c)}
}

// say writes text.
func (l *line) say(text string) {
	l.f.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.f.Fatalf("writing to the server: %v", err)
	}
}

// answer reads the response to r.
func (l *line) answer(r *request) *reply {
	l.f.Helper()
	l.f.noteSecrets(r)
	response, err := http.ReadResponse(l.r, &http.Request{Method: r.method})
	if err != nil {
		l.f.Fatalf("%s: got no response (%v), want one", wire(r), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		l.f.Fatalf("reading the response: %v", err)
	}
	if response.Close { // ReadResponse takes it out of the header
		response.Header.Set("Connection", "close")
	}
	return &reply{t: l.f.T, sent: r, status: response.StatusCode, header: response.Header, body: string(body)}
}

// ended asserts that the server closes the connection.
func (l *line) ended(what string) {
	l.f.Helper()
	if n, err := io.Copy(io.Discard, l.r); errors.Is(err, os.ErrDeadlineExceeded) || n > 0 {
		l.f.Errorf("%s: got %d more bytes and %v, want the end of the connection", what, n, err)
	}
}

// direct asks the handler itself with a request of net/http, which can then be
// looked at.
func (f *fixture) direct(hr *http.Request) *reply {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, hr)
	sent := form()
	sent.method = hr.Method
	return &reply{t: f.T, sent: sent, status: w.Code, header: w.Header(), body: w.Body.String()}
}

// directRequest is r as a request of net/http with another body.
func directRequest(r *request, body io.Reader) *http.Request {
	hr := httptest.NewRequest(r.method, issuer+path, body)
	hr.Header = r.header.Clone()
	return hr
}

// untouched asserts that the store was not called since the last count.
func (f *fixture) untouched(what string) {
	f.Helper()
	if n := f.store.counted(); len(n) > 0 {
		f.Errorf("%s: the store was called: %v, want no call", short(what), n)
	}
}

// refusedUnread asserts that each of the requests is refused with an
// invalid_request before anything is looked up.
func (f *fixture) refusedUnread(requests ...*request) {
	f.Helper()
	for _, r := range requests {
		f.store.counted()
		f.send(r).refused("invalid_request")
		f.untouched(r.text())
	}
}

// quickly is how long the answer to a request may take that needs no look-up.
// The specification says 5 to 50 ms of a machine that does nothing else; what
// is quadratic in the body takes longer than this.
const quickly = 100 * time.Millisecond

// quick asserts that the handler answers at once, whatever stands in the
// request. The best of several times counts, since the machine may be busy.
func (f *fixture) quick(r *request) {
	f.Helper()
	best := time.Hour
	for range 5 {
		start := time.Now()
		f.served(r)
		best = min(best, time.Since(start))
	}
	if best > quickly {
		f.Errorf("%s: took %v, want less than %v", short(r.text()), best, quickly)
	}
}

// short is the beginning of a long text, for a failure's.
func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// posted is the request CC of a client whose secret is in the body.
func posted(p *party) *request {
	return form("grant_type", "client_credentials", "client_id", p.id, "client_secret", p.secret)
}
