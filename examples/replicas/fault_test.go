//go:build unix

package main_test

import (
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// A replica that dies takes with it the requests that it had. HAProxy answers
// them with 502, or ends the connection if it was used before, as servers do
// that let go of an idle one (RFC 9112 §9.3.1). All others go on.
func TestKillUnderLoad(t *testing.T) {
	p := start(t)
	l := startLoad(t, p)
	l.answered(t, "replica1", 100)
	killed := time.Now()
	if err := syscall.Kill(p.replicas["replica1"].pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.answered(t, "replica2", 200)
	l.answered(t, "replica1", 100) // which has been started again
	l.end()

	t.Logf("%v answered, %d lost with the replica", l.good, len(l.bad))
	if l.refused > 0 || len(l.bad) > loadWorkers {
		t.Errorf("%d connections refused, %d requests failed, want none, and at most the %d that were under way", l.refused, len(l.bad), loadWorkers)
	}
	for _, f := range l.bad {
		lost := f.status == http.StatusBadGateway || errors.Is(f.err, io.EOF)
		if !lost || f.at.Sub(killed) > time.Second {
			t.Errorf("%v after the kill: %v, want nothing but 502 or EOF, and at once", f.at.Sub(killed), f)
		}
	}
}

// A replica that is told to leave, as for an upgrade, finishes its requests, and no
// client notices.
func TestLeaveUnderLoad(t *testing.T) {
	p := start(t)
	l := startLoad(t, p)
	for name, r := range p.replicas {
		l.answered(t, name, 100)
		if err := syscall.Kill(r.pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		wait(t, name+" has left", func() bool { return !alive(r.pid) })
		l.answered(t, name, 100) // which has been started again
	}
	l.end()
	t.Logf("%v answered, %d failures", l.good, len(l.bad))
	for _, f := range l.bad {
		t.Errorf("a request failed: %v, want an answer", f)
	}
	if l.refused > 0 {
		t.Errorf("%d connections refused, want none", l.refused)
	}
}

// An answer that is lost with its replica is given again by the other.
func TestRefreshAfterKill(t *testing.T) {
	p := start(t)
	first := mustPost(t, p.url, codeRequest(t, p.url))
	lost := mustPost(t, p.replicas["replica1"].url, refreshRequest(first.RefreshToken))
	if err := syscall.Kill(p.replicas["replica1"].pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := mustPost(t, p.url, refreshRequest(first.RefreshToken))
	if lost.status != 200 || again.status != 200 || again.RefreshToken != lost.RefreshToken {
		t.Errorf("refresh = %d, again = %d at %s, the same successor: %v; want 200, 200, true",
			lost.status, again.status, again.servedBy, again.RefreshToken == lost.RefreshToken)
	}
}
