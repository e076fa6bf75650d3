//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// restartDelay keeps a replica that cannot start from starting all the time.
const restartDelay = 500 * time.Millisecond

// fleet are the replicas.
type fleet struct {
	members []*member
	stop    context.CancelFunc
	kept    sync.WaitGroup
}

// member is a place for a replica: the process in it may change, the address
// does not.
type member struct {
	name, addr string
	given      *handover
	process    *process
}

// startFleet starts n replicas and returns when all of them serve.
func startFleet(ctx context.Context, n int, given *handover) (*fleet, error) {
	addrs, err := freeAddrs(n)
	if err != nil {
		return nil, err
	}
	f := new(fleet)
	for i, addr := range addrs {
		m := &member{name: fmt.Sprintf("replica%d", i+1), addr: addr, given: given}
		if m.process, err = m.start(); err != nil {
			break
		}
		f.members = append(f.members, m)
	}
	for _, m := range f.members {
		if err == nil {
			err = answers(ctx, "http://"+m.addr+"/healthz", m.process)
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("start the replicas: %w", err)
	}
	return f, nil
}

// keep starts a replica that ends by itself again, until Close is called.
func (f *fleet) keep() {
	// The end of supervise's ctx must not end the replicas: the balancer ends first.
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	for _, m := range f.members {
		f.kept.Go(func() { m.keep(ctx) })
	}
}

// Close ends the replicas, each when its requests have ended.
func (f *fleet) Close() {
	if f.stop != nil {
		f.stop()
		f.kept.Wait()
	}
	for _, m := range f.members {
		m.process.stdin.Close() // the word to end; see serveReplica
	}
	for _, m := range f.members {
		m.process.end(lastRequests + 5*time.Second)
	}
}

// start starts this program once more, as a replica.
func (m *member) start() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(exec.Command(self, "-replica", m.name, "-listen", m.addr), 0)
	if err != nil {
		return nil, err
	}
	if err := m.given.writeTo(p.stdin); err != nil {
		slog.Error("hand over the key", "replica", m.name, "err", err) // it has ended, which is seen elsewhere
	}
	return p, nil
}

// keep starts the replica again whenever it ends, until ctx does.
func (m *member) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.process.ended:
		}
		slog.Warn("a replica has ended and is started again", "replica", m.name, "pid", m.process.pid(), "err", m.process.err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(restartDelay):
		}
		p, err := m.start()
		if err != nil {
			slog.Error("start a replica", "replica", m.name, "err", err)
			continue
		}
		m.process = p
		slog.Info("a replica has started", "replica", m.name, "pid", p.pid())
	}
}

var (
	errSilent = errors.New("no answer for a long time; the log says why")
	errEnded  = errors.New("a process has ended; the log says why")
)

// answers waits until a process does at a URL, for a while.
func answers(ctx context.Context, url string, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errSilent)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ended:
			return errEnded
		case <-time.After(20 * time.Millisecond):
		}
	}
}
