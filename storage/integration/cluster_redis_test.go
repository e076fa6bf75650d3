//go:build clusters

package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// redisNodes returns the addresses of the nodes that storage/integration/cluster-redis
// has started.
func redisNodes(t testing.TB) []string {
	t.Helper()
	nodes := strings.Fields(os.Getenv("OAUTH_TEST_REDIS_CLUSTER"))
	if len(nodes) != 6 {
		t.Skip("NOT TESTED: needs a Redis Cluster: set OAUTH_TEST_REDIS_CLUSTER (storage/integration/cluster-redis starts one)")
	}
	quiet.Do(logging.Disable)
	return nodes
}

// clusterOptions are those that the comment of package redisstore asks for, and times
// after which the client gives up a node that does not answer.
func clusterOptions(nodes []string) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: nodes, PoolSize: 60, ContextTimeoutEnabled: true, ClusterStateReloadInterval: time.Second,
		DialTimeout: time.Second, ReadTimeout: time.Second,
	}
}

func clusterClient(t testing.TB, nodes []string) *redis.ClusterClient {
	t.Helper()
	c := redis.NewClusterClient(clusterOptions(nodes))
	t.Cleanup(func() { c.Close() })
	return c
}

// clusterStore is a store with a prefix of its own, so that the runs do not meet.
func clusterStore(t testing.TB, c *redis.ClusterClient) *redisstore.Store {
	t.Helper()
	s := openRedis(t, redisstore.Config{Do: viaGoRedis(c), Prefix: fmt.Sprintf("test-%d:", rand.Uint64())})
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("Check of a cluster: got error %v, want none", err)
	}
	return s
}

func TestRedisClusterStore(t *testing.T) {
	store := clusterStore(t, clusterClient(t, redisNodes(t)))
	storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
	storagetest.RunManagedClients(t, func(testing.TB) storagetest.ManagedClients { return store })
	storagetest.RunManagedAPIKeys(t, func(testing.TB) storagetest.ManagedAPIKeys { return store })
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
}

func TestRedisClusterEndpoint(t *testing.T) {
	store := clusterStore(t, clusterClient(t, redisNodes(t)))
	endpointtest.Run(t, func(testing.TB) storagetest.Store { return store })
}

// redirections counts how often a node sent a command elsewhere: MOVED for good, ASK
// for this once, TRYAGAIN where a slot is between two nodes.
type redirections struct{ moved, ask, tryAgain atomic.Int64 }

func (r *redirections) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *redirections) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r *redirections) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		switch {
		case err == nil:
		case strings.HasPrefix(err.Error(), "MOVED"):
			r.moved.Add(1)
		case strings.HasPrefix(err.Error(), "ASK"):
			r.ask.Add(1)
		case strings.HasPrefix(err.Error(), "TRYAGAIN"):
			r.tryAgain.Add(1)
		}
		return err
	}
}

// watch lets a client's connections to each node tell r how they were answered.
func (r *redirections) watch(t testing.TB, nodes []string) *redis.ClusterClient {
	t.Helper()
	o := clusterOptions(nodes)
	o.NewClient = func(o *redis.Options) *redis.Client {
		node := redis.NewClient(o)
		node.AddHook(r)
		return node
	}
	c := redis.NewClusterClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// Slots move from master to master, with the keys in them, while racers spend: as
// redis-cli does it, and one slot in which all families are, slowly, so that commands
// meet it between two masters.
func TestRedisClusterSlotsMove(t *testing.T) {
	nodes := redisNodes(t)
	const hot = "{hot}" // all families whose names begin so are in one slot
	for _, tt := range []struct {
		name, families string
		move           func(t testing.TB, nodes []string, turn int)
		asks           int64
	}{
		{"by redis-cli", "", reshard, 0},
		{"one slot, slowly", hot, func(t testing.TB, nodes []string, turn int) { moveSlot(t, nodes, hot, turn) }, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r redirections
			store := clusterStore(t, r.watch(t, nodes))
			n := spendFamiliesUnderFaults(t, store, 10*time.Second, tt.families, func(i int) { tt.move(t, nodes, i) })
			t.Logf("%d MOVED, %d ASK, %d TRYAGAIN", r.moved.Load(), r.ask.Load(), r.tryAgain.Load())
			if r.moved.Load() == 0 || r.ask.Load() < tt.asks {
				t.Errorf("got %d MOVED and %d ASK, want some and %d: no slot moved under a command", r.moved.Load(), r.ask.Load(), tt.asks)
			}
			if n.outages.Load() > n.attempts.Load()/100 {
				t.Errorf("got %d outages of %d attempts, want one in a hundred at most", n.outages.Load(), n.attempts.Load())
			}
		})
	}
}

// reshard moves 300 slots from one master to the next, as an operator does.
func reshard(t testing.TB, nodes []string, turn int) {
	t.Helper()
	all := masters(t, nodes)
	from, to := all[turn%len(all)], all[(turn+1)%len(all)]
	out, err := exec.Command(program(t, "redis-cli"), "--cluster", "reshard", nodes[0], "--cluster-from", from.id, "--cluster-to", to.id,
		"--cluster-slots", "300", "--cluster-yes", "--cluster-pipeline", "10").CombinedOutput()
	if err != nil && !strings.Contains(string(out), "Nodes don't agree") { // of the move before, yet
		t.Errorf("redis-cli --cluster reshard: %v\n%s", err, out[max(0, len(out)-1000):])
	}
}

// moveSlot moves the slot of a key, by the same commands, with a pause between them.
func moveSlot(t testing.TB, nodes []string, key string, turn int) {
	t.Helper()
	ctx, all := context.Background(), masters(t, nodes)
	slot, err := redisClient(t, nodes[0]).ClusterKeySlot(ctx, key).Result()
	must(t, "CLUSTER KEYSLOT", err)
	var from node
	for _, n := range all {
		if owned, err := n.c.Do(ctx, "CLUSTER", "COUNTKEYSINSLOT", slot).Int64(); err == nil && owned > 0 {
			from = n
		}
	}
	if from.c == nil { // the slot is still empty
		time.Sleep(50 * time.Millisecond)
		return
	}
	to := all[turn%len(all)]
	if to.id == from.id {
		to = all[(turn+1)%len(all)]
	}
	do := func(n node, args ...any) { t.Helper(); must(t, fmt.Sprint(args...), n.c.Do(ctx, args...).Err()) }
	do(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.id)
	do(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
	host, port, _ := strings.Cut(to.addr, ":")
	for {
		keys, err := from.c.ClusterGetKeysInSlot(ctx, int(slot), 50).Result()
		must(t, "CLUSTER GETKEYSINSLOT", err)
		if len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}
		for _, k := range keys {
			args = append(args, k)
		}
		do(from, args...)
		time.Sleep(2 * time.Millisecond)
	}
	do(to, "CLUSTER", "SETSLOT", slot, "NODE", to.id)
	do(from, "CLUSTER", "SETSLOT", slot, "NODE", to.id)
}

// node is a master that serves.
type node struct {
	id, addr string
	c        *redis.Client
}

// masters returns them.
func masters(t testing.TB, nodes []string) (all []node) {
	t.Helper()
	text, err := redisClient(t, nodes[0]).ClusterNodes(t.Context()).Result()
	must(t, "CLUSTER NODES", err)
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); strings.Contains(f[2], "master") && !strings.Contains(f[2], "fail") && len(f) > 8 {
			addr, _, _ := strings.Cut(f[1], "@")
			all = append(all, node{f[0], addr, redisClient(t, addr)})
		}
	}
	return all
}

// A master is lost and its replica follows it, while racers spend. Nothing is asserted
// about spends that the lost master has acknowledged and not replicated: see
// TestRedisClusterFailoverSpendsTwice. The test demands that an outage is no verdict,
// and that the cluster works again.
func TestRedisClusterMasterKilled(t *testing.T) {
	nodes := redisNodes(t)
	for name, fault := range map[string][2]string{"killed": {"kill", "join"}, "frozen": {"freeze", "thaw"}} {
		t.Run(name, func(t *testing.T) {
			store := clusterStore(t, clusterClient(t, nodes))
			n := new(raceCounts)
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
			defer cancel()
			var racers sync.WaitGroup
			for range 8 {
				racers.Go(func() {
					for ctx.Err() == nil {
						raceOnce(t, store, n)
					}
				})
			}
			time.Sleep(time.Second)
			node := masterNumber(t, nodes, "1", "2", "3", "4", "5", "6")
			clusterScript(t, "cluster-redis", fault[0], node)
			time.Sleep(4 * time.Second) // the timeout of a node is one second, and so is the client's state
			for range 60 {              // in as many slots
				if err := store.CreateCredential(t.Context(), redisCredential(time.Now())); err != nil {
					t.Errorf("CreateCredential four seconds after a master was lost: got error %v, want none", err)
				}
			}
			clusterScript(t, "cluster-redis", fault[1], node)
			clusterScript(t, "cluster-redis", "join", node)
			before := n.won.Load()
			racers.Wait()
			t.Logf("%d credentials, %d attempts: %d won, %d refused, %d outages, %d spent twice, %d wrong verdicts",
				n.credentials.Load(), n.attempts.Load(), n.won.Load(), n.refused.Load(), n.outages.Load(), n.doubles.Load(), n.wrong.Load())
			switch {
			case n.wrong.Load() > 0:
				t.Errorf("got %d wrong verdicts, want none", n.wrong.Load())
			case masterNumber(t, nodes, node) != "":
				t.Errorf("node %s is a master as before: its replica has not followed it", node)
			case n.won.Load() == before:
				t.Error("nobody has won since the node came back")
			}
		})
	}
}

// masterNumber returns the first of the numbers, by which the script knows the nodes,
// whose node is a master now, or none.
func masterNumber(t testing.TB, nodes []string, numbers ...string) string {
	t.Helper()
	for _, number := range numbers {
		i, _ := strconv.Atoi(number)
		if role, err := redisClient(t, nodes[i-1]).Do(t.Context(), "ROLE").Slice(); err == nil && role[0] == "master" {
			return number
		}
	}
	return ""
}
