// Command mcp is an MCP server with OAuth, in one process: a notebook with one tool,
// the token endpoint, and a login page with one user.
//
//	go run ./examples/mcp
//
// It prints the URL for your editor, and the user's password. It forgets everything
// when it ends. server.go is the part to copy, login.go stands in for the login that a
// host has, and README.md is the guide.
package main

import (
	"context"
	"crypto/rand"
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

const welcome = `The MCP server:     %[1]s%[2]s
Its token endpoint: %[1]s/connect/token

Add it to an editor, for example:

  claude mcp add --transport http notes %[1]s%[2]s
  code --add-mcp '{"name":"notes","type":"http","url":"%[1]s%[2]s"}'

The editor opens a login page. Log in as %[3]s with the password %[4]s
Ctrl-C ends it.
`

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "the loopback `address` to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

// run serves until Ctrl-C.
func run(addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w (-addr chooses another address)", err)
	}
	c := config{base: "http://" + listener.Addr().String(), password: rand.Text()[:12], store: new(memory.Store)}
	handler, err := newServer(c)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go storage.Sweep(ctx, c.store, time.Minute, func(err error) { slog.Error("delete expired credentials", "err", err) })
	fmt.Printf(welcome, c.base, mcpPath, userName, c.password)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
