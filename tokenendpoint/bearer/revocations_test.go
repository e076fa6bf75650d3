package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

func cached(t testing.TB, store bearer.Revocations, staleness time.Duration) *bearer.CachedRevocations {
	t.Helper()
	c, err := bearer.CacheRevocations(store, staleness)
	if err != nil {
		t.Fatalf("CacheRevocations: %v", err)
	}
	return c
}

// wantRevoked asks about a token, and checks how often the cache asked the store.
func wantRevoked(t testing.TB, c bearer.Revocations, store *revocations, id string, want bool, asked int64) {
	t.Helper()
	got, err := c.Revoked(t.Context(), id, "family-1")
	if err != nil || got != want {
		t.Errorf("Revoked(%s) = %t, %v, want %t", id, got, err, want)
	}
	if n := store.asked.Swap(0); n != asked {
		t.Errorf("the store was asked %d times, want %d", n, asked)
	}
}

func TestCacheRevocationsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name      string
		store     bearer.Revocations
		staleness time.Duration
		want      []string
	}{
		{"no store", nil, time.Second, []string{"store"}},
		{"a nil store", (*revocations)(nil), time.Second, []string{"store"}},
		{"no staleness", new(revocations), 0, []string{"staleness"}},
		{"a negative one", new(revocations), -1, []string{"staleness"}},
		{"one over a minute", new(revocations), time.Minute + 1, []string{"staleness"}},
		{"both", nil, 0, []string{"store", "staleness"}},
	} {
		c, err := bearer.CacheRevocations(tt.store, tt.staleness)
		if c != nil || err == nil {
			t.Errorf("%s: CacheRevocations = %v, %v, want an error", tt.name, c, err)
			continue
		}
		for i, line := range strings.Split(err.Error(), "\n") {
			if i >= len(tt.want) || !strings.Contains(line, tt.want[i]) {
				t.Errorf("%s: fault %d is %q, want %q", tt.name, i, line, tt.want)
			}
		}
	}
}

func TestCachedRevocationsAreAsOldAsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(revocations)
		c := cached(t, store, 10*time.Second)
		wantRevoked(t, c, store, "a", false, 1)
		store.revoke("a") // on another replica
		time.Sleep(10*time.Second - 1)
		wantRevoked(t, c, store, "a", false, 0)
		wantRevoked(t, c, store, "b", false, 1)
		time.Sleep(time.Nanosecond)
		wantRevoked(t, c, store, "a", true, 1)
		time.Sleep(time.Hour)
		wantRevoked(t, c, store, "a", true, 0)
		c.Forget()
		wantRevoked(t, c, store, "a", true, 0)
	})
}

func TestForgetHoldsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(revocations)
		c := cached(t, store, time.Minute)
		wantRevoked(t, c, store, "a", false, 1)
		wantRevoked(t, c, store, "a", false, 0)
		store.revokeFamily("family-1")
		c.Forget()
		wantRevoked(t, c, store, "a", true, 1)
		wantRevoked(t, c, store, "a", true, 0)
	})
}

func TestOneTokensAnswerIsNotAnothers(t *testing.T) {
	store := new(revocations)
	store.revoke("ab")
	store.revokeFamily("f")
	c := cached(t, store, time.Minute)
	for _, tt := range []struct {
		id, family string
		want       bool
	}{{"ab", "c", true}, {"a", "bc", false}, {"abc", "", false}, {"", "abc", false}, {"ab", "", true}, {"x", "f", true}, {"x", "g", false}} {
		for range 2 {
			if got, err := c.Revoked(t.Context(), tt.id, tt.family); got != tt.want || err != nil {
				t.Errorf("Revoked(%q, %q) = %t, %v, want %t", tt.id, tt.family, got, err, tt.want)
			}
		}
	}
}

func TestErrorsOfRevocationsAreNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(revocations)
		c := cached(t, store, 10*time.Second)
		store.fail(errors.New("down"))
		for range 3 {
			if got, err := c.Revoked(t.Context(), "a", ""); err == nil || got {
				t.Errorf("Revoked = %t, %v, want the error of the store", got, err)
			}
		}
		if n := store.asked.Swap(0); n != 3 {
			t.Errorf("the store was asked %d times, want 3", n)
		}
		store.fail(nil)
		wantRevoked(t, c, store, "a", false, 1)
		store.fail(errors.New("down"))
		time.Sleep(10 * time.Second) // past the bound an old answer is none
		if got, err := c.Revoked(t.Context(), "a", "family-1"); err == nil || got {
			t.Errorf("Revoked = %t, %v, want the error of the store", got, err)
		}
	})
}

// slow is a store that reads its answer at once and returns it when the test lets it.
type slow struct {
	*revocations
	arrive chan struct{}
}

func (s slow) Revoked(ctx context.Context, id, family string) (bool, error) {
	revoked, err := s.revocations.Revoked(ctx, id, family)
	<-s.arrive
	return revoked, err
}

// An answer that was read before a revocation is not used after it, though it
// arrives later than Forget.
func TestAnswerFromBeforeARevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slow{new(revocations), make(chan struct{})}
		c := cached(t, store, time.Minute)
		go c.Revoked(t.Context(), "a", "family-1")
		synctest.Wait() // the store has read: not revoked
		store.revoke("a")
		c.Forget()
		close(store.arrive)
		synctest.Wait() // and now it is remembered
		wantRevoked(t, c, store.revocations, "a", true, 2)
	})
}

// An answer is as old as its question, not as its arrival.
func TestAnswerThatTookLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slow{new(revocations), make(chan struct{})}
		c := cached(t, store, 10*time.Second)
		go c.Revoked(t.Context(), "a", "family-1")
		synctest.Wait()
		store.revoke("a") // on another replica
		time.Sleep(9 * time.Second)
		close(store.arrive)
		time.Sleep(time.Second)
		wantRevoked(t, c, store.revocations, "a", true, 2)
	})
}

// A new answer replaces the old one, and the cache does not find the old one again.
func TestNewAnswersReplaceOldOnes(t *testing.T) {
	store := new(revocations)
	c := cached(t, store, time.Minute)
	for range 100 {
		wantRevoked(t, c, store, "a", false, 1)
		wantRevoked(t, c, store, "a", false, 0)
		c.Forget()
	}
}

// Long identifiers are asked about each time, so that the memory is bounded in bytes.
func TestLongIdentifiersAreNotRemembered(t *testing.T) {
	store := new(revocations)
	c := cached(t, store, time.Minute)
	long := strings.Repeat("a", 249) // family-1 makes it 257
	wantRevoked(t, c, store, long, false, 1)
	wantRevoked(t, c, store, long, false, 1)
	wantRevoked(t, c, store, long[1:], false, 1)
	wantRevoked(t, c, store, long[1:], false, 0)
}

// The history of a crowd: a caller that asks after a revocation has returned, Forget
// included, hears of it, however many answers are on their way. Every token is
// revoked once, and asked about before, during and after it.
func TestHistoryOfRevocations(t *testing.T) {
	store := &delayed{revoked: make(map[string]bool)}
	c := cached(t, store, time.Minute)
	const tokens, callers, questions = 64, 16, 400
	var done [tokens]atomic.Bool // the revocation has returned
	var crowd sync.WaitGroup
	for range callers {
		crowd.Go(func() {
			for range questions {
				n := rand.IntN(tokens)
				before := done[n].Load()
				got, err := c.Revoked(t.Context(), fmt.Sprint(n), "")
				if err != nil || before && !got {
					t.Errorf("Revoked(%d) = %t, %v, begun after its revocation had returned", n, got, err)
				}
			}
		})
	}
	crowd.Go(func() {
		for n := range tokens {
			store.revoke(fmt.Sprint(n))
			c.Forget()
			done[n].Store(true)
		}
	})
	crowd.Wait()
	for n := range tokens {
		if got, err := c.Revoked(t.Context(), fmt.Sprint(n), ""); err != nil || !got {
			t.Errorf("Revoked(%d) = %t, %v at the end, want true", n, got, err)
		}
	}
}

// delayed is a store whose answers arrive in any order.
type delayed struct {
	mu      sync.Mutex
	revoked map[string]bool
}

func (s *delayed) Revoked(_ context.Context, id, _ string) (bool, error) {
	s.mu.Lock()
	revoked := s.revoked[id]
	s.mu.Unlock()
	for range rand.IntN(3) {
		runtime.Gosched()
	}
	return revoked, nil
}

func (s *delayed) revoke(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[id] = true
}
