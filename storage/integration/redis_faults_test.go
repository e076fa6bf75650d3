package integration_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/redisstore"
)

// A server forgets its scripts between any two commands.
func TestRedisForgetsScripts(t *testing.T) {
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			rdb := newRedis(t).client()
			var forgotten atomic.Int64
			do := func(ctx context.Context, args ...any) (any, error) {
				if args[0] == "EVALSHA" {
					if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
						return nil, err
					}
				}
				reply, err := rdb.Do(ctx, args...).Result()
				if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
					forgotten.Add(1)
				}
				return reply, err
			}
			s := openRedis(t, redisstore.Config{Do: do, SingleServer: single})
			for _, c := range redisCalls(t, s) {
				wantVerdict(t, c.name, c.call(), c.err)
			}
			if forgotten.Load() < 10 {
				t.Errorf("the server forgot a script %d times, want ten at least", forgotten.Load())
			}
		})
	}
}

// raceCounts counts the results of a race under faults.
type raceCounts struct {
	families                                                     string // with which the names of the families begin
	credentials, attempts, won, refused, outages, doubles, wrong atomic.Int64
}

// spendUnderFaults lets racers spend credentials, each with a successor of its
// own, until the time is over, while fault is called again and again.
func spendUnderFaults(t *testing.T, s *redisstore.Store, duration time.Duration, fault func(i int)) *raceCounts {
	t.Helper()
	return spendFamiliesUnderFaults(t, s, duration, "", fault)
}

// spendFamiliesUnderFaults is spendUnderFaults with families whose names begin alike.
func spendFamiliesUnderFaults(t *testing.T, s *redisstore.Store, duration time.Duration, families string, fault func(i int)) *raceCounts {
	t.Helper()
	n := &raceCounts{families: families}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := time.Now().Add(duration)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for ctx.Err() == nil {
				raceOnce(t, s, n)
			}
		})
	}
	faults := 0
	for ; time.Now().Before(end); faults++ {
		won, refused := n.won.Load(), n.refused.Load()
		time.Sleep(time.Duration(10+rand.IntN(40)) * time.Millisecond)
		// On a busy machine, no race may have come to its end by now.
		for late := time.Now().Add(time.Minute); (n.won.Load() == won || n.refused.Load() == refused) && time.Now().Before(late); {
			time.Sleep(time.Millisecond)
		}
		fault(faults)
	}
	cancel()
	done.Wait()
	t.Logf("%d faults injected, %d credentials, %d attempts: %d won, %d refused, %d outages, %d double spends, %d wrong verdicts",
		faults, n.credentials.Load(), n.attempts.Load(), n.won.Load(), n.refused.Load(), n.outages.Load(), n.doubles.Load(), n.wrong.Load())
	if n.doubles.Load() != 0 || n.wrong.Load() != 0 {
		t.Errorf("got %d double spends and %d wrong verdicts, want none", n.doubles.Load(), n.wrong.Load())
	}
	if n.won.Load() == 0 || n.refused.Load() == 0 {
		t.Errorf("got %d wins and %d refusals: the race tested nothing", n.won.Load(), n.refused.Load())
	}
	return n
}

// raceOnce lets four spend one credential, each as often as there is an outage.
func raceOnce(t *testing.T, s *redisstore.Store, n *raceCounts) {
	// Not the context of the race: its end is no fault.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := redisCredential(time.Now())
	c.Family = n.families + c.Family
	if s.CreateCredential(ctx, c) != nil {
		n.outages.Add(1)
		time.Sleep(time.Millisecond)
		return
	}
	n.credentials.Add(1)
	var wins atomic.Int64
	var racers sync.WaitGroup
	for range 4 {
		racers.Go(func() {
			for range 20 {
				next := redisCredential(time.Now())
				next.Family = c.Family
				n.attempts.Add(1)
				err := s.Spend(ctx, c, next, time.Now())
				switch {
				case err == nil:
					n.won.Add(1)
					wins.Add(1)
				case errors.Is(err, storage.ErrSpent), errors.Is(err, storage.ErrNotFound):
					n.refused.Add(1)
				case errors.Is(err, storage.ErrExists):
					n.wrong.Add(1)
				default:
					n.outages.Add(1)
					time.Sleep(5 * time.Millisecond)
					continue
				}
				return
			}
		})
	}
	racers.Wait()
	if wins.Load() > 1 {
		n.doubles.Add(1)
	}
}

// Fault 9: codes that are lost are refused, and none is redeemed twice.
func TestRedisFlushedInRace(t *testing.T) {
	for name, single := range modes {
		t.Run(name, func(t *testing.T) {
			server := newRedis(t)
			s := openRedis(t, redisstore.Config{Do: viaGoRedis(server.client()), SingleServer: single})
			admin := server.client()
			n := spendUnderFaults(t, s, 5*time.Second, func(int) {
				if err := admin.FlushAll(t.Context()).Err(); err != nil {
					t.Errorf("FLUSHALL: %v", err)
				}
			})
			if n.outages.Load() != 0 {
				t.Errorf("got %d outages, want none: a flush is none", n.outages.Load())
			}
		})
	}
}

// Fault 9: the server is killed and comes back with nothing, since it neither
// takes snapshots nor has an append-only file.
func TestRedisKilledInRace(t *testing.T) {
	killInRace(t, storage.ErrNotFound)
}

// With an append-only file that is synced before each answer, the server comes
// back with all that it has acknowledged.
func TestRedisKilledWithAppendOnlyFile(t *testing.T) {
	killInRace(t, storage.ErrSpent, "--appendonly", "yes", "--appendfsync", "always")
}

// killInRace also asks for credentials that were spent before the first kill.
func killInRace(t *testing.T, after error, args ...string) {
	server := newRedis(t, args...)
	// Without retries, or the client library would hide the outages.
	rdb := redis.NewClient(&redis.Options{Addr: server.addr(), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { rdb.Close() })
	s := openRedis(t, redisstore.Config{Do: viaGoRedis(rdb)})
	before := redisCredential(time.Now())
	wantVerdict(t, "CreateCredential", s.CreateCredential(t.Context(), before), nil)
	wantVerdict(t, "Spend", s.Spend(t.Context(), before, nil, time.Now()), nil)
	n := spendUnderFaults(t, s, 5*time.Second, func(int) {
		server.kill()
		time.Sleep(10 * time.Millisecond)
		server.start()
	})
	if n.outages.Load() == 0 {
		t.Error("got no outages: the race did not notice the kills")
	}
	calm := openRedis(t, redisstore.Config{Do: viaGoRedis(server.client())})
	wantVerdict(t, "Spend of what was spent before the first kill", calm.Spend(t.Context(), before, nil, time.Now()), after)
}
