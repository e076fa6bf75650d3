package storagetest

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/storage"
)

var tokenRaceRules = []rule[Revocations]{
	{"nobody of fifty who asks after RevokeToken has returned is told that the token is good", docRevoked, raceToken},
	{"nobody of fifty who asks after Revoke has returned is told that a token of the family is good", docRevoked, raceFamily},
	{"fifty who revoke one token at once all succeed, and the latest expiresAt holds", docRevokeToken, raceRevokeToken},
	{"a RevokeToken that is cancelled under way and succeeds has revoked the token", docRevokeToken, raceCancelToken},
}

// raceRevoked lets callers ask again and again about a token, while one revokes
// it.
func (t *tester) raceRevoked(s storage.Revocations, what, id, family string, revoke func() error) {
	t.Helper()
	var done atomic.Bool
	crowd(racers, func(i int) {
		if i == 0 {
			t.wantErr(what, revoke(), nil)
			done.Store(true)
			return
		}
		for over := false; !over && t.ctx.Err() == nil; {
			over = done.Load()
			got, err := s.Revoked(t.ctx, id, family)
			if err != nil || over && !got {
				t.Errorf("Revoked of a token, begun after %s had returned: %t: got %t and error %v", what, over, got, err)
				return
			}
		}
	})
	t.wantRevoked(s, "a token, when all is over,", id, family, true)
}

func raceToken(t *tester, s Revocations) {
	for range 10 {
		id := newTokenID()
		t.raceRevoked(s, "RevokeToken", id, rand.Text(), func() error { return s.RevokeToken(t.ctx, id, nextHour()) })
	}
}

func raceFamily(t *tester, s Revocations) {
	for round := range 10 {
		c := newCredential()
		if round%2 == 0 {
			t.create(s, c)
		}
		t.raceRevoked(s, "Revoke", newTokenID(), c.Family, func() error { return s.Revoke(t.ctx, c.Family) })
	}
}

// raceRevokeToken lets one of fifty bring an instant that has not passed.
func raceRevokeToken(t *tester, s Revocations) {
	for round := range 10 {
		id := newTokenID()
		errs := make([]error, racers)
		crowd(racers, func(i int) {
			at := now().AddDate(0, 0, -2-i)
			if i == round {
				at = nextHour()
			}
			errs[i] = s.RevokeToken(t.ctx, id, at)
		})
		for _, err := range errs {
			t.wantErr("RevokeToken of a token that others revoke", err, nil)
		}
		if e, ok := s.(expirer); ok {
			t.deleteExpired(e, now(), 0)
		}
		t.wantRevoked(s, "a token that fifty have revoked", id, "", true)
	}
}

// raceCancelToken ends the context at later and later moments.
func raceCancelToken(t *tester, s Revocations) {
	for moment := time.Duration(0); moment < 50*time.Millisecond; moment += moment/6 + 5*time.Microsecond {
		id := newTokenID()
		ctx, cancel := context.WithTimeout(t.ctx, moment)
		err := s.RevokeToken(ctx, id, nextHour())
		cancel()
		if len(verdicts(err)) > 0 {
			t.Errorf("RevokeToken that was cancelled under way: got %v, which is a verdict", err)
		}
		if err == nil {
			t.wantRevoked(s, "a token, after a RevokeToken that returned nil,", id, "", true)
		}
	}
}
