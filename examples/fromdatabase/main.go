// Command fromdatabase is a web application that had users, apps and personal
// tokens in PostgreSQL before it had OAuth, and mounts a token endpoint over those
// tables. The files whose names begin with oauth are all that was added. See
// README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fromdatabase:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := readSettings(args)
	if err != nil {
		return err
	}
	if s.demo {
		drop, err := s.makeDemo(ctx)
		if err != nil {
			return err
		}
		defer drop()
	}
	pool, err := pgxpool.NewWithConfig(ctx, s.database)
	if err != nil {
		return err
	}
	defer pool.Close()
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if s.url == "" {
		s.url = "http://" + listener.Addr().String()
	}
	site, err := newSite(ctx, pool, s, slog.Default())
	if err != nil {
		return err
	}
	defer site.Close()
	servers := map[net.Listener]http.Handler{listener: site}
	if s.metrics != "" { // an address of its own, where strangers do not come
		listener, err := net.Listen("tcp", s.metrics)
		if err != nil {
			return err
		}
		defer listener.Close()
		servers[listener] = site.oauth.metrics
	}
	fmt.Fprintf(out, "tokens   %s/connect/token\napps     %s/apps\n", s.url, s.url)
	fmt.Fprintln(out, "ready    Ctrl-C ends it")
	return serve(ctx, servers)
}
