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
	target := r.path
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
	hr := httptest.NewRequest(r.method, issuer+r.path, body)
	hr.Header = r.header.Clone()
	return hr
}

// served asks the handler itself, without a connection: for rules that send
// very many requests.
func (f *fixture) served(r *request) *httptest.ResponseRecorder {
	hr := httptest.NewRequest(r.method, issuer+r.path, strings.NewReader(r.text()))
	hr.Header = http.Header(r.header.Clone())
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, hr)
	return w
}
