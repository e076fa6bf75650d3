//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// lameDuck is how long a replica goes on serving after it has told the balancer
// that it leaves: several times the "inter" of haproxy.cfg.
const lameDuck = time.Second

// lastRequests bounds the time for requests that are under way when a process
// ends. The endpoint takes at most 5 seconds to read one and twice 2 for its
// stores.
const lastRequests = 10 * time.Second

// replica is one of the processes that share the database and the key.
type replica struct {
	handler  http.Handler
	draining atomic.Bool
}

// serveReplica serves until stdin ends, which is the supervisor's word, or
// until ctx does, which is a signal to this replica alone.
func serveReplica(ctx context.Context, name, addr string, stdin io.Reader) error {
	given, key, err := readHandover(stdin)
	if err != nil {
		return err
	}
	released := make(chan struct{})
	go func() {
		io.Copy(io.Discard, stdin)
		close(released)
	}()
	shared, err := connect(given.DSN, given.Prefix)
	if err != nil {
		return err
	}
	defer shared.Close()
	if err := shared.open(ctx); err != nil {
		return err
	}
	r := new(replica)
	mux := http.NewServeMux()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("replica", name)
	if err := mountOAuth(mux, shared.store, key, log); err != nil {
		return err
	}
	mux.Handle("GET /demo/code", &codePage{store: shared.store})
	mux.HandleFunc("GET /healthz", r.health)
	r.handler = mux

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return r.serve(ctx, listener, released)
}

// health answers the balancer. It does not ask the database, which is one for all
// replicas: if the database fails, no replica is better than another, and the
// endpoint's own 503 tells clients more than the balancer could.
func (r *replica) health(w http.ResponseWriter, _ *http.Request) {
	if r.draining.Load() {
		w.WriteHeader(http.StatusNotFound) // "disable-on-404" of haproxy.cfg: no new requests, please
		return
	}
	fmt.Fprintln(w, "ok")
}

func (r *replica) serve(ctx context.Context, listener net.Listener, released <-chan struct{}) error {
	server := &http.Server{
		Handler:           r.handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-released: // nobody asks any more: the supervisor stops the balancer first
	case <-ctx.Done():
		r.draining.Store(true)
		select {
		case <-released:
		case <-time.After(lameDuck):
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequests)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return server.Close() // somebody holds a connection open
	}
	return nil
}
