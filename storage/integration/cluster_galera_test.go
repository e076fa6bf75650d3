//go:build clusters

package integration_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/storage/storagetest"
	"github.com/contit/oauth/tokenendpoint/endpointtest"
)

// causal is the setting of Galera with which a statement waits until its node has every
// earlier commit of the other nodes. It is a sum: 1 for SELECT, 2 for UPDATE and DELETE,
// 4 for INSERT.
const causal = "7"

// galera returns the nodes of the cluster that storage/integration/cluster-galera
// has started.
func galera(t testing.TB) []server {
	t.Helper()
	var nodes []server
	for i, dsn := range strings.Fields(os.Getenv("OAUTH_TEST_GALERA")) {
		s := server{name: fmt.Sprintf("node %d", i+1), dialect: sqlstore.MySQL, driver: "mysql", dsn: dsn}
		s.dsn = s.with("wsrep_sync_wait", causal)
		nodes = append(nodes, s)
	}
	if len(nodes) != 3 {
		t.Skip("NOT TESTED: needs a Galera cluster: set OAUTH_TEST_GALERA (storage/integration/cluster-galera starts one)")
	}
	return nodes
}

// clusterScript runs one of the scripts beside this file.
func clusterScript(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("./"+args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// onEveryNode opens a store on each node, all on the same tables.
func onEveryNode(t testing.TB, nodes []server) []*sqlstore.Store {
	t.Helper()
	c := migrated(t, nodes[0].config(t, nodes[0].open(t)))
	stores := make([]*sqlstore.Store, len(nodes))
	for i, s := range nodes {
		c.DB = s.open(t)
		stores[i] = opened(t, c)
	}
	return stores
}

func TestGaleraStore(t *testing.T) {
	stores := onEveryNode(t, galera(t))
	s := &byTurns{stores: stores}
	storagetest.Run(t, func(testing.TB) storagetest.Store { return s })
	storagetest.RunManagement(t, func(testing.TB) storagetest.Management { return s })
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return s })
}

func TestGaleraEndpoint(t *testing.T) {
	stores := onEveryNode(t, galera(t))
	s := &byTurns{stores: stores}
	endpointtest.Run(t, func(testing.TB) storagetest.Store { return s })
}

// Three processes, each with a node of its own, race for the same codes and refresh
// tokens.
func TestGaleraReplicas(t *testing.T) {
	nodes := galera(t)
	b := newFaultBed(t, nodes[0])
	at := b.childOnEach(nodes, tuning{Timeout: 20 * time.Second})
	for range 20 {
		b.n.faults.Add(1) // here each race counts as a fault
		b.raceOnce(at, 50)
	}
	b.liveFamilies(at, 3*time.Second)
	b.n.report(t)
}

// childOnEach starts a process for each node.
func (b *faultBed) childOnEach(nodes []server, c tuning) (at []string) {
	b.Helper()
	for _, s := range nodes {
		b.server = s
		at = append(at, b.newChild(c, 0).url)
	}
	return at
}

// All replicas call Migrate at once, and a named lock of MariaDB holds on one node
// only.
func TestGaleraMigrate(t *testing.T) {
	nodes := galera(t)
	for range 5 {
		prefix := nodes[0].newPrefix(t)
		errs := make([]error, len(nodes))
		var replicas sync.WaitGroup
		for i, s := range nodes {
			c := sqlstore.Config{DB: s.open(t), Dialect: s.dialect, TablePrefix: prefix}
			replicas.Go(func() {
				if errs[i] = sqlstore.Migrate(t.Context(), c); errs[i] == nil {
					_, errs[i] = sqlstore.Open(t.Context(), c)
				}
			})
		}
		replicas.Wait()
		for i, err := range errs {
			if err != nil {
				t.Errorf("Migrate and Open on %v: got error %v, want none", nodes[i], err)
			}
		}
	}
}

// Nodes fail while families live on all of them, in each of the ways that a node can.
// The other two are a majority and go on.
func TestGaleraFaults(t *testing.T) {
	nodes := galera(t)
	for name, fault := range map[string]func(t testing.TB, n int){
		"killed": func(t testing.TB, n int) {
			clusterScript(t, "cluster-galera", "kill", fmt.Sprint(n))
			time.Sleep(2 * time.Second)
			clusterScript(t, "cluster-galera", "join", fmt.Sprint(n))
		},
		"frozen": func(t testing.TB, n int) {
			clusterScript(t, "cluster-galera", "freeze", fmt.Sprint(n))
			time.Sleep(3 * time.Second)
			clusterScript(t, "cluster-galera", "thaw", fmt.Sprint(n))
			clusterScript(t, "cluster-galera", "join", fmt.Sprint(n))
		},
		"cut off": func(t testing.TB, n int) {
			db := nodes[n-1].open(t)
			run(t, db, `SET GLOBAL wsrep_provider_options='gmcast.isolate=1'`)
			time.Sleep(3 * time.Second)
			run(t, db, `SET GLOBAL wsrep_provider_options='gmcast.isolate=0'`)
			clusterScript(t, "cluster-galera", "join", fmt.Sprint(n))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newFaultBed(t, nodes[0])
			b.patient = true
			at := b.childOnEach(nodes, tuning{Timeout: 5 * time.Second})
			const each = 8 * time.Second
			forFaults(t, 0, func() {
				for n := 2; n <= 3; n++ { // the bed itself asks the first
					var families sync.WaitGroup
					families.Go(func() { b.liveFamilies(at, each) })
					time.Sleep(time.Duration(500+rand.IntN(1000)) * time.Millisecond)
					b.n.faults.Add(1)
					fault(t, n)
					families.Wait()
				}
			})
			for _, url := range at {
				b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(url) })
			}
			if b.n.lost.Load() == 0 {
				t.Error("got no outage: the fault was not noticed")
			}
			b.n.report(t)
		})
	}
}

// A node that is cut off from the majority answers no question: it does not know what
// the others have committed. The store passes that on as an outage.
func TestGaleraMinority(t *testing.T) {
	nodes := galera(t)
	stores := onEveryNode(t, nodes)
	ctx := t.Context()
	c := redisCredential(time.Now())
	must(t, "CreateCredential", stores[0].CreateCredential(ctx, c))
	db := nodes[2].open(t)
	run(t, db, `SET GLOBAL wsrep_provider_options='gmcast.isolate=1'`)
	defer func() {
		run(t, db, `SET GLOBAL wsrep_provider_options='gmcast.isolate=0'`)
		clusterScript(t, "cluster-galera", "join", "3")
	}()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var name, status string
		if err := db.QueryRowContext(ctx, `SHOW STATUS LIKE 'wsrep_cluster_status'`).Scan(&name, &status); err == nil && status != "Primary" {
			break
		}
	}
	must(t, "Spend on the majority", stores[0].Spend(ctx, c, nil, time.Now()))
	brief, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := stores[2].Credential(brief, c.Digest)
	wantOutage(t, "Credential on the minority", err)
	wantOutage(t, "Spend on the minority", stores[2].Spend(brief, c, nil, time.Now()))
	wantOutage(t, "Revoke on the minority", stores[2].Revoke(brief, c.Family))
	_, err = stores[2].APIKey(brief, c.Digest)
	wantOutage(t, "APIKey on the minority", err)
}
