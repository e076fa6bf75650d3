package testbed

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// listener is a net.Listener in memory. Nothing of it waits for the network,
// so that time can pass at once in a bubble of testing/synctest.
type listener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newListener() *listener {
	return &listener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns an address that nothing listens on.
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// dial connects to the listener.
func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.connections <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Serve serves a handler over one connection in memory, and returns the client's end of
// it. An hour ends the connection, so that a test of a wait has an end.
func Serve(t testing.TB, handler http.Handler) net.Conn {
	t.Helper()
	l, server := newListener(), &http.Server{Handler: handler}
	go server.Serve(l)
	client, err := l.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	end := time.AfterFunc(time.Hour, func() { client.Close() })
	t.Cleanup(func() {
		end.Stop()
		client.Close()
		server.Close()
	})
	return client
}

// EndsSilence holds a handler to ending a request whose body does not come, in a bubble of
// testing/synctest, though it does not read the body.
func EndsSilence(t testing.TB, handler http.Handler, method, path string) {
	t.Helper()
	client, begin := Serve(t, handler), time.Now()
	fmt.Fprintf(client, "%s %s HTTP/1.1\r\nHost: as.test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", method, path)
	_, err := io.Copy(io.Discard, client)
	if waited := time.Since(begin); waited > 10*time.Second {
		t.Errorf("%s %s: the connection ended after %v with error %v, want 10 seconds at most", method, path, waited, err)
	}
}
