package memory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// model implements a second time which records are kept and for how long. It
// scans all records instead of using a heap.
type model struct {
	credentials map[string]*storage.Credential
	until       map[string]time.Time // of families
	revoked     map[string]bool
	anew        map[string]bool // revoked while without a credential: a day begins
}

func (m *model) revoke(family string) {
	m.revoked[family] = true
	if m.members(family) == 0 {
		m.anew[family] = true
	}
}

// begin begins the days of families that were revoked without a credential.
func (m *model) begin(before time.Time) {
	for family := range m.anew {
		if day := before.Add(24 * time.Hour); m.members(family) == 0 && day.After(m.until[family]) {
			m.until[family] = day
		}
	}
	clear(m.anew)
}

func (m *model) members(family string) (n int) {
	for _, c := range m.credentials {
		if c.Family == family {
			n++
		}
	}
	return n
}

func (m *model) add(name string, c *storage.Credential) {
	m.credentials[name] = c
	if c.FamilyExpiresAt.After(m.until[c.Family]) {
		m.until[c.Family] = c.FamilyExpiresAt
	}
}

func (m *model) deleteExpired(before time.Time) {
	m.begin(before)
	for name, c := range m.credentials {
		if c.FamilyExpiresAt.Before(before) {
			delete(m.credentials, name)
			if !m.revoked[c.Family] && m.members(c.Family) == 0 {
				delete(m.until, c.Family)
			}
		}
	}
	for family := range m.revoked {
		switch until := m.until[family]; {
		case m.members(family) > 0 || !until.Before(before):
		default:
			delete(m.revoked, family)
			delete(m.until, family)
		}
	}
}

// run is one random history of a store and its model. Few families and few
// instants make many coincide.
type run struct {
	t     *testing.T
	r     *rand.Rand
	store memory.Store
	model model
	made  []string
}

func (h *run) instant() time.Time { return start.Add(time.Duration(1+h.r.IntN(4)) * time.Hour) }

func (h *run) make() *storage.Credential {
	name := fmt.Sprint(len(h.made))
	h.made = append(h.made, name)
	return credential(name, fmt.Sprint("f", h.r.IntN(3)), h.instant())
}

func (h *run) step() {
	ctx := h.t.Context()
	switch h.r.IntN(8) {
	case 0, 1, 2:
		c := h.make()
		create(h.t, &h.store, c)
		h.model.add(h.made[len(h.made)-1], c)
	case 3, 4, 5:
		h.spend()
	case 6:
		family := fmt.Sprint("f", h.r.IntN(3))
		wantErr(h.t, "Revoke", h.store.Revoke(ctx, family), nil)
		h.model.revoke(family)
	case 7:
		before := h.instant().Add(1)
		h.deleteExpired(before, h.r.IntN(3))
		h.model.deleteExpired(before)
	}
}

func (h *run) spend() {
	for _, name := range h.made {
		c, ok := h.model.credentials[name]
		if !ok || c.Uses > 0 || h.r.IntN(2) == 0 {
			continue
		}
		next, old := h.make(), c.Clone()
		next.Family, old.FamilyExpiresAt = c.Family, h.instant()
		err := h.store.Spend(h.t.Context(), old, next, start)
		if h.model.revoked[c.Family] {
			wantErr(h.t, "Spend of what is revoked", err, storage.ErrSpent)
			return
		}
		wantErr(h.t, "Spend", err, nil)
		h.model.add(h.made[len(h.made)-1], next)
		c.Uses, c.FamilyExpiresAt = 1, old.FamilyExpiresAt
		return
	}
}

// deleteExpired deletes all expired records, a few at a time. In between, no
// remaining credential may seem unrevoked.
func (h *run) deleteExpired(before time.Time, limit int) {
	for {
		n, err := h.store.DeleteExpired(h.t.Context(), before, limit)
		wantErr(h.t, "DeleteExpired", err, nil)
		for name, c := range h.model.credentials {
			got, err := h.store.Credential(h.t.Context(), digest(name))
			if err == nil && got.Revoked != h.model.revoked[c.Family] {
				h.t.Fatalf("credential %s: got revoked %t, want %t", name, got.Revoked, h.model.revoked[c.Family])
			}
		}
		if n == 0 {
			return
		}
	}
}

func (h *run) compare() {
	for _, name := range h.made {
		got, err := h.store.Credential(h.t.Context(), digest(name))
		want, ok := h.model.credentials[name]
		switch {
		case !ok:
			wantErr(h.t, "Credential "+name, err, storage.ErrNotFound)
		case err != nil:
			h.t.Errorf("credential %s: got error %v, want it", name, err)
		case got.Revoked != h.model.revoked[want.Family] || got.Uses != want.Uses:
			h.t.Errorf("credential %s: got revoked %t and %d uses, want %t and %d",
				name, got.Revoked, got.Uses, h.model.revoked[want.Family], want.Uses)
		}
	}
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := &run{t: t, r: rand.New(rand.NewPCG(seed, 0)), model: model{
				credentials: make(map[string]*storage.Credential),
				until:       make(map[string]time.Time), revoked: make(map[string]bool), anew: make(map[string]bool),
			}}
			for range 60 {
				h.step()
				if h.compare(); t.Failed() {
					return
				}
			}
			for days := range 3 {
				h.deleteExpired(start.AddDate(0, 0, 2*days+1), 0)
			}
			wantEmpty(t, &h.store)
		})
	}
}
