//go:build unix

// Command replicas is one token endpoint in two processes, behind HAProxy, on
// one PostgreSQL:
//
//	go run ./examples/replicas
//
// It prints where the endpoint is and curl lines that work as they stand.
// Ctrl-C ends it all, and resets no connection that is being served. In another
// terminal,
//
//	go run ./examples/replicas -smoke http://127.0.0.1:8083
//
// asks both replicas for tokens and tells whether they act as one.
//
// A host takes endpoint.go from here, the mount behind a balancer; replica.go, a
// process that leaves without a lost request; database.go, the work that is done
// once and not by each replica; and haproxy.cfg. The rest starts and stops
// processes, for which a host has systemd or Kubernetes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// options are the options of the command line.
type options struct {
	addr   string // where the balancer listens
	dsn    string
	prefix string

	smoke           string // the URL that the smoke client asks
	replica, listen string // the supervisor sets both for a replica
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "replicas:", err)
		os.Exit(1)
	}
}

// run is the supervisor, unless a flag makes it the smoke client or a replica.
func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("replicas", flag.ContinueOnError)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8083", "the `address` where the balancer listens")
	flags.StringVar(&o.dsn, "dsn", "", "the PostgreSQL (default: $"+dsnVariable+", or "+defaultDSN+")")
	flags.StringVar(&o.prefix, "prefix", "replicas_", "what the names of the tables begin with")
	flags.StringVar(&o.smoke, "smoke", "", "be the smoke client of what runs at this `URL`")
	flags.StringVar(&o.replica, "replica", "", "be the replica of this `name`; for the supervisor to use")
	flags.StringVar(&o.listen, "listen", "", "the `address` where a replica listens")
	switch err := flags.Parse(args); {
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("there are no arguments, only flags: %q", flags.Args())
	case o.smoke != "":
		return smoke(ctx, o.smoke, os.Stdout)
	case o.replica != "":
		return serveReplica(ctx, o.replica, o.listen, os.Stdin)
	}
	return supervise(ctx, o, os.Stdout)
}
