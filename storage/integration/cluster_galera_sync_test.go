//go:build clusters

package integration_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// Open refuses a connection that does not wait, reads without the others, or keeps its
// writes to itself.
func TestGaleraOpenWantsTheOtherNodes(t *testing.T) {
	s := galera(t)[0]
	c := migrated(t, s.config(t, s.open(t)))
	for _, tt := range []struct{ key, value, remedy string }{
		{"wsrep_sync_wait", "0", "wsrep_sync_wait=7"},
		{"wsrep_sync_wait", "1", "wsrep_sync_wait=7"},
		{"wsrep_sync_wait", "3", "wsrep_sync_wait=7"},
		{"wsrep_sync_wait", "5", "wsrep_sync_wait=7"},
		{"wsrep_sync_wait", "6", "wsrep_sync_wait=7"},
		{"wsrep_dirty_reads", "1", "wsrep_dirty_reads is on"},
		{"wsrep_on", "0", "wsrep_on=ON"},
	} {
		c := c
		c.DB = s.openAs(t, s.driver, s.with(tt.key, tt.value))
		_, err := sqlstore.Open(t.Context(), c)
		c.DB.Close()
		wantRemedy(t, tt.key+"="+tt.value, err, tt.remedy)
	}
}

// thatWaits opens a store on one connection to a node, and then sets the isolation level
// and what the connection waits for: Open refuses less than all.
func thatWaits(t testing.TB, s server, c sqlstore.Config, level string, bits int) *sqlstore.Store {
	t.Helper()
	c.DB = s.open(t)
	c.DB.SetMaxOpenConns(1)
	store := opened(t, c)
	run(t, c.DB, fmt.Sprintf("SET SESSION wsrep_sync_wait = %d", bits))
	run(t, c.DB, "SET SESSION TRANSACTION ISOLATION LEVEL "+level)
	return store
}

// TestGaleraSyncWait shows which promise of the store each bit of wsrep_sync_wait
// keeps, at the two levels that hosts use: with all three bits no answer is stale, and
// without the one there is a stale answer. Each round writes on one node and asks another
// at once.
//
// The documentation of MariaDB has the bit 4 for INSERT. MariaDB 10.11 lets the
// INSERT ... SELECT of a Spend wait for either of 2 and 4, and so the last case lacks
// both.
func TestGaleraSyncWait(t *testing.T) {
	nodes := galera(t)
	c := migrated(t, nodes[0].config(t, nodes[0].open(t)))
	c.DB = nodes[0].open(t)
	writer := opened(t, c)
	keepBusy(t, writer)
	for _, tt := range []struct {
		promise string
		without int
		// stale reports whether the answer of the other node contradicts what
		// the writer has been told.
		stale func(t testing.TB, other *sqlstore.Store) bool
	}{
		{"a credential that was created is found", 1, func(t testing.TB, other *sqlstore.Store) bool {
			code := redisCredential(time.Now())
			must(t, "CreateCredential", writer.CreateCredential(t.Context(), code))
			_, err := other.Credential(t.Context(), code.Digest)
			return foundStale(t, "Credential", err, nil, storage.ErrNotFound)
		}},
		{"a spend is counted once more", 2, func(t testing.TB, other *sqlstore.Store) bool {
			code := redisCredential(time.Now())
			must(t, "CreateCredential", writer.CreateCredential(t.Context(), code))
			must(t, "Spend", writer.Spend(t.Context(), code, nil, time.Now()))
			code.Uses = 1
			return foundStale(t, "a repeated use", other.Spend(t.Context(), code, nil, time.Now()), nil, storage.ErrSpent)
		}},
		{"nobody can spend a credential of a family that was revoked", 2 | 4, func(t testing.TB, other *sqlstore.Store) bool {
			code := redisCredential(time.Now())
			must(t, "CreateCredential", writer.CreateCredential(t.Context(), code))
			if _, err := other.Credential(t.Context(), code.Digest); err != nil { // it waits, so the code is there
				t.Fatalf("Credential: %v", err)
			}
			must(t, "Revoke", writer.Revoke(t.Context(), code.Family))
			return foundStale(t, "Spend", other.Spend(t.Context(), code, nil, time.Now()), storage.ErrSpent, nil)
		}},
	} {
		for _, level := range []string{"REPEATABLE READ", "READ COMMITTED"} {
			t.Run(tt.promise+", at "+level, func(t *testing.T) {
				const rounds = 3000
				all := thatWaits(t, nodes[1], c, level, 7)
				for range 500 {
					if tt.stale(t, all) {
						t.Fatal("wsrep_sync_wait=7: got a stale answer")
					}
				}
				lacks := thatWaits(t, nodes[1], c, level, 7&^tt.without)
				for i := range rounds {
					if tt.stale(t, lacks) {
						t.Logf("wsrep_sync_wait=%d: as documented, a stale answer in round %d", 7&^tt.without, i+1)
						return
					}
				}
				t.Errorf("wsrep_sync_wait=%d: got no stale answer in %d rounds: is %d of use?", 7&^tt.without, rounds, tt.without)
			})
		}
	}
}

// foundStale reports an answer that is stale, and fails for one that is neither.
func foundStale(t testing.TB, what string, got, right, stale error) bool {
	t.Helper()
	switch {
	case errors.Is(got, right):
		return false
	case errors.Is(got, stale):
		return true
	}
	t.Fatalf("%s: got error %v, want %v or, where it is stale, %v", what, got, right, stale)
	return false
}

// keepBusy keeps the nodes busy with writes, until the test ends, so that they are
// behind each other.
func keepBusy(t testing.TB, store *sqlstore.Store) {
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = store.CreateCredential(t.Context(), redisCredential(time.Now()))
				}
			}
		})
	}
	t.Cleanup(func() { close(stop); writers.Wait() })
}

// A transaction that has met another one on another node is told so at its COMMIT, as
// a deadlock. The store's own transactions are tried again.
func TestGaleraDeadlockAtCommit(t *testing.T) {
	nodes := galera(t)
	stores := onEveryNode(t, nodes)
	b := newFaultBed(t, nodes[0])
	must(t, "PutClient", stores[0].PutClient(t.Context(), b.client))
	const changes = 10
	var hosts sync.WaitGroup
	for i, s := range stores {
		hosts.Go(func() {
			for range changes {
				err := s.UpdateClient(t.Context(), b.client.ID, func(c *storage.Client) error {
					c.Scope = append(c.Scope, fmt.Sprintf("s%d-%d", i, len(c.Scope)))
					return nil
				})
				if err != nil {
					t.Errorf("UpdateClient on %v: got error %v, want none", nodes[i], err)
				}
			}
		})
	}
	hosts.Wait()
	found, err := stores[0].Client(t.Context(), b.client.ID)
	must(t, "Client", err)
	if want := len(b.client.Scope) + changes*len(stores); len(found.Scope) != want {
		t.Errorf("after %d changes on three nodes: got %d scopes, want %d: a change was lost", changes*len(stores), len(found.Scope), want)
	}
}

// The host's own transaction is the host's to try again: the code that it stores is
// there if COMMIT has returned nil, and not if it is told of a deadlock.
func TestGaleraHostTransaction(t *testing.T) {
	nodes := galera(t)
	dbs := []*sql.DB{nodes[0].open(t), nodes[1].open(t)}
	c := migrated(t, nodes[0].config(t, dbs[0]))
	store := opened(t, c)
	c.DB = nodes[2].open(t)
	third := opened(t, c)
	name := nodes[0].newPrefix(t) + "denied_tokens" // dropped in the end
	run(t, dbs[0], "CREATE TABLE "+name+" (id INT PRIMARY KEY, n INT NOT NULL)")
	run(t, dbs[0], "INSERT INTO "+name+" VALUES (1, 0)")
	ctx := t.Context()
	for i, deadlocks := 0, 0; deadlocks < 5; i++ {
		if i == 200 {
			t.Fatalf("got %d deadlocks at COMMIT in %d rounds, want 5", deadlocks, i)
		}
		code := redisCredential(time.Now())
		tx, err := dbs[0].BeginTx(ctx, nil)
		must(t, "BEGIN", err)
		_, err = tx.ExecContext(ctx, "UPDATE "+name+" SET n = n + 1 WHERE id = 1")
		must(t, "UPDATE", err)
		must(t, "CreateCredentialTx", store.CreateCredentialTx(ctx, tx, code))
		run(t, dbs[1], "UPDATE "+name+" SET n = n + 1 WHERE id = 1") // of the other node, and first to commit
		committed := tx.Commit()
		_, err = third.Credential(ctx, code.Digest)
		switch {
		case committed != nil && isVerdict(committed):
			t.Fatalf("COMMIT: got the verdict %v", committed)
		case committed != nil && !errors.Is(err, storage.ErrNotFound):
			t.Fatalf("Credential after COMMIT has failed (%v): got error %v, want ErrNotFound", committed, err)
		case committed == nil && err != nil:
			t.Fatalf("Credential after COMMIT: got error %v, want none", err)
		case committed != nil:
			deadlocks++
		}
	}
}
