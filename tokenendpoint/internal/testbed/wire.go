package testbed

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

// Wire is a request as text, for a bare connection. Headers that the request
// has, such as Host and Content-Length, stand as they are.
func Wire(r *Request) string {
	var b bytes.Buffer
	target := r.path
	if r.Query != "" {
		target += "?" + r.Query
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, target)
	header := r.Header.Clone()
	if header.Get("Host") == "" {
		header.Set("Host", "as.test")
	}
	if header.Get("Content-Length") == "" && header.Get("Transfer-Encoding") == "" {
		header.Set("Content-Length", fmt.Sprint(len(r.Text())))
	}
	header.Write(&b)
	b.WriteString("\r\n" + r.Text())
	return b.String()
}

// A Line is a bare connection to the server, for requests that http.Client
// cannot send.
type Line struct {
	net.Conn
	F *Fixture
	R *bufio.Reader
}

// Dial opens a line. It ends by itself after a time that no rule needs.
func (f *Fixture) Dial() *Line {
	f.Helper()
	dial := f.client.Transport.(*http.Transport).DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(f.Context(), "tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	f.Cleanup(func() { c.Close() })
	return &Line{Conn: c, F: f, R: bufio.NewReader(c)}
}

// Say writes text.
func (l *Line) Say(text string) {
	l.F.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.F.Fatalf("writing to the server: %v", err)
	}
}

// Answer reads the response to r.
func (l *Line) Answer(r *Request) *Reply {
	l.F.Helper()
	l.F.NoteSecrets(r)
	response, err := http.ReadResponse(l.R, &http.Request{Method: r.Method})
	if err != nil {
		l.F.Fatalf("%s: got no response (%v), want one", Wire(r), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		l.F.Fatalf("reading the response: %v", err)
	}
	if response.Close { // ReadResponse takes it out of the header
		response.Header.Set("Connection", "close")
	}
	return &Reply{T: l.F.T, Sent: r, Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// Ended asserts that the server closes the connection.
func (l *Line) Ended(what string) {
	l.F.Helper()
	if n, err := io.Copy(io.Discard, l.R); errors.Is(err, os.ErrDeadlineExceeded) || n > 0 {
		l.F.Errorf("%s: got %d more bytes and %v, want the end of the connection", what, n, err)
	}
}

// Direct asks the handler itself with a request of net/http, which can then be
// looked at.
func (f *Fixture) Direct(hr *http.Request) *Reply {
	w := httptest.NewRecorder()
	f.Handler.ServeHTTP(w, hr)
	sent := Form()
	sent.Method = hr.Method
	return &Reply{T: f.T, Sent: sent, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// DirectRequest is r as a request of net/http with another body.
func DirectRequest(r *Request, body io.Reader) *http.Request {
	hr := httptest.NewRequest(r.Method, Issuer+r.path, body)
	hr.Header = r.Header.Clone()
	return hr
}

// Served asks the handler itself, without a connection: for rules that send
// very many requests.
func (f *Fixture) Served(r *Request) *httptest.ResponseRecorder {
	hr := httptest.NewRequest(r.Method, Issuer+r.path, strings.NewReader(r.Text()))
	hr.Header = http.Header(r.Header.Clone())
	w := httptest.NewRecorder()
	f.Handler.ServeHTTP(w, hr)
	return w
}
