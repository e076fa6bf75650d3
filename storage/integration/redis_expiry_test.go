package integration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
)

// bench is a store, the client to look behind it, and its prefix.
type bench struct {
	*redisstore.Store
	t      *testing.T
	rdb    *redis.Client
	prefix string
}

var errCut = errors.New("the connection was cut by the test")

// eachMode runs a test in both modes.
func eachMode(t *testing.T, test func(b *bench)) {
	rdb := sharedRedis(t)
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			b := &bench{t: t, rdb: rdb, prefix: ownPrefix(t, rdb)}
			b.Store = openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: b.prefix, SingleServer: single})
			test(b)
		})
	}
}

func (b *bench) pointer(c *storage.Credential) string {
	return b.prefix + "credential:" + c.Digest.String()
}

func (b *bench) family(c *storage.Credential) string { return b.prefix + "family:" + c.Family }

// create adds a credential and returns it with a successor that is not added.
func (b *bench) create() (c, next *storage.Credential) {
	b.t.Helper()
	c, next = redisCredential(time.Now()), redisCredential(time.Now())
	next.Family = c.Family
	wantVerdict(b.t, "CreateCredential", b.CreateCredential(b.t.Context(), c), nil)
	return c, next
}

func (b *bench) spend(old, next *storage.Credential, want error) {
	b.t.Helper()
	wantVerdict(b.t, "Spend", b.Spend(b.t.Context(), old, next, time.Now()), want)
}

func (b *bench) wantAbsent(what string, c *storage.Credential) {
	b.t.Helper()
	_, err := b.Credential(b.t.Context(), c.Digest)
	wantVerdict(b.t, "Credential of "+what, err, storage.ErrNotFound)
}

func (b *bench) wantKeptUntil(what, key string, want time.Time) {
	b.t.Helper()
	left, err := b.rdb.PTTL(b.t.Context(), key).Result()
	got := time.Now().Add(left)
	if err != nil || left <= 0 || got.Before(want) || got.After(want.Add(3*time.Hour)) {
		b.t.Errorf("%s expires at %v (error %v), want %v and no more than three hours later", what, got, err, want)
	}
}

func TestRedisKeysExpire(t *testing.T) {
	eachMode(t, func(b *bench) {
		c, next := b.create()
		c.FamilyExpiresAt = c.ExpiresAt // the record says a day
		b.wantKeptUntil("a pointer", b.pointer(c), c.IssuedAt.Add(24*time.Hour))
		b.wantKeptUntil("a family", b.family(c), c.IssuedAt.Add(24*time.Hour))

		old := c.Clone()
		old.FamilyExpiresAt = c.IssuedAt.Add(48 * time.Hour)
		b.spend(old, next, nil)
		b.wantKeptUntil("the pointer of what is kept for longer", b.pointer(c), old.FamilyExpiresAt)
		b.wantKeptUntil("the pointer of a successor", b.pointer(next), next.FamilyExpiresAt)
		b.wantKeptUntil("the family", b.family(c), old.FamilyExpiresAt)

		third := redisCredential(time.Now())
		third.Family, third.FamilyExpiresAt = c.Family, third.ExpiresAt
		b.spend(next, third, nil)
		b.wantKeptUntil("a family whose last member is short-lived", b.family(c), old.FamilyExpiresAt)
		b.wantKeptUntil("the pointer of the short-lived one", b.pointer(third), third.ExpiresAt)
		wantVerdict(t, "Revoke", b.Revoke(t.Context(), c.Family), nil)
		b.wantKeptUntil("a revoked family", b.family(c), old.FamilyExpiresAt)
	})
}

// A family that was revoked before its first credential is remembered for a
// day, also when a short-lived credential came meanwhile.
func TestRedisTombstoneExpires(t *testing.T) {
	eachMode(t, func(b *bench) {
		code := redisCredential(time.Now())
		code.FamilyExpiresAt = code.ExpiresAt
		wantVerdict(t, "Revoke", b.Revoke(t.Context(), code.Family), nil)
		b.wantKeptUntil("a tombstone", b.family(code), time.Now().Add(24*time.Hour-time.Minute))
		wantVerdict(t, "CreateCredential", b.CreateCredential(t.Context(), code), nil)
		b.wantKeptUntil("a tombstone with a credential", b.family(code), time.Now().Add(24*time.Hour-time.Minute))
	})
}

// The later instant holds, whichever came last. Nothing that has no end is left
// without one.
func TestRedisTokensExpire(t *testing.T) {
	eachMode(t, func(b *bench) {
		ctx, at := t.Context(), time.Now()
		digest := storage.PresentedSecret("jti").Digest(storage.KindAccessToken)
		key := b.prefix + "token:" + digest.String()
		for _, tt := range []struct {
			name  string
			until time.Time
			want  time.Time
		}{
			{"a revoked token", at.Add(10 * time.Minute), at.Add(10 * time.Minute)},
			{"one that was revoked again, until later", at.Add(4 * time.Hour), at.Add(4 * time.Hour)},
			{"one that was revoked again, until earlier", at.Add(time.Minute), at.Add(4 * time.Hour)},
			{"one that was revoked again, until long ago", at.AddDate(-1, 0, 0), at.Add(4 * time.Hour)},
		} {
			wantVerdict(t, "RevokeToken", b.RevokeToken(ctx, "jti", tt.until), nil)
			b.wantKeptUntil(tt.name, key, tt.want)
		}
		wantRevoked(t, b, "a token", "jti", true)
		if ok, err := b.rdb.PExpire(ctx, key, time.Millisecond).Result(); err != nil || !ok {
			t.Fatalf("PEXPIRE: got %t and error %v, want true", ok, err)
		}
		time.Sleep(5 * time.Millisecond)
		wantRevoked(t, b, "a token whose key has expired", "jti", false)

		wantVerdict(t, "RevokeToken of what has expired", b.RevokeToken(ctx, "jti", at.AddDate(0, 0, -1)), nil)
		if n := b.rdb.Exists(ctx, key).Val(); n != 0 {
			t.Error("a token that was revoked until yesterday: it is kept, want it forgotten at once")
		}
	})
}

func TestRedisSigningKeysDoNotExpire(t *testing.T) {
	eachMode(t, func(b *bench) {
		k := signingKey(1)
		k.AnnouncedAt = time.Now().AddDate(-9, 0, 0)
		wantVerdict(t, "CreateSigningKey", b.CreateSigningKey(t.Context(), k), nil)
		wantVerdict(t, "CreateSigningKey of another turn", b.CreateSigningKey(t.Context(), signingKey(2)), nil)
		left, err := b.rdb.PTTL(t.Context(), b.prefix+"signing_keys").Result()
		if err != nil || left != -1 {
			t.Errorf("PTTL of the signing keys: got %v and error %v, want -1: no expiry", left, err)
		}
		for turn := range int64(3) {
			wantVerdict(t, "DeleteSigningKey", b.DeleteSigningKey(t.Context(), turn), nil)
		}
		if n := b.rdb.Exists(t.Context(), b.prefix+"signing_keys").Val(); n != 0 {
			t.Error("the signing keys, when all are deleted: something is left, want nothing")
		}
	})
}

// No store spends a credential twice, whichever key the server forgets first.
func TestRedisExpiryNeverRevives(t *testing.T) {
	eachMode(t, func(b *bench) {
		for name, gone := range map[string]struct {
			keys func(c, next *storage.Credential) []string
			want error // of a second Spend
		}{
			"the pointer":      {func(c, _ *storage.Credential) []string { return []string{b.pointer(c)} }, storage.ErrSpent},
			"the successor's":  {func(_, n *storage.Credential) []string { return []string{b.pointer(n)} }, storage.ErrSpent},
			"both pointers":    {func(c, n *storage.Credential) []string { return []string{b.pointer(c), b.pointer(n)} }, storage.ErrSpent},
			"the family":       {func(c, _ *storage.Credential) []string { return []string{b.family(c)} }, storage.ErrNotFound},
			"family and child": {func(c, n *storage.Credential) []string { return []string{b.family(c), b.pointer(n)} }, storage.ErrNotFound},
		} {
			c, next := b.create()
			b.spend(c, next, nil)
			for _, key := range gone.keys(c, next) {
				if ok, err := b.rdb.PExpire(t.Context(), key, time.Millisecond).Result(); err != nil || !ok {
					t.Fatalf("PEXPIRE of %s: got %t and error %v, want true", name, ok, err)
				}
			}
			time.Sleep(5 * time.Millisecond)
			if got, err := b.Credential(t.Context(), c.Digest); err == nil && !got.Spent() {
				t.Errorf("without %s: a spent credential is found unspent", name)
			}
			other := redisCredential(time.Now())
			other.Family = c.Family
			b.spend(c, other, gone.want)
			b.wantAbsent("the loser's successor", other)
		}
	})
}

// A pointer that outlives its family does not find the old family's credential
// in a new family of that name.
func TestRedisFamilyOfTheSameName(t *testing.T) {
	eachMode(t, func(b *bench) {
		c, next := b.create()
		b.spend(c, next, nil)
		b.rdb.Del(t.Context(), b.family(c))
		fresh := redisCredential(time.Now())
		fresh.Family = c.Family
		wantVerdict(t, "CreateCredential", b.CreateCredential(t.Context(), fresh), nil)
		b.wantAbsent("what was spent in the old family", c)
		b.wantAbsent("its successor", next)
		b.spend(c, nil, storage.ErrNotFound)
	})
}

// The process ends, or the connection is cut, before each command in turn. At
// every such moment no record is left by half, and a second attempt succeeds.
func TestRedisInterrupted(t *testing.T) {
	rdb := sharedRedis(t)
	b := &bench{t: t, rdb: rdb, prefix: ownPrefix(t, rdb)}
	b.Store = openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: b.prefix})
	for failing := 1; failing <= 4; failing++ {
		interrupted(t, b, failing)
	}
}

func interrupted(t *testing.T, b *bench, failing int) {
	calls := 0
	cut := func(ctx context.Context, args ...any) (any, error) {
		if calls++; calls == failing {
			return nil, errCut
		}
		return b.rdb.Do(ctx, args...).Result()
	}
	s := openRedis(t, redisstore.Config{Do: cut, Prefix: b.prefix})
	fresh := redisCredential(time.Now())
	if err := s.CreateCredential(t.Context(), fresh); err != nil {
		b.wantAbsent("what was created by half", fresh)
		wantVerdict(t, "CreateCredential, again", b.CreateCredential(t.Context(), fresh), nil)
	}
	c, next := b.create()
	calls = 0
	old := c.Clone()
	old.FamilyExpiresAt = c.FamilyExpiresAt.Add(time.Hour)
	err := s.Spend(t.Context(), old, next, time.Now())
	got, findErr := b.Credential(t.Context(), c.Digest)
	if findErr != nil {
		t.Fatalf("Credential: got error %v, want none", findErr)
	}
	switch {
	case err == nil && failing < 4 || err != nil && !errors.Is(err, errCut):
		t.Errorf("Spend that is cut before command %d: got error %v, want %v", failing, err, errCut)
	case !got.Spent():
		b.wantAbsent("the successor of what was not spent", next)
		b.spend(old, next, nil)
	}
	if _, err := b.Credential(t.Context(), next.Digest); err != nil {
		t.Errorf("Credential of the successor of a spent one: got error %v, want none", err)
	}
}

// Callers that lose a race leave nothing behind.
func TestRedisLosersLeaveNothing(t *testing.T) {
	eachMode(t, func(b *bench) {
		c, next := b.create()
		b.spend(c, next, nil)
		late, stranger := redisCredential(time.Now()), redisCredential(time.Now())
		late.Family = c.Family
		b.spend(c, late, storage.ErrSpent)
		gone := redisCredential(time.Now())
		stranger.Family = gone.Family
		b.spend(gone, stranger, storage.ErrNotFound)
		for _, loser := range []*storage.Credential{late, stranger} {
			if n := b.rdb.Exists(t.Context(), b.pointer(loser), b.family(gone)).Val(); n != 0 {
				t.Errorf("%d keys are left of a spend that lost, want none", n)
			}
		}
		// The same successor again must not take away the one that is there.
		b.spend(c, next, storage.ErrSpent)
		if _, err := b.Credential(t.Context(), next.Digest); err != nil {
			t.Errorf("Credential of a successor, after a second Spend with it: got error %v, want none", err)
		}
	})
}
