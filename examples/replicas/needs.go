//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
)

// needs are the things that this program does not bring along.
type needs struct {
	haproxy  string // its path
	listener *net.TCPListener
	dsn      string
	database *database
}

var errNoHAProxy = errors.New("HAProxy is needed, and haproxy is not in PATH. Install the package haproxy (Debian: apt-get install haproxy, which puts it into /usr/sbin)")

// findNeeds names everything that is missing in one error. It changes nothing,
// so a start that fails leaves the database as it was.
func findNeeds(ctx context.Context, o options) (*needs, error) {
	n := &needs{dsn: dsnOf(o)}
	path, errHAProxy := exec.LookPath("haproxy")
	if n.haproxy = path; errHAProxy != nil {
		errHAProxy = errNoHAProxy
	}
	listener, errListen := net.Listen("tcp", o.addr)
	if errListen != nil {
		errListen = fmt.Errorf("another address is needed, named by -addr: %w", errListen)
	} else {
		n.listener = listener.(*net.TCPListener)
	}
	errDatabase := n.connect(ctx, o.prefix)
	if err := errors.Join(errHAProxy, errListen, errDatabase); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// connect asks the database whether it is there.
func (n *needs) connect(ctx context.Context, prefix string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if n.database, err = connect(n.dsn, prefix); err == nil {
		err = n.database.db.PingContext(ctx)
	}
	if err != nil {
		return fmt.Errorf("a PostgreSQL is needed, named by -dsn or %s: %w", dsnVariable, err)
	}
	return nil
}

func (n *needs) Close() error {
	if n.listener != nil {
		n.listener.Close() // again, if the balancer has closed it
	}
	if n.database == nil {
		return nil
	}
	return n.database.Close()
}
