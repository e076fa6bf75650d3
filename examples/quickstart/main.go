// Command quickstart is a whole token endpoint in one process, to try and to
// copy from. It needs no database and no environment, and forgets everything
// when it ends:
//
//	go run ./examples/quickstart
//
// It prints the addresses that it serves, the reference page first, and curl lines that
// work as they stand.
//
// A host takes server.go and docs.go from here: the clients, the mount, the page. demo.go stands in
// for pages that a host has of its own, behind a login. Here these pages give a
// code or an API key to everybody, so the program listens on a loopback address.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

const defaultAddr = "127.0.0.1:8080"

func main() {
	addr := flag.String("addr", "", "the `address` to listen on (default "+defaultAddr+", or a free port if that is taken)")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run serves until Ctrl-C.
func run(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelDebug) // the endpoint logs issued tokens there

	listener, err := listen(addr)
	if err != nil {
		return err
	}
	store := new(memory.Store)
	handler, welcome, err := newServer(ctx, store, baseURL(listener.Addr()))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler,
		// The endpoint bounds the time for a body; headers, answers and idle
		// connections are the server's.
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go deleteExpired(ctx, store)
	fmt.Print(welcome)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		stop() // a second Ctrl-C does not wait
		return shutdown(server)
	}
}

// listen listens at the address of the flag and at no other. Without the flag it
// listens at defaultAddr, or at a free port of the same host.
func listen(addr string) (net.Listener, error) {
	if addr != "" {
		return net.Listen("tcp", addr)
	}
	listener, err := net.Listen("tcp", defaultAddr)
	if err == nil {
		return listener, nil
	}
	free, errFree := net.Listen("tcp", "127.0.0.1:0")
	if errFree != nil {
		return nil, errors.Join(err, errFree)
	}
	fmt.Printf("%s is taken, so this is a free port. -addr chooses another.\n\n", defaultAddr)
	return free, nil
}

// baseURL is where this machine reaches the listener.
func baseURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// shutdown lets requests end that are under way. A connection that never sent
// anything, as browsers open in advance, would keep it waiting for seconds.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// deleteExpired keeps the store from growing. The library starts no goroutines:
// the host chooses when to clean up.
func deleteExpired(ctx context.Context, store *memory.Store) {
	_ = storage.Sweep(ctx, store, time.Minute, func(err error) { // it ends with ctx
		slog.Error("delete expired credentials", "err", err)
	})
}
