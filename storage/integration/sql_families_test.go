package integration_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

func families(t testing.TB, s *sqlstore.Store, subject string, at time.Time) map[string]storage.Family {
	t.Helper()
	families, err := s.ListFamilies(t.Context(), subject, at, storage.Page{})
	must(t, "ListFamilies", err)
	all := make(map[string]storage.Family)
	for _, g := range families {
		all[g.ID] = g
	}
	if len(all) != len(families) {
		t.Errorf("ListFamilies: got %d families of %d IDs, want each once", len(families), len(all))
	}
	return all
}

func TestFamilies(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		code, fresh, ended, foreign := sample("alice"), sample("alice"), sample("alice"), sample("bob")
		fresh.ClientID, fresh.Kind = "other", storage.KindAuthorizationCode
		add(t, s, code, fresh, ended, foreign)
		refresh := following(code)
		refresh.IssuedAt = start.Add(time.Minute)
		refresh.ExpiresAt = start.Add(2 * time.Hour)
		spend(t, s, code, refresh, start.Add(time.Minute))
		spend(t, s, ended, nil, start)
		also := following(code) // a second credential of the family
		add(t, s, also)

		got := families(t, s, "alice", start)
		if len(got) != 2 {
			t.Errorf("ListFamilies: got %d, want 2: a family spent without a successor has ended", len(got))
		}
		want := storage.Family{ID: code.Family, ClientID: "client", Subject: "alice", IssuedAt: start, LastUsedAt: start.Add(time.Minute), ExpiresAt: start.Add(2 * time.Hour)}
		g := got[code.Family]
		if len(g.Scope) != 1 || !g.IssuedAt.Equal(want.IssuedAt) || !g.LastUsedAt.Equal(want.LastUsedAt) || !g.ExpiresAt.Equal(want.ExpiresAt) || g.ClientID != want.ClientID {
			t.Errorf("a family: got %+v, want %+v", g, want)
		}
		if n := len(families(t, s, "alice", start.Add(90*time.Minute))); n != 1 {
			t.Errorf("ListFamilies after the code's hour: got %d, want 1", n)
		}
		page, err := s.ListFamilies(t.Context(), "alice", start, storage.Page{After: min(code.Family, fresh.Family), Limit: 5})
		if err != nil || len(page) != 1 || page[0].ID != max(code.Family, fresh.Family) {
			t.Errorf("the second page: got %v and error %v, want the family that comes second", page, err)
		}

		must(t, "RevokeFamiliesOfClient", s.RevokeFamiliesOfClient(t.Context(), "alice", "other"))
		if got := families(t, s, "alice", start); len(got) != 1 || got[code.Family].ID == "" {
			t.Errorf("ListFamilies after RevokeFamiliesOfClient: got %v, want those of another client", got)
		}
		must(t, "RevokeFamilies", s.RevokeFamilies(t.Context(), "alice"))
		must(t, "RevokeFamilies again", s.RevokeFamilies(t.Context(), "alice"))
		must(t, "RevokeFamilies of nobody", s.RevokeFamilies(t.Context(), "nobody"))
		for _, c := range []*storage.Credential{code, refresh, also, fresh, ended} {
			if !find(t, s, c).Revoked {
				t.Errorf("a credential of the subject after RevokeFamilies: got unrevoked, want revoked")
			}
		}
		if find(t, s, foreign).Revoked {
			t.Errorf("another subject's credential after RevokeFamilies: got revoked, want not")
		}
	})
}

// A limit cuts between families: one with several live credentials is one of the
// page, whole, and a page that is not the last is full.
func TestPagesOfFamilies(t *testing.T) {
	onStores(t, func(t *testing.T, s *sqlstore.Store) {
		all := []*storage.Credential{sample("alice"), sample("alice"), sample("alice")}
		slices.SortFunc(all, func(a, b *storage.Credential) int { return strings.Compare(a.Family, b.Family) })
		add(t, s, all...)
		var ends []time.Time // of each family's second credential, which is the later one
		for i, c := range all {
			code := following(c)
			add(t, s, code)
			next := following(c)
			next.ExpiresAt = start.Add(time.Duration(i+2) * time.Hour)
			spend(t, s, code, next, start.Add(time.Minute))
			ends = append(ends, next.ExpiresAt)
		}
		for _, limit := range []int{1, 2, 3, 4} {
			page, n := storage.Page{Limit: limit}, 0
			for {
				families, err := s.ListFamilies(t.Context(), "alice", start, page)
				must(t, "ListFamilies", err)
				for _, g := range families {
					if n == len(all) {
						t.Fatalf("limit %d: got a fourth family %+v, want three", limit, g)
					}
					if g.ID != all[n].Family || !g.ExpiresAt.Equal(ends[n]) || !g.LastUsedAt.Equal(start.Add(time.Minute)) {
						t.Errorf("limit %d, family %d: got %+v, want family %q, which ends at %v and was used at %v",
							limit, n, g, all[n].Family, ends[n], start.Add(time.Minute))
					}
					page.After, n = g.ID, n+1
				}
				if len(families) < limit {
					break
				}
			}
			if n != len(all) {
				t.Errorf("limit %d: got %d families until a page was short, want %d", limit, n, len(all))
			}
		}
	})
}

// TestCreateInTheHostsTransaction has the code and the host's own row stored
// together or not at all.
func TestCreateInTheHostsTransaction(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		db := s.open(t)
		db.SetMaxOpenConns(1)
		c := migrated(t, s.config(t, db))
		store, ctx := opened(t, c), t.Context()
		in := func(f func(tx *sql.Tx)) *sql.Tx {
			tx, err := db.BeginTx(ctx, nil)
			must(t, "BeginTx", err)
			f(tx)
			return tx
		}
		dropped, kept := sample("alice"), sample("alice")
		must(t, "Rollback", in(func(tx *sql.Tx) { must(t, "CreateCredentialTx", store.CreateCredentialTx(ctx, tx, dropped)) }).Rollback())
		wantGone(t, store, "what was rolled back", dropped)
		must(t, "Commit", in(func(tx *sql.Tx) { must(t, "CreateCredentialTx", store.CreateCredentialTx(ctx, tx, kept)) }).Commit())
		find(t, store, kept)

		tx := in(func(tx *sql.Tx) {
			wantErr(t, "CreateCredentialTx of what is there", store.CreateCredentialTx(ctx, tx, kept), storage.ErrExists)
			broken := sample("\xff")
			wantOutage(t, "CreateCredentialTx of what is no text", store.CreateCredentialTx(ctx, tx, broken))
			if _, err := tx.ExecContext(ctx, table(c, `DELETE FROM {}denied_tokens`)); err != nil {
				t.Errorf("the transaction after ErrExists: got error %v, want that it goes on", err)
			}
		})
		must(t, "Commit", tx.Commit())
		ended, cancel := context.WithCancel(ctx)
		cancel()
		tx = in(func(tx *sql.Tx) {
			wantOutage(t, "CreateCredentialTx of one who has gone", store.CreateCredentialTx(ended, tx, sample("alice")))
		})
		tx.Rollback()
	})
}
