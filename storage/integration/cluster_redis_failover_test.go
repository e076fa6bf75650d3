//go:build clusters

package integration_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage/redisstore"
)

// TestRedisClusterFailoverSpendsTwice shows the loss of which the comment of package
// redisstore warns, on a cluster (fault 10). It tests no promise; it shows the lack of
// one. A master acknowledges a spend that has not reached its replica, and is lost. The
// cluster promotes the replica by itself.
func TestRedisClusterFailoverSpendsTwice(t *testing.T) {
	nodes := redisNodes(t)
	c, ctx := clusterClient(t, nodes), t.Context()
	const prefix = "failover:"
	store := openRedis(t, redisstore.Config{Do: viaGoRedis(c), Prefix: prefix})
	code := redisCredential(time.Now())
	wantVerdict(t, "CreateCredential", store.CreateCredential(ctx, code), nil)

	master, err := c.MasterForKey(ctx, prefix+"family:"+code.Family)
	must(t, "the master of the family", err)
	replica := replicaOf(t, nodes, master.Options().Addr)
	if acks, err := master.Wait(ctx, 1, 5*time.Second).Result(); err != nil || acks != 1 {
		t.Fatalf("WAIT: got %d replicas and error %v, want 1: the code has not reached the replica", acks, err)
	}
	number := func(addr string) string { return strconv.Itoa(slices.Index(nodes, addr) + 1) }

	clusterScript(t, "cluster-redis", "freeze", number(replica))
	must(t, "CLIENT KILL", master.Do(ctx, "CLIENT", "KILL", "TYPE", "replica").Err()) // or the kernel would keep the spend for it
	wantVerdict(t, "Spend on the master", store.Spend(ctx, code, nil, time.Now()), nil)
	clusterScript(t, "cluster-redis", "kill", number(master.Options().Addr))
	clusterScript(t, "cluster-redis", "thaw", number(replica))
	defer clusterScript(t, "cluster-redis", "join", number(master.Options().Addr))

	err = store.Spend(ctx, code, nil, time.Now())
	for end := time.Now().Add(20 * time.Second); err != nil && !isVerdict(err) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
		err = store.Spend(ctx, code, nil, time.Now())
	}
	wantVerdict(t, "the second Spend, after the fail-over (if it is refused, the warning can go)", err, nil)
	t.Log("as documented: one code was spent twice, across a fail-over")
}

// replicaOf returns the address of a master's replica.
func replicaOf(t testing.TB, nodes []string, master string) string {
	t.Helper()
	c := redisClient(t, master)
	id, err := c.Do(t.Context(), "CLUSTER", "MYID").Text()
	must(t, "CLUSTER MYID", err)
	lines, err := c.Do(t.Context(), "CLUSTER", "REPLICAS", id).StringSlice()
	must(t, "CLUSTER REPLICAS", err)
	if len(lines) == 0 {
		t.Fatalf("the master %s has no replica", master)
	}
	addr, _, _ := strings.Cut(strings.Fields(lines[0])[1], "@")
	if !slices.Contains(nodes, addr) {
		t.Fatalf("the replica %s is none of %v", addr, nodes)
	}
	return addr
}

// A key of the store never has braces of its own making but those of the API keys, and
// a family that the host has named with braces stays in one slot like any other, since
// it is one key.
func TestRedisClusterBraces(t *testing.T) {
	store := clusterStore(t, clusterClient(t, redisNodes(t)))
	for _, family := range []string{"{a}", "a{b}c", "}{", "{}x", "{api_keys}"} {
		code, next := redisCredential(time.Now()), redisCredential(time.Now())
		code.Family, next.Family = family, family
		wantVerdict(t, "CreateCredential of "+family, store.CreateCredential(t.Context(), code), nil)
		wantVerdict(t, "Spend of "+family, store.Spend(t.Context(), code, next, time.Now()), nil)
		wantVerdict(t, "Revoke of "+family, store.Revoke(t.Context(), family), nil)
		found, err := store.Credential(t.Context(), next.Digest)
		must(t, "Credential of "+family, err)
		if !found.Revoked {
			t.Errorf("Credential of %s: got it unrevoked, want revoked", family)
		}
	}
}
