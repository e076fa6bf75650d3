package integration_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

var errReset = errors.New("read: connection reset by peer")

// spending is the part of the statement that nothing else has in it.
const spending = "parent_salt, parent_family_expires_at)"

// lossy opens a store on a wire, with a credential in it.
func lossy(t *testing.T, s server) (*wire, *sqlstore.Store, *storage.Credential) {
	w, db := s.wired(t)
	store, c := s.newStore(t, db), sample("alice")
	add(t, store, c)
	return w, store, find(t, store, c)
}

func TestLostAnswerOfSpend(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for name, cut := range map[string]error{"cut": errReset, "a driver that asks for a repetition": driver.ErrBadConn} {
			t.Run(name, func(t *testing.T) {
				w, store, old := lossy(t, s)
				next := following(old)
				w.breakOn(spending, true, cut)
				if err := store.Spend(t.Context(), old, next, start); err != nil {
					t.Errorf("Spend whose answer was lost: got error %v, want none: it has happened", err)
				}
				find(t, store, next)
				wantErr(t, "another Spend", store.Spend(t.Context(), old, following(old), start), storage.ErrSpent)
				wantErr(t, "the same Spend by another caller", store.Spend(t.Context(), old, next, start), storage.ErrSpent)

				w.breakOn(spending, true, cut)
				if err := store.Spend(t.Context(), find(t, store, next), nil, start); err != nil {
					t.Errorf("Spend without a successor whose answer was lost: got error %v, want none", err)
				}
				wantErr(t, "another Spend", store.Spend(t.Context(), next, nil, start), storage.ErrSpent)
			})
		}
	})
}

func TestLostAnswerOfSpendThatLost(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, old := lossy(t, s)
		spend(t, store, old, following(old), start)
		w.breakOn(spending, true, errReset)
		wantErr(t, "Spend of what is spent", store.Spend(t.Context(), old, following(old), start), storage.ErrSpent)

		taken := sample("bob")
		add(t, store, taken)
		next := following(taken)
		next.Digest = old.Digest
		w.breakOn(spending, true, errReset)
		wantErr(t, "Spend whose successor's digest is taken", store.Spend(t.Context(), taken, next, start), storage.ErrExists)
	})
}

func TestLostQuestion(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, old := lossy(t, s)
		next := following(old)
		w.breakOn(spending, false, errReset)
		wantOutage(t, "Spend that did not reach the database", store.Spend(t.Context(), old, next, start))
		w.breakOn("FROM", true, errReset, errReset) // the statement, and the read that follows
		wantOutage(t, "Spend of which nothing can be found out", store.Spend(t.Context(), old, next, start))
		w.breakOn("", true)
		wantErr(t, "Spend after that one", store.Spend(t.Context(), old, following(old), start), storage.ErrSpent)
	})
}

func TestLostAnswerOfCreate(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, old := lossy(t, s)
		c := sample("bob")
		w.breakOn("INSERT", true, errReset)
		if err := store.CreateCredential(t.Context(), c); err != nil {
			t.Errorf("CreateCredential whose answer was lost: got error %v, want none: it has happened", err)
		}
		w.breakOn("INSERT", true, errReset)
		wantErr(t, "CreateCredential of what is there", store.CreateCredential(t.Context(), old), storage.ErrExists)
		w.breakOn("INSERT", false, errReset)
		wantOutage(t, "CreateCredential that did not reach the database", store.CreateCredential(t.Context(), sample("bob")))
	})
}

// refusal is an error as PostgreSQL's drivers give it.
type refusal string

func (r refusal) Error() string    { return "refused with " + string(r) }
func (r refusal) SQLState() string { return string(r) }

func TestRefusalsAreTriedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for _, err := range []error{
			refusal("40001"), refusal("40P01"), errors.New("Error 1213 (40001): Deadlock found when trying to get lock"),
			errors.New("Error 1205 (HY000): Lock wait timeout exceeded"), errors.New("database is locked (5) (SQLITE_BUSY)"),
		} {
			w, store, old := lossy(t, s)
			w.breakOn(spending, false, err, err, err)
			if got := store.Spend(t.Context(), old, following(old), start); got != nil {
				t.Errorf("Spend that was refused three times with %q: got error %v, want none", err, got)
			}
			times := 4
			if strings.Contains(err.Error(), "Error 1213") {
				times = 11 // a cluster reports it often
			}
			w.breakOn("INSERT", false, slices.Repeat([]error{err}, times)...)
			got := store.CreateCredential(t.Context(), sample("bob"))
			wantOutage(t, "CreateCredential that was refused each time", got)
			wantErr(t, "CreateCredential that was refused each time", got, err)
		}
		w, store, old := lossy(t, s)
		w.breakOn(spending, false, refusal("42501"))
		got := store.Spend(t.Context(), old, nil, start)
		wantOutage(t, "Spend without the right to write", got)
		wantErr(t, "Spend without the right to write", got, refusal("42501"))
	})
}

func TestNoRetryForThoseWhoHaveGone(t *testing.T) {
	w, store, old := lossy(t, on(t, sqlstore.SQLite))
	ctx, cancel := context.WithCancel(t.Context())
	w.breakOn(spending, false, gone{cancel}, errReset)
	began := time.Now()
	wantOutage(t, "Spend of one who has gone", store.Spend(ctx, old, nil, start))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Spend of one who has gone: took %v", took)
	}
}

// A driver that has PostgreSQL cancel a statement gets the answer that a commit is done,
// although no standby has it. So an answer that comes after the context has ended is an
// outage, whichever the call.
func TestAnswerThatComesTooLate(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		w, store, code := lossy(t, s)
		used := sample("bob")
		add(t, store, used)
		spend(t, store, used, nil, start)
		used = find(t, store, used)
		for _, tt := range []struct {
			what, on string // the part of the statement that is answered too late
			call     func(ctx context.Context) error
		}{
			{"CreateCredential", "INSERT", func(ctx context.Context) error { return store.CreateCredential(ctx, sample("eve")) }},
			{"Spend", spending, func(ctx context.Context) error { return store.Spend(ctx, code, following(code), start) }},
			{"a repeated use", "UPDATE", func(ctx context.Context) error { return store.Spend(ctx, used, nil, start) }},
			{"Revoke", "INSERT", func(ctx context.Context) error { return store.Revoke(ctx, code.Family) }},
			{"RevokeToken", "INSERT", func(ctx context.Context) error { return store.RevokeToken(ctx, "one", start) }},
			{"RevokeSubject", "COMMIT", func(ctx context.Context) error { return store.RevokeSubject(ctx, "bob", start) }},
			{"PutClient", "COMMIT", func(ctx context.Context) error { return store.PutClient(ctx, &storage.Client{ID: "shop"}) }},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			w.breakOn(tt.on, true, leaves{cancel})
			err := tt.call(ctx)
			wantErr(t, tt.what+" that was answered too late", err, context.Canceled)
			cancel()
		}
	})
}

// gone cancels a context when it is looked at.
type gone struct{ cancel func() }

func (g gone) Error() string    { g.cancel(); return "refused" }
func (g gone) SQLState() string { g.cancel(); return "40001" }

// sayAll says everything, and that whose answer was lost.
func sayAll(t testing.TB, w *wire, c sqlstore.Config, s *sqlstore.Store) {
	sayEverything(t, c, s)
	code := sample("subject-6")
	w.breakOn("INSERT INTO "+c.TablePrefix+"credentials", true, errReset)
	must(t, "CreateCredential whose answer was lost", s.CreateCredential(t.Context(), code))
	w.breakOn("INSERT INTO "+c.TablePrefix+"credentials", true, errReset)
	must(t, "Spend whose answer was lost", s.Spend(t.Context(), code, nil, start))
}
