//go:build unix

package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a child of the supervisor.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{}
	err   error // why, once ended is closed
}

// startProcess starts cmd in a process group of its own: a Ctrl-C of the
// terminal goes to a whole group, and all would end at once, in any order. Where
// the platform can, the process gets the signal last if this one is killed.
func startProcess(cmd *exec.Cmd, last syscall.Signal) (*process, error) {
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	orphan(cmd.SysProcAttr, last)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end waits for a process that has been told to end, and kills it if it does
// not.
func (p *process) end(patience time.Duration) {
	select {
	case <-p.ended:
		return
	case <-time.After(patience):
	}
	slog.Error("a process does not end and is killed", "path", p.cmd.Path, "pid", p.pid())
	p.cmd.Process.Kill()
	<-p.ended
}

// freeAddrs returns n addresses of this host where no process listens.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // all at the end, so that none is given twice
		addrs = append(addrs, listener.Addr().String())
	}
	return addrs, nil
}
