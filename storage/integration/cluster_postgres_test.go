//go:build clusters

package integration_test

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// postgresCluster is what storage/integration/cluster-postgres starts: a primary and a
// standby, which change places.
type postgresCluster struct {
	server
	testing.TB
	primary, standby string
}

// newPostgresCluster returns the cluster with node 1 as the primary, and node 2 as its
// standby, which mode says is synchronous or not ("sync", "async").
func newPostgresCluster(t *testing.T, mode string) *postgresCluster {
	t.Helper()
	const variable = "OAUTH_TEST_CLUSTER_POSTGRES"
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Skipf("NOT TESTED: needs a cluster of PostgreSQL: set %s to its data source name (storage/integration/cluster-postgres starts one)", variable)
	}
	c := &postgresCluster{
		server: server{name: "PostgreSQL", dialect: sqlstore.Postgres, driver: "pgx", dsn: dsn},
		TB:     t, primary: "1", standby: "2",
	}
	c.run()
	if mode != "sync" {
		c.run("follow", "2", "1", mode)
	}
	return c
}

// run calls the script.
func (c *postgresCluster) run(args ...string) {
	c.Helper()
	if out, err := exec.Command("./cluster-postgres", args...).CombinedOutput(); err != nil {
		c.Fatalf("cluster-postgres %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// only is the data source name of one node alone. The node may be primary or standby.
func (c *postgresCluster) only(node string) string {
	before, rest, _ := strings.Cut(c.dsn, "@")
	hosts, rest, _ := strings.Cut(rest, "/")
	one, two, _ := strings.Cut(hosts, ",")
	return strings.Replace(before+"@"+map[string]string{"1": one, "2": two}[node]+"/"+rest, "read-write", "any", 1)
}

// withLibPQ returns the cluster for lib/pq, which takes several hosts as parameters and
// not in front of the database.
func (c *postgresCluster) withLibPQ() server {
	before, rest, _ := strings.Cut(c.dsn, "@")
	hosts, rest, _ := strings.Cut(rest, "/")
	one, two, _ := strings.Cut(hosts, ",")
	host1, port1, _ := strings.Cut(one, ":")
	host2, port2, _ := strings.Cut(two, ":")
	s := c.server
	s.driver, s.dsn = "postgres", before+"@/"+rest
	s.dsn = s.with("host", host1+","+host2)
	s.dsn = s.with("port", port1+","+port2)
	return s
}

// failOver kills the primary and promotes the standby.
func (c *postgresCluster) failOver() {
	c.Helper()
	c.run("kill", c.primary)
	c.run("promote", c.standby)
	c.primary, c.standby = c.standby, c.primary
}

// spendUntil spends chains of credentials until ctx ends, and returns every credential
// of which the store said that it is spent.
func spendUntil(ctx context.Context, store *sqlstore.Store) (acknowledged []*storage.Credential, mistakes []error) {
	for ctx.Err() == nil {
		next := lasting(sample("other"))
		if store.CreateCredential(ctx, next) != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		for {
			old := next
			next = lasting(following(old))
			err := store.Spend(ctx, old, next, start)
			if isVerdict(err) {
				mistakes = append(mistakes, err)
			}
			if err != nil {
				break
			}
			acknowledged = append(acknowledged, old)
		}
	}
	return acknowledged, mistakes
}

// The primary is lost under load again and again, and its synchronous standby takes its
// place. Nothing is spent twice, and no spend that was acknowledged is undone. The data
// source name has both hosts, and target_session_attrs=read-write finds the primary, with
// pgx and with lib/pq.
func TestPostgresClusterPromotion(t *testing.T) {
	c := newPostgresCluster(t, "sync")
	b := newFaultBed(t, c.server)
	b.patient = true
	_, store := b.pool(c.dsn)
	at := []string{b.newChild(tuning{}, 0).url, b.serve(store, tuning{})}
	b.server = c.withLibPQ()
	at = append(at, b.newChild(tuning{}, 0).url)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var acknowledged []*storage.Credential
	var load sync.WaitGroup
	for range enough {
		load.Go(func() {
			all, mistakes := spendUntil(ctx, store)
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, all...)
			for _, err := range mistakes {
				b.n.mistake(b, "Spend without a rival: got error %v", err)
			}
		})
	}
	rounds := 0
	forFaults(t, 30*time.Second, func() {
		load.Go(func() { b.liveFamilies(at, 8*time.Second) })
		time.Sleep(2 * time.Second)
		c.failOver()
		b.n.faults.Add(1)
		rounds++
		time.Sleep(time.Second)
		for _, url := range at {
			b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(url) })
		}
		c.run("follow", c.standby, c.primary)
		time.Sleep(time.Second)
	})
	time.Sleep(5 * time.Second) // the families live on past the last fail-over
	cancel()
	load.Wait()
	lost := 0
	for _, one := range acknowledged {
		var found *storage.Credential
		err := b.patiently(func() (err error) { found, err = b.store.Credential(t.Context(), one.Digest); return err })
		if err != nil || !found.Spent() {
			lost++
		}
	}
	t.Logf("%d promotions, %d acknowledged spends, %d of them lost", rounds, len(acknowledged), lost)
	if lost > 0 || len(acknowledged) == 0 {
		t.Errorf("got %d of %d acknowledged spends undone by a promotion, want none of many", lost, len(acknowledged))
	}
	b.n.report(t)
}

// A primary acknowledges a spend without its asynchronous standby, and is lost. On the
// promoted standby the code is unspent, and is spent once more. The test shows what the
// comment of package sqlstore warns of.
func TestPostgresClusterLostPrimary(t *testing.T) {
	c := newPostgresCluster(t, "async")
	db := c.openAs(t, "pgx", c.only("1"))
	config := migrated(t, c.server.config(t, db))
	store, code := opened(t, config), sample("alice")
	add(t, store, code)
	caughtUp(t, db)
	c.run("kill", "2")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	must(t, "Spend without the standby", store.Spend(ctx, code, nil, start))
	promoted := c.loseOne(config)
	wantUnspent(t, promoted, code)
	spend(t, promoted, code, nil, start)
	t.Log("as documented: one code was spent twice, across a fail-over to an asynchronous standby")
}

// With a synchronous standby there is no answer, which is an outage: the client may not
// get its tokens, and one spend wins later. When the caller's time is over, one driver
// closes the connection. The others have PostgreSQL cancel the statement, and it reports
// as done what the standby does not have.
func TestPostgresClusterLostPrimaryThatWaits(t *testing.T) {
	for name, open := range map[string]func(c *postgresCluster, t *testing.T) *sql.DB{
		"pgx":    func(c *postgresCluster, t *testing.T) *sql.DB { return c.openAs(t, "pgx", c.only("1")) },
		"lib pq": func(c *postgresCluster, t *testing.T) *sql.DB { return c.openAs(t, "postgres", c.only("1")) },
		"pgx that cancels": func(c *postgresCluster, t *testing.T) *sql.DB {
			pgxConfig, err := pgx.ParseConfig(c.only("1"))
			must(t, "ParseConfig", err)
			pgxConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
				return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 5 * time.Second}
			}
			return pooled(t, stdlib.OpenDB(*pgxConfig))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPostgresCluster(t, "sync")
			db := c.openAs(t, "pgx", c.only("1"))
			config := migrated(t, c.server.config(t, db))
			config.DB = open(c, t)
			store, code, used, revoked := opened(t, config), sample("alice"), sample("bob"), sample("carol")
			for _, one := range []*storage.Credential{code, used, revoked, sample("dave")} {
				add(t, store, one)
			}
			spend(t, store, used, nil, start)
			used = find(t, store, used)
			caughtUp(t, db)
			c.run("kill", "2")

			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			var callers sync.WaitGroup
			for what, call := range map[string]func() error{
				"CreateCredential": func() error { return store.CreateCredential(ctx, sample("eve")) },
				"Spend":            func() error { return store.Spend(ctx, code, nil, start) },
				"a repeated use":   func() error { return store.Spend(ctx, used, nil, start) },
				"Revoke":           func() error { return store.Revoke(ctx, revoked.Family) },
				"RevokeToken":      func() error { return store.RevokeToken(ctx, "token", start) },
				"RevokeSubject":    func() error { return store.RevokeSubject(ctx, "dave", start) },
			} {
				callers.Go(func() { wantOutage(t, what+" without the standby", call()) })
			}
			callers.Wait()
			promoted := c.loseOne(config)
			wantUnspent(t, promoted, code)
			spend(t, promoted, code, nil, start)
		})
	}
}

// loseOne kills node 1, and opens the store on node 2, which was down and is promoted.
func (c *postgresCluster) loseOne(config sqlstore.Config) *sqlstore.Store {
	c.Helper()
	c.run("kill", "1")
	c.run("begin", "2")
	c.run("promote", "2")
	config.DB = c.open(c)
	return opened(c, config)
}

// wantUnspent wants a code as the standby had it, which never heard of the spend.
func wantUnspent(t *testing.T, promoted *sqlstore.Store, code *storage.Credential) {
	t.Helper()
	if find(t, promoted, code).Spent() {
		t.Error("on the promoted standby: got the code spent, want it unspent: it never heard of the spend")
	}
}

// While a commit waits for the synchronous standby, an administrator ends its session.
// The primary has committed it, and shows it to everyone, and the standby may lack it.
// The store reads that it is there, and acknowledges it when the standby has it too.
func TestPostgresClusterCommitThatNobodyWaitedFor(t *testing.T) {
	for _, what := range []string{"Spend", "CreateCredential", "Revoke", "RevokeToken"} {
		t.Run(what, func(t *testing.T) {
			c := newPostgresCluster(t, "sync")
			db := c.openAs(t, "pgx", c.only("1"))
			config := migrated(t, c.server.config(t, db))
			defer db.Exec(`SELECT pg_reload_conf()`) // and the tables can be dropped
			defer db.Exec(`ALTER SYSTEM SET synchronous_standby_names = ''`)
			store, code := opened(t, config), sample("alice")
			call := store.CreateCredential
			switch what {
			case "Spend":
				add(t, store, code)
				call = func(ctx context.Context, c *storage.Credential) error { return store.Spend(ctx, c, nil, start) }
			case "Revoke": // the caller tries again, and its second call finds what the first has written
				call = func(ctx context.Context, c *storage.Credential) error {
					wantOutage(t, "Revoke whose session was ended", store.Revoke(ctx, c.Family))
					return store.Revoke(ctx, c.Family)
				}
			case "RevokeToken":
				call = func(ctx context.Context, c *storage.Credential) error {
					wantOutage(t, "RevokeToken whose session was ended", store.RevokeToken(ctx, c.Family, start))
					return store.RevokeToken(ctx, c.Family, start)
				}
			}
			caughtUp(t, db)
			c.run("kill", "2")

			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			answer := make(chan error)
			go func() { answer <- call(ctx, code) }()
			endWaiting(t, db)
			select {
			case err := <-answer:
				wantOutage(t, what+" that the standby does not have", err)
			case <-time.After(2 * time.Second):
				cancel()
				wantOutage(t, what+" whose caller has gone", <-answer)
			}
		})
	}
}

// caughtUp waits until the standby has all of the primary's log.
func caughtUp(t *testing.T, db *sql.DB) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if count(t, db, `SELECT COUNT(*) FROM pg_stat_replication WHERE flush_lsn = pg_current_wal_lsn()`) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the standby does not follow")
		}
	}
}

// endWaiting ends the session that waits for the standby.
func endWaiting(t *testing.T, db *sql.DB) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if count(t, db, `SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no commit waits for the standby")
		}
	}
}
