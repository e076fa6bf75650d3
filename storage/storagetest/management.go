package storagetest

import (
	"slices"
	"testing"

	"github.com/contit/oauth/storage"
)

// ManagedClients is a store that [RunManagedClients] can test.
type ManagedClients interface {
	storage.Clients
	storage.ManagedClients
}

// ManagedAPIKeys is a store that [RunManagedAPIKeys] can test.
type ManagedAPIKeys interface {
	storage.APIKeys
	storage.ManagedAPIKeys
}

// Families is a store that [RunFamilies] can test.
type Families interface {
	storage.Credentials
	ManagedAPIKeys
	storage.Families
}

// Management is a store that [RunManagement] can test.
type Management interface {
	ManagedClients
	Families
}

// RunManagement tests all that a host manages with a store: its clients, API keys
// and families. The store need not be empty or new, as [Run] says.
func RunManagement(t *testing.T, open func(t testing.TB) Management) {
	t.Helper()
	t.Run("ManagedClients", func(t *testing.T) {
		RunManagedClients(t, func(t testing.TB) ManagedClients { return open(t) })
	})
	t.Run("ManagedAPIKeys", func(t *testing.T) {
		RunManagedAPIKeys(t, func(t testing.TB) ManagedAPIKeys { return open(t) })
	})
	t.Run("Families", func(t *testing.T) {
		RunFamilies(t, func(t testing.TB) Families { return open(t) })
	})
}

// RunManagedClients tests how a host manages its clients, as [RunManagement] does.
func RunManagedClients(t *testing.T, open func(t testing.TB) ManagedClients) {
	t.Helper()
	run(t, managedClientRules, open)
}

// RunManagedAPIKeys tests how a host manages its API keys, as [RunManagement] does.
func RunManagedAPIKeys(t *testing.T, open func(t testing.TB) ManagedAPIKeys) {
	t.Helper()
	run(t, managedAPIKeyRules, open)
}

// RunFamilies tests how a host lists and revokes the families of a subject, as
// [RunManagement] does.
func RunFamilies(t *testing.T, open func(t testing.TB) Families) {
	t.Helper()
	run(t, managedFamilyRules, open)
}

// The comments that these rules come from.
const (
	docManagedClients = "the comment of storage.ManagedClients"
	docManagedAPIKeys = "the comment of storage.ManagedAPIKeys"
	docFamilies       = "the comment of storage.Families"
	docPage           = "the comment of storage.Page"
)

// wantRefused reports a call that must fail, and with no verdict.
func (t *tester) wantRefused(what string, err error) {
	t.Helper()
	if err == nil || len(verdicts(err)) > 0 {
		t.Errorf("%s: got error %v, want one that is no verdict", what, err)
	}
}

// wantPages reads a list page by page, and compares the identifiers, which must be
// all that lie after one.
func (t *tester) wantPages(what, after string, want []string, list func(p storage.Page) ([]string, error)) {
	t.Helper()
	for _, limit := range []int{0, 1, 2, len(want) + 1} {
		p := storage.Page{After: after, Limit: limit}
		var got []string
		for len(got) < len(want) {
			ids, err := list(p)
			if err != nil {
				t.Fatalf("%s, after %q with limit %d: got error %v, want none", what, p.After, limit, err)
			}
			if len(ids) > p.Size() {
				t.Fatalf("%s with limit %d: got a page of %d", what, limit, len(ids))
			}
			got = append(got, ids...)
			if len(ids) < p.Size() {
				break
			}
			p.After = ids[len(ids)-1]
		}
		got = got[:min(len(got), len(want))] // others may follow in a store that is shared
		if !slices.Equal(got, want) {
			t.Errorf("%s with limit %d: got %q, want %q", what, limit, got, want)
		}
	}
}
