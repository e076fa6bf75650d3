//go:build unix

package main

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// latest is how long a client that came too late may take to send a request.
const latest = 2 * time.Second

// door stands at the balancer's socket while the balancer leaves. A listening
// socket that is closed resets the connections that nobody has accepted yet,
// although their clients may have sent a request. So the supervisor keeps the
// socket, answers clients that come too late for the balancer with 503, and closes
// the socket at a moment when no client waits there.
type door struct {
	listener *net.TCPListener
	late     chan net.Conn
	accepted chan struct{} // closed when nothing is accepted any more
	served   chan struct{} // closed when late has been read to its end
	server   *http.Server
	answers  sync.WaitGroup
}

// openDoor begins to accept connections, beside the balancer as long as the balancer
// accepts them too.
func openDoor(listener *net.TCPListener) *door {
	d := &door{
		listener: listener,
		late:     make(chan net.Conn),
		accepted: make(chan struct{}),
		served:   make(chan struct{}),
	}
	d.server = &http.Server{Handler: http.HandlerFunc(turnAway), ReadTimeout: latest, ConnState: d.count}
	go func() {
		defer close(d.accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			d.late <- conn
		}
	}()
	go func() {
		defer close(d.served)
		d.server.Serve(arrivals{d.late, listener.Addr()})
	}()
	return d
}

// turnAway answers as the endpoint does when it cannot work.
func turnAway(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, `{"error":"temporarily_unavailable"}`)
}

// Close closes the socket, and returns when all have their answers.
func (d *door) Close() {
	d.listener.SetDeadline(time.Unix(1, 0)) // ends the loop of openDoor
	<-d.accepted
	if err := d.shut(); err != nil {
		slog.Warn("some connections may be reset", "err", err)
	}
	d.listener.Close()
	close(d.late)
	<-d.served
	d.answers.Wait() // not Shutdown, which hangs up on a client whose request no handler has seen yet
}

// count knows each connection from its beginning to its end, which comes with
// its answer, or with ReadTimeout.
func (d *door) count(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		d.answers.Add(1)
	case http.StateClosed:
		d.answers.Done()
	}
}

var errCrowd = errors.New("there is always somebody at the socket")

// shut returns when no client waits at the socket and none can: it makes the queue so
// short that it holds one connection, which is our own. A handshake that
// crosses ours may still lose its place, within microseconds of the end.
func (d *door) shut() error {
	raw, err := d.listener.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), 0) })
	if err := cmp.Or(err, failed); err != nil {
		return err
	}
	for range 100 {
		addr := d.listener.Addr().String()
		if own, err := net.DialTimeout("tcp", addr, 50*time.Millisecond); err == nil {
			return own.Close() // it stays in the queue
		}
		d.listener.SetDeadline(time.Now().Add(50 * time.Millisecond))
		if conn, err := d.listener.Accept(); err == nil { // somebody was there first
			d.late <- conn
		}
	}
	return errCrowd
}

// arrivals is a net.Listener of connections that have been accepted.
type arrivals struct {
	conns <-chan net.Conn
	addr  net.Addr
}

func (a arrivals) Accept() (net.Conn, error) {
	if conn, ok := <-a.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (a arrivals) Close() error   { return nil }
func (a arrivals) Addr() net.Addr { return a.addr }
