//go:build unix

package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"text/template"

	"github.com/contit/oauth/storage"
)

// supervise starts everything, waits for ctx to end, and ends everything from
// the outside in: the balancer when it has answered all its requests, then the
// replicas, then the connection to the database.
func supervise(ctx context.Context, o options, out io.Writer) error {
	n, err := findNeeds(ctx, o)
	if err != nil {
		return err
	}
	defer n.Close()
	secret, err := setUp(ctx, n.database)
	if err != nil {
		return err
	}
	given, err := newHandover(n.dsn, o.prefix)
	if err != nil {
		return err
	}
	replicas, err := startFleet(ctx, 2, given)
	if err != nil {
		return err
	}
	defer replicas.Close()
	front, err := startBalancer(ctx, n.haproxy, n.listener, replicas)
	if err != nil {
		return err
	}
	defer front.Close()
	go sweep(ctx, n.database.store)
	if err := welcome(out, front, replicas, o.prefix, secret); err != nil {
		return err
	}
	replicas.keep()
	select {
	case <-ctx.Done():
		return nil
	case <-front.process.ended:
		return fmt.Errorf("haproxy has ended: %v", front.process.err)
	}
}

//go:embed welcome.txt
var welcomeText string

// welcome prints the addresses, the clients and curl lines.
func welcome(out io.Writer, front *balancer, replicas *fleet, prefix string, secret storage.Secret) error {
	t, err := template.New("welcome").Parse(welcomeText)
	if err != nil {
		return err
	}
	type server struct {
		Name, Addr string
		PID        int
	}
	var servers []server
	for _, m := range replicas.members {
		servers = append(servers, server{Name: m.name, Addr: m.addr, PID: m.process.pid()})
	}
	return t.Execute(out, map[string]any{
		"URL": front.url, "HAProxy": front.process.pid(), "Replicas": servers, "Prefix": prefix,
		"ClientID": clientID, "ClientSecret": secret.Reveal(), "PublicID": publicID, "RedirectURI": redirectURI,
	})
}
