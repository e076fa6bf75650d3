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
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "hostapp:", err)
		os.Exit(1)
	}
}

// run serves the shop until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("hostapp", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8081", "where to listen")
	file := flags.String("db", "", "the SQLite file (default: a new one, deleted at the end)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *file == "" {
		dir, err := os.MkdirTemp("", "hostapp")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		*file = filepath.Join(dir, "shop.db")
	}
	db, err := openDatabase(ctx, *file)
	if err != nil {
		return err
	}
	defer db.Close()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	s, err := newShop(db, config{issuer: "http://" + listener.Addr().String(), log: slog.Default()})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer s.Close()
	seeded, err := s.seed(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(out, "shop             %s\n", s.issuer)
	if seeded != nil {
		seeded.print(out, s.issuer)
	}
	fmt.Fprintln(out, "ready            Ctrl-C ends it")
	go s.sweep(ctx, time.Hour)
	return serve(ctx, listener, s)
}

// serve ends when ctx does, and lets requests that are under way finish first.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return server.Close() // somebody holds a connection open
	}
	return nil
}
