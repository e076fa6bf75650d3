// Command spa is a single-page app and the server whose API it uses, each at an
// address of its own:
//
//	go run ./examples/spa
//
// The app is in the folder app, and has no dependency. server.go is the server,
// app.go serves the app.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8084", "the `address` of the server")
	appAddr := flag.String("app", "127.0.0.1:0", "the `address` of the app; port 0 is a free one")
	lifetime := flag.Duration("lifetime", time.Minute, "the lifetime of access tokens: a short one shows the refresh")
	flag.Parse()
	if err := run(*addr, *appAddr, *lifetime); err != nil {
		fmt.Fprintln(os.Stderr, "spa:", err)
		os.Exit(1)
	}
}

// run serves until Ctrl-C.
func run(addr, appAddr string, lifetime time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	serverListener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer serverListener.Close()
	appListener, err := net.Listen("tcp", appAddr)
	if err != nil {
		return err
	}
	defer appListener.Close()
	at := addresses{server: "http://" + serverListener.Addr().String(), app: "http://" + appListener.Addr().String()}
	api, err := newServer(ctx, at, lifetime)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	for listener, handler := range map[net.Listener]http.Handler{serverListener: api, appListener: newApp(at)} {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute}
		defer server.Close()
		go func() { failed <- server.Serve(listener) }()
	}
	fmt.Printf("Open %s/ in a browser. Its server is %s/connect/token. Ctrl-C ends both.\n", at.app, at.server)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// addresses are the origins of the server and of the app.
type addresses struct{ server, app string }
