package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// redisServer is a redis-server that a test started for itself, to flush, kill
// or reconfigure it. It persists nothing unless it is told to.
type redisServer struct {
	t    testing.TB
	port int
	args []string
	dir  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
}

// needRedis skips a test where no Redis is wanted.
func needRedis(t testing.TB) {
	t.Helper()
	if os.Getenv("OAUTH_TEST_REDIS") == "" {
		t.Skip("NOT TESTED: needs Redis: set OAUTH_TEST_REDIS to the address of one for tests (storage/integration/servers starts one)")
	}
}

// newRedis starts a redis-server on a free port of the loopback.
func newRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	needRedis(t)
	quiet.Do(logging.Disable)
	s := &redisServer{t: t, port: freePorts(t), args: args, dir: t.TempDir()}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// freePorts returns a port that is free, as is the one 10000 above it, where a
// node of a cluster talks to the others.
func freePorts(t testing.TB) int {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port >= 55000 {
			continue
		}
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+10000)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("found no free port")
	return 0
}

func (s *redisServer) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// start starts the server, for the first time or again, and waits for it.
func (s *redisServer) start() {
	s.t.Helper()
	args := []string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
	s.log = new(bytes.Buffer)
	s.cmd = exec.Command(program(s.t, "redis-server"), append(args, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = new(syscall.SysProcAttr)
	orphan(s.cmd.SysProcAttr, syscall.SIGKILL)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("starting redis-server: %v", err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: -1})
	defer c.Close()
	for deadline := time.Now().Add(time.Minute); !answers(c); {
		if time.Now().After(deadline) {
			s.kill()
			s.t.Fatalf("redis-server does not answer:\n%s", s.log)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// answers reports whether the server is up. That it asks for a password will do.
func answers(c *redis.Client) bool {
	err := c.Ping(context.Background()).Err()
	return err == nil || redis.HasErrorPrefix(err, "NOAUTH")
}

// kill ends the server as kill -9 does.
func (s *redisServer) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *redisServer) client() *redis.Client { return redisClient(s.t, s.addr()) }

// quiet keeps go-redis from writing about servers that were killed on purpose.
var quiet sync.Once

func redisClient(t testing.TB, addr string) *redis.Client {
	quiet.Do(logging.Disable)
	c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 60, ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close() })
	return c
}

// newRedisCluster starts three nodes with a third of the slots each.
func newRedisCluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	var addrs []string
	for range 3 {
		addrs = append(addrs, newRedis(t, "--cluster-enabled", "yes").addr())
	}
	create := append([]string{"--cluster", "create"}, append(addrs, "--cluster-yes")...)
	if out, err := exec.Command(program(t, "redis-cli"), create...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, out)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, PoolSize: 60, ContextTimeoutEnabled: true})
	t.Cleanup(func() { c.Close() })
	for deadline := time.Now().Add(20 * time.Second); !clusterReady(t.Context(), addrs); {
		if time.Now().After(deadline) {
			t.Fatal("the cluster is not ready")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return c
}

func clusterReady(ctx context.Context, addrs []string) bool {
	for _, addr := range addrs {
		c := redis.NewClient(&redis.Options{Addr: addr})
		info, err := c.ClusterInfo(ctx).Result()
		c.Close()
		if err != nil || !strings.Contains(info, "cluster_state:ok") {
			return false
		}
	}
	return true
}
