package integration_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

func deleted(t testing.TB, s *sqlstore.Store, before time.Time, limit int) int {
	t.Helper()
	n, err := s.DeleteExpired(t.Context(), before, limit)
	must(t, "DeleteExpired", err)
	return n
}

// wantRows compares how many rows each table has.
func wantRows(t testing.TB, c sqlstore.Config, what string, credentials, revoked int) {
	t.Helper()
	a := count(t, c.DB, table(c, `SELECT COUNT(*) FROM {}credentials`))
	b := count(t, c.DB, table(c, `SELECT COUNT(*) FROM {}revoked_families`))
	if a != credentials || b != revoked {
		t.Errorf("%s: got %d rows in credentials and %d in revoked_families, want %d and %d", what, a, b, credentials, revoked)
	}
}

// onTables runs a test on new tables on every server.
func onTables(t *testing.T, f func(t *testing.T, c sqlstore.Config, s *sqlstore.Store)) {
	onServers(t, func(t *testing.T, s server) {
		c := migrated(t, s.config(t, s.open(t)))
		f(t, c, opened(t, c))
	})
}

// TestDeletionOfAChain deletes a family of many refreshes, a few at a time. At
// no time can any of it be spent again.
func TestDeletionOfAChain(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		const length = 250
		chain := []*storage.Credential{sample("alice")}
		add(t, s, chain[0])
		for i := range length {
			next := following(chain[i])
			spend(t, s, chain[i], next, start)
			chain = append(chain, next)
		}
		spend(t, s, chain[length], nil, start)
		chain = chain[:length+1]
		end := chain[0].FamilyExpiresAt

		if n := deleted(t, s, end, 0); n != 0 {
			t.Errorf("DeleteExpired at the end of the family: deleted %d, want 0", n)
		}
		total := 0
		for _, limit := range []int{1, 2, 3, 99, 0} {
			n := deleted(t, s, end.Add(time.Microsecond), limit)
			if limit > 0 && n != limit {
				t.Errorf("DeleteExpired of %d: deleted %d", limit, n)
			}
			total += n
			there := 0
			for _, one := range chain {
				got, err := s.Credential(t.Context(), one.Digest)
				if err != nil {
					wantErr(t, "Credential", err, storage.ErrNotFound)
					continue
				}
				there++
				if !got.Spent() {
					t.Fatalf("a credential after %d were deleted: got unspent, want spent or gone", total)
				}
			}
			if there+total != len(chain) {
				t.Errorf("after %d were deleted: %d of %d are there", total, there, len(chain))
			}
		}
		wantRows(t, c, "when all have ended", length+1, 0) // the marks
		if n := count(t, c.DB, table(c, `SELECT COUNT(*) FROM {}credentials WHERE subject <> '' OR claims IS NOT NULL OR parent_salt IS NOT NULL`)); n != 0 {
			t.Errorf("marks that say more than that something was spent: got %d, want 0", n)
		}
		if n := deleted(t, s, end.Add(24*time.Hour), 0); n != 0 {
			t.Errorf("DeleteExpired of marks: got %d, want 0: they are not counted", n)
		}
		wantRows(t, c, "within a day", length+1, 0)
		deleted(t, s, end.Add(25*time.Hour), 0)
		wantRows(t, c, "in the end", 0, 0)
	})
}

// TestDeletionOfASuccessorThatEndsFirst keeps the mark of a parent that goes on.
func TestDeletionOfASuccessorThatEndsFirst(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		first := sample("alice")
		next := following(first)
		next.FamilyExpiresAt = start.Add(2 * time.Hour)
		add(t, s, first)
		spend(t, s, first, next, start)
		for range 2 {
			deleted(t, s, start.Add(3*time.Hour), 0)
			wantGone(t, s, "a successor that has ended", next)
			if !find(t, s, first).Spent() {
				t.Fatal("its parent: got unspent, want spent")
			}
			wantErr(t, "Spend of the successor", s.Spend(t.Context(), next, nil, start), storage.ErrNotFound)
			wantErr(t, "Spend of the parent", s.Spend(t.Context(), first, nil, start), storage.ErrSpent)
			wantErr(t, "CreateCredential of the successor's digest", s.CreateCredential(t.Context(), next), storage.ErrExists)
		}
		if n := count(t, c.DB, table(c, `SELECT COUNT(*) FROM {}credentials WHERE subject = 'alice'`)); n != 1 {
			t.Errorf("rows that name the subject: got %d, want 1: nothing but the mark is left of the successor", n)
		}
		if n := deleted(t, s, start.Add(48*time.Hour), 0); n != 1 {
			t.Errorf("DeleteExpired after the parent's end: deleted %d, want 1", n)
		}
		wantGone(t, s, "the parent", first)
		wantErr(t, "a repeated use of it", s.Spend(t.Context(), used(first), nil, start), storage.ErrNotFound)
		deleted(t, s, start.Add(73*time.Hour), 0)
		wantRows(t, c, "in the end", 0, 0)
	})
}

// used returns c as a caller holds it after one use.
func used(c *storage.Credential) *storage.Credential {
	d := c.Clone()
	d.Uses, d.SpentAt = 1, start
	return d
}

// TestDeletionLooksOnce has a code that was to end soon and is kept for its
// family found by the index no more than once.
func TestDeletionLooksOnce(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		code := sample("alice")
		code.FamilyExpiresAt = code.ExpiresAt
		add(t, s, code)
		old := find(t, s, code)
		old.FamilyExpiresAt = start.Add(24 * time.Hour)
		next := following(old)
		next.ExpiresAt = old.FamilyExpiresAt
		must(t, "Spend", s.Spend(t.Context(), old, next, start))
		rows := func() int { // that DeleteExpired would come across at any time before the end
			end := old.FamilyExpiresAt.UnixMicro()
			return count(t, c.DB, table(c, fmt.Sprintf(`SELECT COUNT(*) FROM {}credentials WHERE delete_after < %d`, end)))
		}
		if n := rows(); n != 1 {
			t.Fatalf("rows to look at: got %d, want the code alone", n)
		}
		deleted(t, s, start.Add(2*time.Hour), 0)
		if n := rows(); n != 0 {
			t.Errorf("rows to look at again: got %d, want none", n)
		}
		if !find(t, s, code).Spent() {
			t.Error("the code: got unspent, want spent")
		}
		deleted(t, s, old.FamilyExpiresAt.Add(time.Microsecond), 0)
		wantGone(t, s, "the code, when its family has ended,", code)
	})
}

func TestDeletionOfTombstones(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		ctx, member := t.Context(), sample("alice")
		add(t, s, member)
		must(t, "Revoke", s.Revoke(ctx, member.Family))
		must(t, "Revoke", s.Revoke(ctx, "a family without credentials"))
		deleted(t, s, start.Add(time.Minute), 0)
		wantRows(t, c, "while the family lives", 1, 2)
		deleted(t, s, start.Add(24*time.Hour), 0)
		wantRows(t, c, "less than a day after the first look", 1, 2)
		must(t, "Revoke", s.Revoke(ctx, "a family without credentials"))
		deleted(t, s, start.Add(25*time.Hour), 0)
		wantRows(t, c, "when the family has ended, and the other was revoked again", 0, 1)
		wantErr(t, "Spend", s.Spend(ctx, member, nil, start), storage.ErrNotFound)

		late := sample("alice")
		late.Family = "a family without credentials"
		late.FamilyExpiresAt = start.Add(100 * time.Hour)
		add(t, s, late)
		for hours := 26; hours < 100; hours += 5 {
			deleted(t, s, start.Add(time.Duration(hours)*time.Hour), 0)
			if !find(t, s, late).Revoked {
				t.Fatalf("a credential added to a revoked family, after %d hours: got unrevoked, want revoked", hours)
			}
		}
		deleted(t, s, start.Add(101*time.Hour), 0)
		wantRows(t, c, "in the end", 0, 0)
	})
}

func TestDeletionOfDeniedTokens(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		insert := table(c, `INSERT INTO {}denied_tokens (digest, expires_at) VALUES (?, ?)`)
		if c.Dialect == sqlstore.Postgres {
			insert = table(c, `INSERT INTO {}denied_tokens (digest, expires_at) VALUES ($1, $2)`)
		}
		for i := range 250 {
			d := storage.NewSecret("").Digest("")
			run(t, c.DB, insert, d[:], start.Add(time.Duration(i)*time.Second).UnixMicro())
		}
		total := 0
		for n := 1; n > 0; total += n {
			if n = deleted(t, s, start.Add(200*time.Second), 150); n > 150 {
				t.Errorf("DeleteExpired with a limit of 150: deleted %d", n)
			}
		}
		if total != 200 {
			t.Errorf("DeleteExpired: deleted %d, want 200", total)
		}
	})
}

// TestDeletionByReplicas deletes expired credentials from four sides, while
// other callers try to spend them again.
func TestDeletionByReplicas(t *testing.T) {
	onTables(t, func(t *testing.T, c sqlstore.Config, s *sqlstore.Store) {
		var all []*storage.Credential
		for range 8 {
			one := sample("alice")
			add(t, s, one)
			for range 20 {
				next := following(one)
				spend(t, s, one, next, start)
				all = append(all, one)
				one = next
			}
			spend(t, s, one, nil, start)
			all = append(all, one)
		}
		var deleters, spenders sync.WaitGroup
		done := make(chan struct{})
		for range 4 {
			deleters.Go(func() {
				for n, err := 1, error(nil); n > 0 || err != nil; {
					if n, err = s.DeleteExpired(t.Context(), start.Add(48*time.Hour), 7); err != nil {
						t.Logf("DeleteExpired, which is called again: %v", err)
					}
				}
			})
		}
		for i := range 4 {
			spenders.Go(func() {
				for n := i; ; n = (n + 4) % len(all) {
					select {
					case <-done:
						return
					default:
					}
					err := s.Spend(t.Context(), all[n], following(all[n]), start)
					if !errors.Is(err, storage.ErrSpent) && !errors.Is(err, storage.ErrNotFound) {
						t.Errorf("Spend of a spent credential: got error %v, want ErrSpent or ErrNotFound", err)
					}
				}
			})
		}
		deleters.Wait()
		close(done)
		spenders.Wait()
		for _, one := range all {
			wantGone(t, s, "what is over", one)
		}
		deleted(t, s, start.Add(73*time.Hour), 0)
		wantRows(t, c, "in the end", 0, 0)
	})
}
