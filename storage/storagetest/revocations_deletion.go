package storagetest

import (
	"crypto/rand"
	"time"
)

// revocationDeleter is a store of revocations that can forget them.
type revocationDeleter interface {
	Revocations
	expirer
}

const docDeleteTokens = "the comment of storagetest.RunRevocations"

// revocationDeletionRules say how long a revocation is remembered.
var revocationDeletionRules = []rule[revocationDeleter]{
	{"a revoked token is remembered until its expiresAt, and no longer", docDeleteTokens, tokenDeletion},
	{"the later expiresAt holds against deletion, whichever came last", docRevokeToken, tokenDeletionAgain},
	{"a token that is revoked again while it is deleted stays revoked", docRevokeToken, raceTokenDeletion},
	{"no more than limit revocations are deleted at once", docDeleteTokens, tokenDeletionLimit},
	{"the tokens of a revoked family are revoked while it is remembered", docRevoked, familyDeletion},
}

func tokenDeletion(t *tester, s revocationDeleter) {
	west, at := time.FixedZone("west", -11*3600), now()
	over, lives := newTokenID(), newTokenID()
	t.revokeToken(s, over, at.Add(-time.Hour))
	t.revokeToken(s, lives, at.Add(time.Minute).In(west))
	t.deleteExpired(s, at, 0)
	t.wantRevoked(s, "a token that has expired", over, "", false)
	t.wantRevoked(s, "a token that expires in a minute", lives, "", true)

	t.deleteExpired(s, at.Add(time.Minute), 0)
	t.wantRevoked(s, "a token that expires at the instant", lives, "", true)
	t.deleteExpired(s, at.Add(time.Minute+time.Microsecond), 0)
	t.wantRevoked(s, "a token that expires a microsecond before", lives, "", false)
}

func tokenDeletionAgain(t *tester, s revocationDeleter) {
	past, future := now().Add(-time.Hour), nextHour()
	for what, instants := range map[string][]time.Time{
		"the later last":  {past, future},
		"the later first": {future, past},
	} {
		id := newTokenID()
		for _, at := range instants {
			t.revokeToken(s, id, at)
		}
		t.deleteExpired(s, now(), 0)
		t.wantRevoked(s, "a token that was revoked until two instants, "+what+",", id, "", true)
	}
}

// raceTokenDeletion looks for a gap between the search for expired tokens and
// their deletion.
func raceTokenDeletion(t *tester, s revocationDeleter) {
	const tokens = 8
	for range 20 {
		var ids [tokens]string
		for i := range ids {
			ids[i] = newTokenID()
			t.revokeToken(s, ids[i], now().Add(-time.Hour))
		}
		crowd(tokens+2, func(i int) {
			if i < tokens {
				t.wantErr("RevokeToken", s.RevokeToken(t.ctx, ids[i], nextHour()), nil)
				return
			}
			if _, err := s.DeleteExpired(t.ctx, now(), 0); err != nil {
				t.Errorf("DeleteExpired: got error %v, want none", err)
			}
		})
		for _, id := range ids {
			t.wantRevoked(s, "a token that was revoked again", id, "", true)
		}
	}
}

// tokenDeletionLimit accepts a store that lets records expire by itself.
func tokenDeletionLimit(t *tester, s revocationDeleter) {
	const limit = 2
	var ids [5]string
	for i := range ids {
		ids[i] = newTokenID()
		t.revokeToken(s, ids[i], now().Add(-time.Hour))
	}
	for n := 1; n > 0; {
		if n = t.deleteExpired(s, now(), limit); n > limit {
			t.Errorf("DeleteExpired with a limit of %d: deleted %d", limit, n)
		}
	}
	for _, id := range ids {
		t.wantRevoked(s, "a token that has expired", id, "", false)
	}
}

func familyDeletion(t *tester, s revocationDeleter) {
	gone, stays := over(), newCredential()
	stays.Family = gone.Family
	t.create(s, gone)
	t.create(s, stays)
	empty := rand.Text()
	for _, family := range []string{gone.Family, empty} {
		t.revoke(s, family)
	}
	for range 3 {
		t.deleteExpired(s, now(), 0)
		t.wantRevoked(s, "a token of a revoked family that goes on", newTokenID(), gone.Family, true)
		t.wantRevoked(s, "a token of a revoked family without a credential", newTokenID(), empty, true)
	}
}
