// Command production asks an endpoint that runs what a stranger can ask it, and says
// what a host has forgotten:
//
//	go run ./examples/production https://auth.example.com
//
// endpoint.go is an endpoint as it should be in production. The README is the list of
// what to check before.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, http.DefaultClient)) }

// run prints a line for each probe, and returns the exit code: 0 if all are well, 1
// if one found a fault, 2 if it was called wrongly.
func run(ctx context.Context, args []string, out io.Writer, c *http.Client) int {
	if len(args) != 1 {
		fmt.Fprintln(out, "usage: production ISSUER, such as https://auth.example.com")
		return 2
	}
	s, code := newSite(args[0], c), 0
	for _, p := range s.probes() {
		if fault := p.ask(ctx); fault != nil {
			fmt.Fprintf(out, "FAULT  %-9s %v\n", p.name, fault)
			code = 1
			continue
		}
		fmt.Fprintf(out, "ok     %s\n", p.name)
	}
	return code
}
