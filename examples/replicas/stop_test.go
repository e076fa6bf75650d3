//go:build unix

package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A replica that stops answers the requests that it has begun.
func TestCtrlCUnderLoadResetsNobody(t *testing.T) {
	p := start(t)
	l := startLoad(t, p)
	l.answered(t, "replica1", 200)
	p.ctrlC(t)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code = %d, want 0", code)
	}
	l.workers.Wait() // each has met a refused connection
	late := 0
	for _, f := range l.bad {
		if f.status == http.StatusServiceUnavailable {
			late++
			continue
		}
		t.Errorf("a request failed with %v, want an answer or no connection", f)
	}
	t.Logf("%v answered, %d came late and were told so, %d connections refused", l.good, late, l.refused)
}

// A request whose body is half there has been accepted.
func TestCtrlCWaitsForSlowRequest(t *testing.T) {
	p := start(t)
	head, body := p.rawRequest()
	conn := p.dial(t)
	fmt.Fprint(conn, strings.TrimSuffix(head, "\r\n"), "Expect: 100-continue\r\n\r\n")
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n")) // so somebody has read the head
	if _, err := io.ReadFull(conn, goOn); err != nil || !strings.HasPrefix(string(goOn), "HTTP/1.1 100 ") {
		t.Fatalf("the answer to the head is %q (%v), want 100", goOn, err)
	}
	fmt.Fprint(conn, body[:10])
	p.drain(t)
	time.Sleep(100 * time.Millisecond) // nobody hurries the slow one
	fmt.Fprint(conn, body[10:])
	lastAnswer(t, conn)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code = %d, want 0", code)
	}
}

// A client that has kept its connection is told to close it, rather than cut
// off in the middle of its next request.
func TestCtrlCAnswersKeptConnection(t *testing.T) {
	p := start(t)
	head, body := p.rawRequest()
	conn := p.dial(t)
	fmt.Fprint(conn, head, body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := read(resp); err != nil || r.status != http.StatusOK || resp.Close {
		t.Fatalf("answer = %+v (%v), connection to be closed: %v; want 200, false", r, err, resp.Close)
	}
	p.drain(t)
	fmt.Fprint(conn, head, body)
	lastAnswer(t, conn)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code = %d, want 0", code)
	}
}

// rawRequest is serviceRequest, as it goes over the wire.
func (p *program) rawRequest() (head, body string) {
	body = p.serviceRequest().Encode()
	return fmt.Sprintf("POST /connect/token HTTP/1.1\r\nHost: replicas\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", len(body)), body
}

func (p *program) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// drain tells the program to end, and waits until it turns away new requests.
func (p *program) drain(t testing.TB) {
	t.Helper()
	p.ctrlC(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	wait(t, "new requests come too late", func() bool {
		r, err := post(client, p.url, p.serviceRequest())
		return err == nil && r.status == http.StatusServiceUnavailable
	})
}

// lastAnswer reads a token, and that the connection ends.
func lastAnswer(t testing.TB, conn net.Conn) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("reading the answer: %v, want one", err)
	}
	r, err := read(resp)
	if err != nil || r.status != http.StatusOK || r.AccessToken == "" || !resp.Close {
		t.Errorf("answer = %+v (%v), connection to be closed: %v; want 200 with a token, true", r, err, resp.Close)
	}
}

func TestNothingOutlivesTheSupervisor(t *testing.T) {
	t.Run("killed", func(t *testing.T) {
		p := start(t)
		p.cmd.Process.Kill()
		wait(t, "all processes have ended", func() bool {
			for _, pid := range p.pids() {
				if alive(pid) {
					return false
				}
			}
			return true
		})
		p.wait(t)
	})
	t.Run("without its balancer", func(t *testing.T) {
		p := start(t)
		syscall.Kill(p.haproxy, syscall.SIGKILL)
		if code := p.wait(t); code != 1 {
			t.Errorf("exit code = %d, want 1", code)
		}
		if !strings.Contains(p.log.String(), "haproxy has ended") {
			t.Errorf("log lacks a word about haproxy:\n%s", p.log.tail())
		}
	})
}

// wait waits for a condition of other processes.
func wait(t testing.TB, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}
