package integration_test

import (
	"testing"
)

// killCase is a grant, with its preparation and every point that it passes.
type killCase struct {
	name   string
	points []string
	// setUp, if not nil, returns the credential that the request presents.
	setUp func(b *faultBed, at string) string
	ask   func(b *faultBed, at, shown string) *reply
	// spends: once it is spent, it is refused; repeats: then it is repeated.
	spends, repeats bool
}

var everyPoint = []string{"before client", "after client", "before sign", "after sign", "before answer"}

func killCases() []killCase {
	reads := []string{"before credential", "after credential", "before spend", "after spend"}
	creates := []string{"before create", "after create"}
	token := func(b *faultBed, at string) string {
		r := b.redeem(at, b.newCode())
		if !r.ok() {
			b.Fatalf("a code, before the fault: got status %d and error %v, want 200", r.status, r.err)
		}
		return r.body.Refresh
	}
	return []killCase{
		{
			name: "client_credentials", points: append(creates, everyPoint...),
			ask: func(b *faultBed, at, _ string) *reply { return b.clientCredentials(at) },
		}, {
			name: "api_key", points: append([]string{"before api key", "after api key", "before create", "after create"}, everyPoint...),
			ask: func(b *faultBed, at, _ string) *reply { return b.exchangeKey(at) },
		}, {
			name: "authorization_code", points: append(reads, everyPoint...), spends: true,
			setUp: func(b *faultBed, _ string) string { return b.newCode() },
			ask:   (*faultBed).redeem,
		}, {
			name: "refresh_token", points: append(reads, everyPoint...), spends: true, repeats: true,
			setUp: token,
			ask:   (*faultBed).refresh,
		}, {
			name: "refresh_token whose answer was lost", points: append(reads, everyPoint...), spends: true, repeats: true,
			setUp: func(b *faultBed, at string) string {
				shown := token(b, at)
				b.n.lost.Add(1)
				b.refresh(at, shown)
				return shown
			},
			ask: (*faultBed).refresh,
		},
	}
}

// The process is killed at every point between the request and the answer, for
// every grant, and started again (fault 3).
//
// No process has a cache of clients, so that each request comes to each point.
func TestFaultKilled(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, s server) {
		t.Parallel()
		b := newFaultBed(t, s)
		forFaults(t, 0, func() {
			process := b.newChild(tuning{EachClientRead: true}, 0)
			for _, c := range killCases() {
				for _, point := range c.points {
					process = b.killAt(process, c, point)
				}
			}
			process.kill()
		})
		b.wantOneLeaf()
		b.n.report(t)
	})
}

// killAt kills a process in a request, and asks its successor the same.
func (b *faultBed) killAt(process *child, c killCase, point string) *child {
	b.Helper()
	var shown string
	if c.setUp != nil {
		shown = c.setUp(b, process.url)
	}
	process.lay(b, point)
	if r := c.ask(b, process.url, shown); r.err == nil {
		b.Fatalf("%s, killed %s: got status %d, want none: the process goes on", c.name, point, r.status)
	}
	if state := process.wait(); state != "signal: killed" {
		b.Fatalf("%s, killed %s: the process ended with %q", c.name, point, state)
	}
	b.n.faults.Add(1)
	process = b.newChild(tuning{EachClientRead: true}, 0)
	first := c.ask(b, process.url, shown)
	happened := point == "after spend" || point == "before answer"
	switch lost := c.spends && !c.repeats && happened; {
	case lost && !first.refused():
		b.n.double(b, "%s, killed %s: got status %d, want a refusal", c.name, point, first.status)
	case !lost && !first.ok():
		b.n.mistake(b, "%s, killed %s: got status %d with error %q, want 200", c.name, point, first.status, first.body.Error)
	}
	if first.ok() {
		b.wantStored(first.body.Refresh)
	}
	if !c.spends {
		return process
	}
	again := c.ask(b, process.url, shown)
	switch {
	case c.repeats && (!again.ok() || again.body.Refresh != first.body.Refresh):
		b.n.double(b, "%s, killed %s: asked again, got status %d, want the same successor", c.name, point, again.status)
	case !c.repeats && !again.refused():
		b.n.double(b, "%s, killed %s: asked again, got status %d, want a refusal", c.name, point, again.status)
	}
	return process
}
