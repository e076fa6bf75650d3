package integration_test

import (
	"bufio"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A cut is the moment at which the proxy cuts a connection that spends a
// credential.
type cut int32

const (
	uncut        cut = iota
	loseQuestion     // before the database hears of it
	loseAnswer       // when the database has committed it
	loseAll          // the same, and nobody reaches the database for a while
)

// cutter is a TCP proxy before a database. It cuts connections at the moments
// that decide whether the store or the database knows of a spend.
type cutter struct {
	t        testing.TB
	addr, to string
	protocol func() protocol
	calm     atomic.Bool
	several  atomic.Int32 // lost answers that told of several spends

	mu    sync.Mutex
	dark  time.Time // until then nobody gets through
	conns map[net.Conn]bool
	cuts  [loseAll + 1]int
}

func newCutter(t testing.TB, to string, p func() protocol) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{t: t, addr: l.Addr().String(), to: to, protocol: p, conns: make(map[net.Conn]bool)}
	t.Cleanup(func() { l.Close(); c.closeAll() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if server, ok := c.connect(client); ok {
				c.join(client, server)
			}
		}
	}()
	return c
}

func (c *cutter) connect(client net.Conn) (net.Conn, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	server, err := net.Dial("tcp", c.to)
	if err != nil || time.Now().Before(c.dark) {
		client.Close()
		if err == nil {
			server.Close()
		}
		return nil, false
	}
	c.conns[client], c.conns[server] = true, true
	return server, true
}

// join forwards messages until the connection is cut.
func (c *cutter) join(client, server net.Conn) {
	p, fate := c.protocol(), new(atomic.Int32)
	end := func() { c.close(client, server) }
	go func() {
		defer end()
		for r := bufio.NewReader(client); ; {
			m, spends, err := p.question(r)
			if err != nil {
				return
			}
			if spends {
				fate.Store(int32(c.draw()))
			}
			if cut(fate.Load()) == loseQuestion {
				c.count(loseQuestion)
				return
			}
			if _, err := server.Write(m); err != nil {
				return
			}
		}
	}()
	go func() {
		defer end()
		var held []byte
		for r := bufio.NewReader(server); ; {
			m, spent, committed, err := p.answer(r)
			if err != nil {
				return
			}
			f := cut(fate.Load())
			if held != nil || spent > 0 && f >= loseAnswer {
				held = append(held, m...)
				if spent > 1 {
					c.several.Add(1)
				}
				if committed {
					c.count(f)
					return
				}
				continue
			}
			if _, err := client.Write(m); err != nil {
				return
			}
		}
	}()
}

func (c *cutter) draw() cut {
	if c.calm.Load() {
		return uncut
	}
	return [...]cut{uncut, uncut, uncut, loseQuestion, loseAnswer, loseAnswer, loseAnswer, loseAll}[rand.IntN(8)]
}

func (c *cutter) count(f cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts[f]++
	if f == loseAll {
		c.dark = time.Now().Add(time.Duration(10+rand.IntN(40)) * time.Millisecond)
		c.closeLocked()
	}
}

// total returns how often it cut, kind by kind. A connection that a caller has
// given up may still be counted, so this takes the lock.
func (c *cutter) total() (all int, cuts [loseAll + 1]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.cuts[loseQuestion:] {
		all += n
	}
	return all, c.cuts
}

func (c *cutter) close(all ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range all {
		conn.Close()
		delete(c.conns, conn)
	}
}

func (c *cutter) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked()
}

func (c *cutter) closeLocked() {
	for conn := range c.conns {
		conn.Close()
	}
	clear(c.conns)
}
