package storagetest

import (
	"crypto/rand"
	"strings"

	"github.com/contit/oauth/storage"
)

// revokeRules are the rules for the revocation of a family.
var revokeRules = []rule[storage.Credentials]{
	{"all of a revoked family is found revoked, spent and unspent", docRevoke, revokeAll},
	{"nothing of a revoked family can be spent", docRevoke, revokedNotSpent},
	{"what is added to a revoked family is revoked from the start", docCreate, createRevoked},
	{"a family can be revoked before it has a credential", docRevoke, revokeEmpty},
	{"to revoke again, or what does not exist, is no error", docRevoke, revokeAgain},
	{"Revoke leaves other families alone, however alike their names", docRevoke, revokeOthers},
}

func revokeAll(t *tester, s storage.Credentials) {
	spent, unspent := newCredential(), newCredential()
	unspent.Family, unspent.Kind = spent.Family, storage.KindAuthorizationCode
	next := successor(spent)
	t.create(s, unspent)
	found := t.created(s, spent)
	if found.Revoked {
		t.Errorf("a new credential: got revoked, want not")
	}
	old, at := spending(found), now()
	t.spend(s, old, next, at)
	t.revoke(s, spent.Family)

	spent.Uses, spent.SpentAt, spent.Salt = 1, at, old.Salt
	spent.Revoked, unspent.Revoked, next.Revoked = true, true, true
	t.wantStored(s, "a spent credential of a revoked family", spent)
	t.wantStored(s, "an unspent credential of a revoked family", unspent)
	t.wantStored(s, "a successor in a revoked family", next)
}

func revokedNotSpent(t *tester, s storage.Credentials) {
	used := t.repeating(s, 10)
	c := newCredential()
	c.Family = used.Family
	found := t.created(s, c)
	t.revoke(s, c.Family)

	next := successor(c)
	t.wantErr("Spend of a record that was read before Revoke", s.Spend(t.ctx, spending(found), next, now()), storage.ErrSpent)
	t.wantAbsent(s, "its successor", next.Digest)
	t.wantErr("a repeated use after Revoke", s.Spend(t.ctx, used, nil, now()), storage.ErrSpent)
	c.Revoked, used.Revoked = true, true
	t.wantStored(s, "the unspent credential", c)
	t.wantStored(s, "the spent credential", used)
}

func createRevoked(t *tester, s storage.Credentials) {
	first := newCredential()
	t.create(s, first)
	t.revoke(s, first.Family)
	t.wantBornRevoked(s, first.Family)
}

func revokeEmpty(t *tester, s storage.Credentials) {
	family := rand.Text()
	t.revoke(s, family)
	t.wantBornRevoked(s, family)
}

func (t *tester) wantBornRevoked(s storage.Credentials, family string) {
	t.Helper()
	c := newCredential()
	c.Family = family
	t.create(s, c)
	next := successor(c)
	t.wantErr("Spend of what was added to a revoked family", s.Spend(t.ctx, spending(c), next, now()), storage.ErrSpent)
	t.wantAbsent(s, "its successor", next.Digest)
	c.Revoked = true
	t.wantStored(s, "what was added to a revoked family", c)
}

func revokeAgain(t *tester, s storage.Credentials) {
	c := newCredential()
	t.create(s, c)
	for range 3 {
		t.wantErr("Revoke", s.Revoke(t.ctx, c.Family), nil)
	}
	t.wantErr("Revoke of a family that does not exist", s.Revoke(t.ctx, rand.Text()), nil)
	c.Revoked = true
	t.wantStored(s, "a credential whose family was revoked three times", c)
}

func revokeOthers(t *tester, s storage.Credentials) {
	name := "Family_" + rand.Text()
	alike := []string{name, strings.ToLower(name), name + " ", strings.Replace(name, "_", "x", 1), name + "x", rand.Text()}
	var all []*storage.Credential
	for _, family := range alike {
		c := newCredential()
		c.Family = family
		t.create(s, c)
		all = append(all, c)
	}
	// A store may refuse these; it may not take them for the name.
	for _, family := range broken(name) {
		if err := s.Revoke(t.ctx, family); len(verdicts(err)) > 0 {
			t.Errorf("Revoke(%q): got %v, want nil or an outage", family, err)
		}
	}
	for _, c := range all {
		t.wantStored(s, "family "+c.Family+", after the revocation of broken spellings of another,", c)
	}
	t.revoke(s, name)
	all[0].Revoked = true
	for _, c := range all {
		t.wantStored(s, "family "+c.Family+", after the revocation of "+name+",", c)
	}
	t.revoke(s, "%")
	for _, c := range all[1:] {
		t.spend(s, spending(c), nil, now())
	}
}
