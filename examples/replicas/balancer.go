//go:build unix

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"
)

//go:embed haproxy.cfg
var haproxyConfig string

// balancer is HAProxy.
type balancer struct {
	process  *process
	listener *net.TCPListener // its socket
	dir      string
	url      string
}

// startBalancer returns when the replicas are reached through it. It closes the
// listener if it fails.
func startBalancer(ctx context.Context, path string, listener *net.TCPListener, replicas *fleet) (_ *balancer, err error) {
	b := &balancer{listener: listener, url: "http://" + listener.Addr().String()}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	socket, err := b.listener.File()
	if err != nil {
		return nil, err
	}
	defer socket.Close() // HAProxy has its own
	if b.dir, err = os.MkdirTemp("", "replicas"); err != nil {
		return nil, err
	}
	config := filepath.Join(b.dir, "haproxy.cfg")
	if err := writeConfig(config, replicas); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-db", "-f", config)
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // the rest, such as the database's password, is not its business
	if b.process, err = startProcess(cmd, syscall.SIGUSR1); err != nil {
		return nil, err
	}
	if err := answers(ctx, b.url+"/.well-known/jwks.json", b.process); err != nil {
		return nil, fmt.Errorf("haproxy: %w", err)
	}
	return b, nil
}

const firstExtraFile = 3 // of exec.Cmd.ExtraFiles, behind stdin, stdout and stderr

func writeConfig(file string, replicas *fleet) error {
	t, err := template.New("haproxy.cfg").Parse(haproxyConfig)
	if err != nil {
		return err
	}
	type server struct{ Name, Addr string }
	var servers []server
	for _, m := range replicas.members {
		servers = append(servers, server{Name: m.name, Addr: m.addr})
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = t.Execute(f, map[string]any{"FD": firstExtraFile, "Replicas": servers})
	return errors.Join(err, f.Close())
}

// Close lets HAProxy finish the requests that it has begun. On SIGTERM HAProxy would
// end at once.
func (b *balancer) Close() {
	if b.process != nil {
		late := openDoor(b.listener)
		b.process.cmd.Process.Signal(syscall.SIGUSR1)
		b.process.end(15 * time.Second)
		late.Close()
	}
	b.listener.Close()
	os.RemoveAll(b.dir)
}
