package storagetest

import (
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

// spendRules are the rules for a first use.
var spendRules = []rule[storage.Credentials]{
	{"Spend sets SpentAt, Uses, Salt and FamilyExpiresAt, adds next, and changes nothing else", docSpend, spendExactly},
	{"Spend without a successor adds none", docSpend, spendWithoutNext},
	{"Spend of what is not there is ErrNotFound and adds nothing", docSpend, spendUnknown},
	{"a second Spend of a record that was read before the first is ErrSpent and changes nothing", docSpend, spendStale},
	{"Spend whose successor's digest is taken is ErrExists and leaves old unspent", docSpend, spendTaken},
}

// repeatRules are the rules for a repeated use.
var repeatRules = []rule[storage.Credentials]{
	{"a repeated use adds one to Uses and changes nothing else", docSpend, repeatExactly},
	{"uses end at MaxUses, and a MaxUses of zero means once", docSpend, repeatToMax},
	{"a repeated use of what was never spent is ErrSpent", docSpend, repeatUnspent},
	{"a repeated use never adds a successor", docSpend, repeatWithNext},
}

func spendExactly(t *tester, s storage.Credentials) {
	want := filledCredential(t)
	found := t.created(s, want)
	bystander := successor(want)
	t.create(s, bystander)

	old, next, at := spending(found), filledCredential(t), now().Add(time.Minute)
	next.Family, old.FamilyExpiresAt = want.Family, want.FamilyExpiresAt.Add(-time.Hour)
	t.spend(s, old, next, at)

	want.Uses, want.SpentAt, want.Salt, want.FamilyExpiresAt = 1, at, old.Salt, old.FamilyExpiresAt
	t.wantStored(s, "what was spent", want)
	t.wantStored(s, "its successor", next)
	t.wantStored(s, "another credential of the family", bystander)

	last := spending(t.find(s, next.Digest))
	last.FamilyExpiresAt = next.FamilyExpiresAt.Add(time.Hour)
	t.spend(s, last, nil, at.Add(time.Second))
	next.Uses, next.SpentAt, next.Salt, next.FamilyExpiresAt = 1, at.Add(time.Second), last.Salt, last.FamilyExpiresAt
	t.wantStored(s, "the successor, spent in its turn,", next)
}

func spendWithoutNext(t *tester, s storage.Credentials) {
	c := newCredential()
	old, at := spending(t.created(s, c)), now()
	old.Salt = nil
	t.spend(s, old, nil, at)
	c.Uses, c.SpentAt = 1, at
	t.wantStored(s, "what was spent without a successor or a salt", c)
	t.wantErr("a second Spend", s.Spend(t.ctx, old, nil, at), storage.ErrSpent)
}

func spendUnknown(t *tester, s storage.Credentials) {
	for uses := range 2 {
		old := newCredential()
		old.Uses, old.MaxUses = uses, 10
		var next *storage.Credential
		if uses == 0 {
			next = successor(old)
		}
		err := s.Spend(t.ctx, old, next, now())
		t.wantErr(fmt.Sprintf("Spend of an unknown credential with %d uses", uses), err, storage.ErrNotFound)
		t.wantAbsent(s, "what was never created", old.Digest)
		if next != nil {
			t.wantAbsent(s, "its successor", next.Digest)
		}
	}
}

func spendStale(t *tester, s storage.Credentials) {
	c := newCredential()
	found := t.created(s, c)
	first, second := spending(found), spending(found)
	second.FamilyExpiresAt = second.FamilyExpiresAt.Add(time.Hour)
	winner, loser := successor(c), successor(c)
	at := now()
	t.spend(s, first, winner, at)
	t.wantErr("the second Spend", s.Spend(t.ctx, second, loser, at.Add(time.Second)), storage.ErrSpent)

	c.Uses, c.SpentAt, c.Salt = 1, at, first.Salt
	t.wantStored(s, "what was spent", c)
	t.wantStored(s, "the successor of the first Spend", winner)
	t.wantAbsent(s, "the successor of the second Spend", loser.Digest)
}

func spendTaken(t *tester, s storage.Credentials) {
	c, other := newCredential(), newCredential()
	found := t.created(s, c)
	t.create(s, other)
	for what, taken := range map[string]storage.Digest{"another's": other.Digest, "its own": c.Digest} {
		next := successor(c)
		next.Digest, next.Subject = taken, "mallory"
		err := s.Spend(t.ctx, spending(found), next, now())
		t.wantErr("Spend whose successor has "+what+" digest", err, storage.ErrExists)
		t.wantStored(s, "what was to be spent", c)
		t.wantStored(s, "who had the digest first", other)
	}
	t.spend(s, spending(found), successor(c), now())
}

// repeating creates and spends a credential, and returns it as it was found.
func (t *tester) repeating(s storage.Credentials, maxUses int) *storage.Credential {
	t.Helper()
	c := newCredential()
	c.MaxUses = maxUses
	t.spend(s, spending(t.created(s, c)), successor(c), now())
	return t.find(s, c.Digest)
}

func repeatExactly(t *tester, s storage.Credentials) {
	want := t.repeating(s, 10)
	old := spending(want)
	old.FamilyExpiresAt = old.FamilyExpiresAt.Add(time.Hour)
	t.spend(s, old, nil, want.SpentAt.Add(time.Second))
	want.Uses = 2
	t.wantStored(s, "what was used twice", want)

	t.spend(s, old, nil, want.SpentAt.Add(time.Second))
	want.Uses = 3
	t.wantStored(s, "what was used a third time, by one who knew of one use,", want)
}

func repeatToMax(t *tester, s storage.Credentials) {
	for maxUses := range 4 {
		want := t.repeating(s, maxUses)
		for use := 2; use <= maxUses; use++ {
			t.spend(s, want, nil, now())
		}
		err := s.Spend(t.ctx, want, nil, now())
		t.wantErr(fmt.Sprintf("one use more than a MaxUses of %d allows", maxUses), err, storage.ErrSpent)
		want.Uses = max(1, maxUses)
		t.wantStored(s, fmt.Sprintf("a credential with a MaxUses of %d", maxUses), want)
	}
}

func repeatUnspent(t *tester, s storage.Credentials) {
	c := newCredential()
	old := t.created(s, c)
	old.Uses, old.SpentAt = 1, now()
	t.wantErr("a repeated use of an unspent credential", s.Spend(t.ctx, old, nil, now()), storage.ErrSpent)
	t.wantStored(s, "the unspent credential", c)
}

// repeatWithNext makes a call that the contract forbids, and so accepts any
// error.
func repeatWithNext(t *tester, s storage.Credentials) {
	want := t.repeating(s, 10)
	next := successor(want)
	if err := s.Spend(t.ctx, want, next, now()); err == nil {
		t.Errorf("a repeated use that brings a successor: got no error, want one")
	}
	t.wantAbsent(s, "the successor of a repeated use", next.Digest)
	t.wantStored(s, "the credential", want)
}
