package storagetest

import (
	"context"
	"time"

	"github.com/contit/oauth/storage"
)

// expirer has the method that [RunCredentials] describes.
type expirer interface {
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// deleter is a store of credentials with that method.
type deleter interface {
	storage.Credentials
	expirer
}

const docDelete = "the comment of storagetest.RunCredentials; and that of storage.Credential: " +
	"the record is kept until FamilyExpiresAt, so that a replay is recognised"

// deletionRules are the rules for when a store may delete which record.
var deletionRules = []rule[deleter]{
	{"what is spent is known until its FamilyExpiresAt", docDelete, deletionSpares},
	{"what is over is deleted", docDelete, deletionDeletes},
	{"no more than limit are deleted at once", docDelete, deletionLimit},
	{"a family stays revoked while some of it is deleted", docDelete, deletionRevoked},
	{"an ended context deletes nothing", docPackage, deletionContext},
}

// over returns a credential whose own time and whose family's time are past.
func over() *storage.Credential {
	c := newCredential()
	c.IssuedAt = c.IssuedAt.AddDate(0, 0, -3)
	c.ExpiresAt, c.FamilyExpiresAt = c.IssuedAt.AddDate(0, 0, 1), c.IssuedAt.AddDate(0, 0, 2)
	return c
}

func (t *tester) deleteExpired(s expirer, before time.Time, limit int) int {
	t.Helper()
	n, err := s.DeleteExpired(t.ctx, before, limit)
	if err != nil {
		t.Fatalf("DeleteExpired: got error %v, want none", err)
	}
	return n
}

func deletionSpares(t *tester, s deleter) {
	c := over()
	c.FamilyExpiresAt = now().Add(time.Hour)
	next := successor(c)
	next.ExpiresAt, next.FamilyExpiresAt = c.ExpiresAt, c.FamilyExpiresAt
	old, at := spending(t.created(s, c)), c.IssuedAt.Add(time.Minute)
	t.spend(s, old, next, at)
	prolonged := over()
	prolonged.FamilyExpiresAt = now().Add(30 * time.Second)
	t.create(s, prolonged)
	longer := spending(prolonged)
	longer.FamilyExpiresAt = now().Add(time.Hour)
	t.spend(s, longer, nil, at)

	t.deleteExpired(s, now().Add(time.Minute), 0)
	c.Uses, c.SpentAt, c.Salt = 1, at, old.Salt
	t.wantStored(s, "a spent credential whose family goes on", c)
	t.wantStored(s, "an expired credential whose family goes on", next)
	prolonged.Uses, prolonged.SpentAt, prolonged.Salt = 1, at, longer.Salt
	prolonged.FamilyExpiresAt = longer.FamilyExpiresAt
	t.wantStored(s, "a spent credential whose family was prolonged", prolonged)
}

// deletionDeletes accepts a store that lets records expire by itself.
func deletionDeletes(t *tester, s deleter) {
	unspent, spent, shortened := over(), over(), over()
	t.create(s, unspent)
	t.create(s, spent)
	_ = s.Spend(t.ctx, spending(spent), nil, spent.IssuedAt)
	shortened.FamilyExpiresAt = now().Add(time.Hour)
	t.create(s, shortened)
	old := spending(shortened)
	old.FamilyExpiresAt = over().FamilyExpiresAt
	t.spend(s, old, nil, now())

	t.deleteExpired(s, now(), -1)
	t.wantAbsent(s, "what was never spent and is over", unspent.Digest)
	t.wantAbsent(s, "what was spent and is over", spent.Digest)
	t.wantAbsent(s, "what was spent with an earlier FamilyExpiresAt and is over", shortened.Digest)
}

func deletionLimit(t *tester, s deleter) {
	const limit = 2
	all := []*storage.Credential{over(), over(), over(), over(), over()}
	for _, c := range all {
		t.create(s, c)
	}
	for {
		n := t.deleteExpired(s, now(), limit)
		if n > limit {
			t.Errorf("DeleteExpired with a limit of %d: deleted %d", limit, n)
		}
		if n == 0 {
			break
		}
	}
	for _, c := range all {
		t.wantAbsent(s, "what is over", c.Digest)
	}
}

func deletionRevoked(t *tester, s deleter) {
	gone, stays := over(), newCredential()
	stays.Family = gone.Family
	t.create(s, gone)
	t.create(s, stays)
	t.revoke(s, gone.Family)
	t.deleteExpired(s, now(), 0)
	t.wantAbsent(s, "what is over", gone.Digest)
	stays.Revoked = true
	t.wantStored(s, "what is left of a revoked family", stays)
	t.wantBornRevoked(s, gone.Family)
}

func deletionContext(t *tester, s deleter) {
	c := over()
	c.FamilyExpiresAt = now().Add(time.Hour)
	t.create(s, c)
	for _, ctx := range endedContexts(t.ctx) {
		_, err := s.DeleteExpired(ctx, now().Add(2*time.Hour), 1)
		t.wantEnded("DeleteExpired", ctx, err)
	}
	t.wantStored(s, "what was to be deleted", c)
}
