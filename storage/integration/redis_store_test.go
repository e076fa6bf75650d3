package integration_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
	"github.com/contit/oauth/storage/storagetest"
)

// viaGoRedis is the line that a host writes.
func viaGoRedis(rdb redis.UniversalClient) redisstore.Do {
	return func(ctx context.Context, args ...any) (any, error) { return rdb.Do(ctx, args...).Result() }
}

// sharedRedis is the server that OAUTH_TEST_REDIS names, which others use too.
func sharedRedis(t testing.TB) *redis.Client {
	t.Helper()
	needRedis(t)
	return redisClient(t, os.Getenv("OAUTH_TEST_REDIS"))
}

func openRedis(t testing.TB, c redisstore.Config) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(c)
	if err != nil {
		t.Fatalf("redisstore.New: got error %v, want none", err)
	}
	return s
}

// ownPrefix is one that nobody else has, and deletes its keys in the end.
func ownPrefix(t testing.TB, rdb redis.UniversalClient) string {
	prefix := "oauth-test:" + rand.Text() + ":"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		keys, together := rdb.Scan(ctx, 0, prefix+"*", 1000).Iterator(), rdb.Pipeline()
		for keys.Next(ctx) {
			if together.Unlink(ctx, keys.Val()); together.Len() == 1000 {
				together.Exec(ctx)
			}
		}
		together.Exec(ctx)
		if err := keys.Err(); err != nil {
			t.Errorf("deleting the keys of the test: %v", err)
		}
	})
	return prefix
}

// modes are the two ways in which a store uses one server.
var modes = map[string]bool{"one slot at a time": false, "single server": true}

func TestRedis(t *testing.T) {
	rdb := sharedRedis(t)
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			store := openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: ownPrefix(t, rdb), SingleServer: single})
			storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
			storagetest.RunManagedClients(t, func(testing.TB) storagetest.ManagedClients { return store })
			storagetest.RunManagedAPIKeys(t, func(testing.TB) storagetest.ManagedAPIKeys { return store })
			storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
		})
	}
}

func TestRedisCluster(t *testing.T) {
	needRedis(t)
	store := openRedis(t, redisstore.Config{Do: viaGoRedis(newRedisCluster(t))})
	if err := store.Check(t.Context()); err != nil {
		t.Errorf("Check of a cluster: got error %v, want none", err)
	}
	storagetest.Run(t, func(testing.TB) storagetest.Store { return store })
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
}

// Processes that take the server for one server, and such that do not, share it.
func TestRedisMixedModes(t *testing.T) {
	rdb := sharedRedis(t)
	prefix := ownPrefix(t, rdb)
	mixed := mixedStore{
		Store: openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: prefix}),
		other: openRedis(t, redisstore.Config{Do: viaGoRedis(rdb), Prefix: prefix, SingleServer: true}),
		calls: new(atomic.Int64),
	}
	storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return mixed })
	storagetest.RunRevocations(t, func(testing.TB) storagetest.Revocations { return mixed })
	storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return mixed })
}

// mixedStore asks two stores in turn.
type mixedStore struct {
	*redisstore.Store
	other *redisstore.Store
	calls *atomic.Int64
}

func (m mixedStore) next() *redisstore.Store {
	if m.calls.Add(1)%2 == 0 {
		return m.Store
	}
	return m.other
}

func (m mixedStore) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return m.next().CreateCredential(ctx, c)
}

func (m mixedStore) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return m.next().Credential(ctx, d)
}

func (m mixedStore) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return m.next().Spend(ctx, old, next, at)
}

func (m mixedStore) Revoke(ctx context.Context, family string) error {
	return m.next().Revoke(ctx, family)
}

func (m mixedStore) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return m.next().RevokeToken(ctx, id, expiresAt)
}

func (m mixedStore) Revoked(ctx context.Context, id, family string) (bool, error) {
	return m.next().Revoked(ctx, id, family)
}

func (m mixedStore) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	return m.next().SigningKeys(ctx)
}

func (m mixedStore) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	return m.next().CreateSigningKey(ctx, k)
}

func (m mixedStore) DeleteSigningKey(ctx context.Context, turn int64) error {
	return m.next().DeleteSigningKey(ctx, turn)
}

// Client libraries send a command again when its answer was lost. A command
// that is executed twice must have the effect and the verdict of one: if it
// won, it was not "spent before".
func TestRedisDeliversTwice(t *testing.T) {
	rdb := sharedRedis(t)
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			twice := func(ctx context.Context, args ...any) (any, error) {
				if _, err := rdb.Do(ctx, args...).Result(); err != nil {
					return nil, err
				}
				return rdb.Do(ctx, args...).Result()
			}
			store := openRedis(t, redisstore.Config{Do: twice, Prefix: ownPrefix(t, rdb), SingleServer: single})
			storagetest.RunCredentials(t, func(testing.TB) storage.Credentials { return store })
			storagetest.RunAPIKeys(t, func(testing.TB) storagetest.APIKeys { return store })
			storagetest.RunRevocations(t, func(testing.TB) storagetest.Revocations { return store })
			storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return store })
		})
	}
}

// The table in the comment of the package.
func TestRedisRoundTrips(t *testing.T) {
	rdb := sharedRedis(t)
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			var trips int
			count := func(ctx context.Context, args ...any) (any, error) {
				trips++
				return rdb.Do(ctx, args...).Result()
			}
			store := openRedis(t, redisstore.Config{Do: count, Prefix: ownPrefix(t, rdb), SingleServer: single})
			for _, round := range []string{"scripts become known", "scripts are known"} {
				for _, tt := range redisCalls(t, store) {
					trips = 0
					if err := tt.call(); err != tt.err {
						t.Fatalf("%s: got error %v, want %v", tt.name, err, tt.err)
					}
					want := tt.slots
					if single {
						want = 1
					}
					if round == "scripts are known" && trips != want {
						t.Errorf("%s: got %d round trips, want %d", tt.name, trips, want)
					}
				}
			}
		})
	}
}

type redisCall struct {
	name  string
	slots int // round trips if a script has one slot
	err   error
	call  func() error
}

func redisCalls(t *testing.T, s *redisstore.Store) []redisCall {
	ctx, at := t.Context(), time.Now()
	code, plain := redisCredential(at), redisCredential(at)
	code.FamilyExpiresAt = code.ExpiresAt
	plain.Family = code.Family
	refresh, third := redisCredential(at), redisCredential(at)
	refresh.Family, third.Family = code.Family, code.Family
	longer := code.Clone()
	longer.FamilyExpiresAt = refresh.FamilyExpiresAt
	late := redisCredential(at)
	late.Family = code.Family
	create := func(c *storage.Credential) func() error { return func() error { return s.CreateCredential(ctx, c) } }
	spend := func(old, next *storage.Credential) func() error {
		return func() error { return s.Spend(ctx, old, next, at) }
	}
	revoked := func(id, family string) func() error {
		return func() error { _, err := s.Revoked(ctx, id, family); return err }
	}
	return []redisCall{
		{"CreateCredential", 2, nil, create(code)},
		{"CreateCredential of another", 2, nil, create(plain)},
		{"Credential", 2, nil, func() error { _, err := s.Credential(ctx, code.Digest); return err }},
		{"Spend without successor", 1, nil, spend(plain, nil)},
		{"Spend with successor, and longer kept", 3, nil, spend(longer, refresh)},
		{"Spend with successor", 2, nil, spend(refresh, third)},
		{"Spend that loses", 3, storage.ErrSpent, spend(code, late)},
		{"Revoke", 1, nil, func() error { return s.Revoke(ctx, code.Family) }},
		{"Client", 1, storage.ErrNotFound, func() error { _, err := s.Client(ctx, "c"); return err }},
		{"APIKey", 1, storage.ErrNotFound, func() error { _, err := s.APIKey(ctx, code.Digest); return err }},
		{"RevokeToken", 1, nil, func() error { return s.RevokeToken(ctx, code.Family, at.Add(time.Hour)) }},
		{"Revoked", 2, nil, revoked("jti", code.Family)},
		{"Revoked, of a token without a family", 1, nil, revoked("jti", "")},
		{"Revoked, of a token that is", 1, nil, revoked(code.Family, code.Family)},
		{"CreateSigningKey", 1, nil, func() error { return s.CreateSigningKey(ctx, signingKey(1)) }},
		{"CreateSigningKey of another", 1, storage.ErrExists, func() error { return s.CreateSigningKey(ctx, signingKey(1)) }},
		{"SigningKeys", 1, nil, func() error { _, err := s.SigningKeys(ctx); return err }},
		{"DeleteSigningKey", 1, nil, func() error { return s.DeleteSigningKey(ctx, 1) }},
	}
}

func redisCredential(at time.Time) *storage.Credential {
	return &storage.Credential{
		Digest: storage.NewSecret("").Digest(storage.KindRefreshToken), Kind: storage.KindRefreshToken,
		Family: rand.Text(), Issuer: testIssuer, ClientID: "c", Subject: "alice", Scope: []string{"read"},
		IssuedAt: at, ExpiresAt: at.Add(10 * time.Minute), FamilyExpiresAt: at.Add(24 * time.Hour), MaxUses: 10,
	}
}

func wantVerdict(t testing.TB, what string, got, want error) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}
