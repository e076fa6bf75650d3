package integration_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// crowdSize is how many spend at once.
const crowdSize = 64

// crowdMember is one of them.
type crowdMember struct {
	old, next *storage.Credential
	impatient bool // its context ends at some moment
	poisoned  bool // the database refuses its row
	revoked   bool // its family is revoked at some moment
	err       error
}

// newCrowd prepares spends of every kind: most of a credential of their own,
// some of one that others spend too.
func newCrowd(t testing.TB, s *sqlstore.Store, poisoned bool) []*crowdMember {
	t.Helper()
	all := make([]*crowdMember, crowdSize)
	for i := range all {
		m := &crowdMember{}
		switch i % 8 {
		case 0:
			m.impatient = true
		case 1:
			m.revoked = true
		}
		if i >= 16 && i%8 == 2 { // the credential that its neighbour, a patient caller, spends
			m.old = all[i-8].old
		} else {
			m.old = sample("alice")
			add(t, s, m.old)
		}
		m.next = following(m.old)
		if poisoned && i == 3 {
			m.poisoned, m.next.Subject = true, "poison"
		}
		all[i] = m
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// spend spends for a crowd at once, by turns with several replicas, and revokes.
func (h *held) crowd(all []*crowdMember, replicas ...*sqlstore.Store) {
	h.Helper()
	var members sync.WaitGroup
	gate := make(chan struct{})
	for i, m := range all {
		members.Go(func() {
			ctx := h.Context()
			if m.impatient {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(5000))*time.Microsecond)
				defer cancel()
			}
			<-gate
			m.err = replicas[i%len(replicas)].Spend(ctx, m.old, m.next, start)
		})
		if m.revoked {
			members.Go(func() {
				<-gate
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				if err := h.replica.Revoke(h.Context(), m.old.Family); err != nil {
					h.Errorf("Revoke: %v", err)
				}
			})
		}
	}
	close(gate)
	members.Wait()
}

// TestCrowd has a crowd spend at once, with several replicas: every caller gets
// its own verdict, and the store agrees with it.
func TestCrowd(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		h := hold(t, s)
		h.poison()
		h.wire.taken()
		rounds := map[sqlstore.Dialect]int{sqlstore.Postgres: 20, sqlstore.MySQL: 12, sqlstore.SQLite: 6}[s.dialect]
		together, left := 0, 0
		for round := range rounds {
			all := newCrowd(t, h.replica, round%2 == 1)
			h.crowd(all, h.store, h.replica)
			winners := make(map[storage.Digest]*crowdMember)
			for _, m := range all {
				h.wantMember(m)
				if m.err == nil && winners[m.old.Digest] != nil {
					t.Error("a credential: spent twice")
				}
				if m.err == nil {
					winners[m.old.Digest] = m
				}
				if m.err != nil && !isVerdict(m.err) && m.impatient {
					left++
				}
			}
			for _, m := range all {
				if winners[m.old.Digest] == nil && !m.impatient && !m.poisoned && !m.revoked {
					t.Error("a credential that many spend: nobody has spent it")
				}
			}
			for _, trip := range h.wire.taken() {
				if isSeveral(trip.statement) {
					together++
				}
			}
		}
		t.Logf("%d statements for several, %d callers who left", together, left)
		if together == 0 {
			t.Error("got no statement for several spends: nothing was tested")
		}
	})
}

// wantMember compares the verdict of a member with the records in the store.
func (h *held) wantMember(m *crowdMember) {
	h.Helper()
	old, next := find(h, h.replica, m.old), h.lookUp(m.next)
	if old.Spent() != (next != nil) { // a server may go on with a spend that its caller has given up, and just did
		old, next = find(h, h.replica, m.old), h.lookUp(m.next)
	}
	there := next != nil
	switch {
	case m.poisoned:
		wantOutage(h, "Spend of what the database refuses", m.err)
		if old.Spent() || there {
			h.Errorf("what the database refuses, afterwards: got spent %t and a successor %t", old.Spent(), there)
		}
	case m.err == nil:
		if !there || !old.Spent() || next.Revoked != m.revoked {
			h.Errorf("a Spend that succeeded: got spent %t and the successor %+v", old.Spent(), next)
		}
	case m.impatient:
		wantOutage(h, "Spend of someone who has left", m.err)
		if old.Spent() != there {
			h.Errorf("a Spend of someone who has left: got spent %t and a successor %t, want all or nothing", old.Spent(), there)
		}
	case errors.Is(m.err, storage.ErrSpent):
		// The leader of a statement may leave while the server still works on it. Its
		// members then send their rows alone, and one may find its family revoked before
		// the first statement commits. Nobody can use that successor.
		fits := old.Spent() && !there
		if m.revoked {
			fits = old.Spent() == there && (!there || next.Revoked)
		}
		if !fits {
			h.Errorf("a Spend that got ErrSpent (its family was revoked: %t): got spent %t and the successor %+v", m.revoked, old.Spent(), next)
		}
	default:
		h.Errorf("Spend: got error %v, want none or ErrSpent", m.err)
	}
}

// lookUp returns a credential, or nil if it is not there.
func (h *held) lookUp(c *storage.Credential) *storage.Credential {
	h.Helper()
	found, err := h.replica.Credential(h.Context(), c.Digest)
	if err != nil {
		wantErr(h, "Credential", err, storage.ErrNotFound)
		return nil
	}
	return found
}
