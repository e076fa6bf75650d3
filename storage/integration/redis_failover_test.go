package integration_test

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage/redisstore"
)

// TestRedisFailoverSpendsTwice shows the loss of which the comment of package
// redisstore warns (fault 10). It tests no promise; it shows the lack of one. A
// primary acknowledges a spend that has not reached its replica, and is lost.
// On the promoted replica the credential is unspent, and is spent once more.
// WAIT sees that the replica lacks the write, and can do nothing about it.
func TestRedisFailoverSpendsTwice(t *testing.T) {
	ctx := t.Context()
	primary, replica := newRedis(t), newRedis(t)
	link := newLink(t, primary.addr())
	promoted := replica.client()
	host, port, _ := net.SplitHostPort(link.addr)
	if err := promoted.ReplicaOf(ctx, host, port).Err(); err != nil {
		t.Fatalf("REPLICAOF: %v", err)
	}
	onPrimary := openRedis(t, redisstore.Config{Do: viaGoRedis(primary.client())})
	onReplica := openRedis(t, redisstore.Config{Do: viaGoRedis(promoted)})

	code := redisCredential(time.Now())
	wantVerdict(t, "CreateCredential", onPrimary.CreateCredential(ctx, code), nil)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := onReplica.Credential(ctx, code.Digest); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replica does not follow:\n%s", replica.log)
		}
	}
	if err := onReplica.Check(ctx); err == nil || !strings.Contains(err.Error(), "primary") {
		t.Errorf("Check of a replica: got error %v, want one that says to ask the primary", err)
	}

	link.pause()
	wantVerdict(t, "Spend on the primary", onPrimary.Spend(ctx, code, nil, time.Now()), nil)
	if n, err := primary.client().Wait(ctx, 1, 100*time.Millisecond).Result(); err != nil || n != 0 {
		t.Errorf("WAIT: got %d replicas and error %v, want 0", n, err)
	}
	primary.kill()
	if err := promoted.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		t.Fatalf("REPLICAOF NO ONE: %v", err)
	}

	found, err := onReplica.Credential(ctx, code.Digest)
	if err != nil || found.Spent() {
		t.Fatalf("Credential after the fail-over: got %+v and error %v, want it unspent: then the warning can go", found, err)
	}
	wantVerdict(t, "the second Spend, after the fail-over", onReplica.Spend(ctx, code, nil, time.Now()), nil)
	t.Log("as documented: one code was spent twice, across a fail-over")
}

// link is a TCP proxy that the test can pause: bytes that are on their way then
// never arrive.
type link struct {
	addr   string
	mu     sync.Mutex
	paused bool
}

func newLink(t testing.TB, to string) *link {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &link{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			t.Cleanup(func() { from.Close(); server.Close() })
			go p.copy(server, from)
			go p.copy(from, server)
		}
	}()
	return p
}

func (p *link) copy(to, from net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil || !p.forward(to, buf[:n]) {
			return
		}
	}
}

func (p *link) forward(to net.Conn, b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		return false
	}
	_, err := to.Write(b)
	return err == nil
}

func (p *link) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
}

// With Check a host finds out at the start which commands would fail later.
func TestRedisCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		single bool
		want   []string // in the error; none: no error
	}{
		{"an ordinary server is accepted", nil, true, nil},
		{"one that evicts is refused", []string{"--maxmemory-policy", "allkeys-lru"}, false, []string{"allkeys-lru", "noeviction"}},
		{"a node of a cluster is not a single server", []string{"--cluster-enabled", "yes"}, true, []string{"SingleServer"}},
		{"a full server is refused", []string{"--maxmemory", "1"}, false, []string{"full"}},
		{"a password is asked for", []string{"--requirepass", "x"}, false, []string{"password"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := newRedis(t, tt.args...)
			rdb := server.client()
			if tt.args != nil && tt.args[0] == "--cluster-enabled" {
				if err := rdb.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", "0", strconv.Itoa(16383)).Err(); err != nil {
					t.Fatalf("CLUSTER ADDSLOTSRANGE: %v", err)
				}
				for start := time.Now(); !clusterReady(t.Context(), []string{server.addr()}) && time.Since(start) < 20*time.Second; {
					time.Sleep(20 * time.Millisecond)
				}
			}
			wantFault(t, openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), SingleServer: tt.single}).Check(t.Context()), tt.want)
		})
	}
	t.Run("a server that is down is named", func(t *testing.T) {
		server := newRedis(t)
		s := openRedis(t, redisstore.Config{Do: viaGoRedis(server.client())})
		server.kill()
		wantFault(t, s.Check(t.Context()), []string{"is the server running"})
	})
}

func wantFault(t *testing.T, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("Check: got error %v, want none", err)
		}
		return
	}
	for _, part := range want {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Check: got error %v, want one that names %q", err, part)
		}
	}
}
