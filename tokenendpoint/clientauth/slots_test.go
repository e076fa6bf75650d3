package clientauth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// hashTime is how long a slow hash takes in these tests.
const hashTime = 25 * time.Millisecond

// slowly makes the slow hashes of s take hashTime, and tells how many were
// computed at once at most.
func slowly(s *clientauth.Secrets) (most func() int64) {
	var now, peak atomic.Int64
	s.Observe(func(cost string) {
		if cost[0] != 'a' {
			return
		}
		if n := now.Add(1); n > peak.Load() {
			peak.Store(n) // the bubble runs one goroutine at a time
		}
		time.Sleep(hashTime)
		now.Add(-1)
	})
	return peak.Load
}

// flood sends 300 wrong secrets a second until stop is closed.
func flood(t *testing.T, s *clientauth.Secrets, id func(i int) string, stop chan struct{}, sent *sync.WaitGroup) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Second / 300):
		}
		sent.Go(func() {
			c := basic(id(i), fmt.Sprint("guess", i))
			if got := validate(t, s, c); got == accepted || got == outage {
				t.Errorf("a guess got %s", got)
			}
		})
	}
}

func testFlood(t *testing.T) {
	const good = 30
	for name, id := range map[string]func(i int) string{
		"made-up ids":           func(i int) string { return fmt.Sprint("ghost", i) },
		"one made-up id":        func(int) string { return "ghost" },
		"one client that is":    func(int) string { return "victim" },
		"ten clients that are":  func(i int) string { return fmt.Sprint("victim", i%10) },
		"made-up ids and a few": func(i int) string { return []string{fmt.Sprint("ghost", i), fmt.Sprint("victim", i%10)}[i%2] },
	} {
		for _, slots := range []int{1, 2, 4} {
			t.Run(fmt.Sprint(name, ", slots: ", slots), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := storeOf(clientWith("victim", argon2id(long1)))
					for i := range good {
						for _, id := range []string{fmt.Sprint("good", i), fmt.Sprint("victim", i)} {
							store.byID[id] = clientWith(id, argon2id(long1))
						}
					}
					s := &clientauth.Secrets{Clients: store, MaxHashes: slots}
					slowly(s)
					expect(t, s, basic("victim", "a guess"), refused) // unknown clients cost that, too
					stop, all := make(chan struct{}), sync.WaitGroup{}
					all.Go(func() { flood(t, s, id, stop, &all) })
					time.Sleep(time.Second)
					// For the first time; after ten minutes; after a day.
					for _, later := range []time.Duration{0, 11 * time.Minute, 25 * time.Hour} {
						for i := range good {
							all.Go(func() {
								start := time.Now()
								expect(t, s, at(basic(fmt.Sprint("good", i), long1), now.Add(later)), accepted)
								if took := time.Since(start); took > time.Second {
									t.Errorf("after %v: a good client waited %v, want a second at most", later, took)
								}
							})
							time.Sleep(50 * time.Millisecond)
						}
					}
					close(stop)
					all.Wait()
				})
			})
		}
	}
}

// A secret that was verified before does not wait behind those that come for
// the first time.
func TestProvenSecretsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := storeOf(clientWith("old", argon2id(long1)))
		for i := range 20 {
			store.byID[fmt.Sprint("new", i)] = clientWith(fmt.Sprint("new", i), argon2id(long1))
		}
		s := &clientauth.Secrets{Clients: store, MaxHashes: 1}
		slowly(s)
		expect(t, s, basic("old", long1), accepted)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { expect(t, s, basic(fmt.Sprint("new", i), long1), accepted) })
			all.Go(func() { validate(t, s, basic("old", fmt.Sprint("guess", i))) })
		}
		synctest.Wait()
		start := time.Now()
		expect(t, s, at(basic("old", long1), now.Add(time.Hour)), accepted)
		if got, most := time.Since(start), 2*hashTime; got > most {
			t.Errorf("a secret that was verified before waited %v, want %v at most", got, most)
		}
		all.Wait()
	})
}

// Under a flood, the answer to a wrong secret and its time are the same whether
// or not there is the client.
func TestFloodDoesNotTellWhoExists(t *testing.T) {
	type answer struct {
		outcome string
		after   time.Duration
	}
	tests := []struct {
		name  string
		flood func(i int, probed string) (id string)
	}{
		{"no flood", nil},
		{"of made-up ids", func(i int, _ string) string { return fmt.Sprint("ghost", i) }},
		{"of the probed id", func(_ int, probed string) string { return probed }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := map[string]map[answer]int{}
			for _, probed := range []string{"client", "nobody"} {
				answers[probed] = map[answer]int{}
				synctest.Test(t, func(t *testing.T) {
					s := &clientauth.Secrets{Clients: storeOf(clientWith("client", argon2id(long1))), MaxHashes: 2}
					slowly(s)
					expect(t, s, basic("client", "a guess"), refused)
					stop, all := make(chan struct{}), sync.WaitGroup{}
					if tt.flood != nil {
						all.Go(func() { flood(t, s, func(i int) string { return tt.flood(i, probed) }, stop, &all) })
					}
					time.Sleep(3*time.Second + time.Millisecond)
					for i := range 40 {
						start := time.Now()
						got := validate(t, s, basic(probed, fmt.Sprint("probe", i)))
						answers[probed][answer{got, time.Since(start)}]++
						time.Sleep(200 * time.Millisecond)
					}
					close(stop)
					all.Wait()
				})
			}
			if got, want := fmt.Sprint(answers["nobody"]), fmt.Sprint(answers["client"]); got != want {
				t.Errorf("an unknown client got %s, want the answer that a known client gets: %s", got, want)
			}
		})
	}
}

// For every mix of requests, the slots bound the hashes that are computed at once,
// and so the memory.
func TestSlotsBoundTheHashes(t *testing.T) {
	for _, slots := range []int64{1, 2, 5} {
		for name, tt := range map[string]struct {
			id   func(i int) string
			most int64
		}{
			"clients":     {func(i int) string { return fmt.Sprint("c", i%100) }, slots},
			"made-up ids": {func(i int) string { return fmt.Sprint("ghost", i) }, max(1, slots/2)},
			"both":        {func(i int) string { return fmt.Sprint([]string{"ghost", "c"}[i%2], i%100) }, slots},
		} {
			t.Run(fmt.Sprint(name, ", slots: ", slots), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := storeOf()
					for i := range 100 {
						store.byID[fmt.Sprint("c", i)] = clientWith(fmt.Sprint("c", i), argon2id(long1))
					}
					s := &clientauth.Secrets{Clients: store, MaxHashes: int(slots)}
					most := slowly(s)
					expect(t, s, basic("c0", "a guess"), refused)
					var all sync.WaitGroup
					for i := range 500 {
						all.Go(func() { validate(t, s, basic(tt.id(i), fmt.Sprint("guess", i))) })
					}
					all.Wait()
					if got := most(); got != tt.most {
						t.Errorf("%d hashes were computed at once, want %d", got, tt.most)
					}
				})
			})
		}
	}
}

func TestCrowdedNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", argon2id(long1))), MaxHashes: 2}
		slowly(s)
		expect(t, s, basic("c1", "wrong"), refused)
		n := 0
		s.Observe(func(string) { n++; time.Sleep(hashTime) })
		for id, hashes := range map[string]int{"c1": 1, "ghost": 0} {
			c := basic(id, "wrong")
			c.Crowded, n = true, 0
			start := time.Now()
			_, err := s.ValidateClient(t.Context(), c)
			if outcome(err) != refused || errors.Is(err, clientauth.ErrUnknownClient) != (id == "ghost") {
				t.Errorf("a wrong secret of %s from a crowded network: got %v", id, err)
			}
			if took := time.Since(start); n != hashes || took != hashTime {
				t.Errorf("it computed %d hashes and took %v, want %d and %v", n, took, hashes, hashTime)
			}
		}
	})
}

func TestBusy(t *testing.T) {
	slow := clientWith("slow", argon2id(long1))
	fast := clientWith("fast", sha256ed(t, long1))
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(slow, fast, clientWith("other", argon2id(long1))), MaxHashes: 1}
		expect(t, s, basic("slow", long1), accepted) // remembered, and learned
		s.Observe(func(cost string) {
			if cost[0] == 'a' {
				time.Sleep(3 * time.Second)
			}
		})
		done := make(chan string)
		go func() { done <- validate(t, s, basic("slow", long2)) }()
		synctest.Wait() // it holds the only slot

		for _, id := range []string{"slow", "other"} {
			expectBusy(t, t.Context(), s, basic(id, long2+"x"), time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			expectBusy(t, ctx, s, basic(id, long2), 10*time.Millisecond)
			cancel()
		}
		start := time.Now()
		expect(t, s, basic("fast", long1), accepted)
		expect(t, s, basic("slow", long1), accepted)
		if got := time.Since(start); got != 0 {
			t.Errorf("fast and remembered secrets waited %v, want no wait", got)
		}
		if got := <-done; got != refused {
			t.Errorf("the one with the slot got %s, want %s", got, refused)
		}
		expect(t, s, basic("slow", long2), refused) // the slot is free again
	})
}

func expectBusy(t *testing.T, ctx context.Context, s *clientauth.Secrets, c clientauth.Request, after time.Duration) {
	t.Helper()
	start := time.Now()
	_, err := s.ValidateClient(ctx, c)
	if got := time.Since(start); outcome(err) != busy || !errors.Is(err, clientauth.ErrBusy) || got != after {
		t.Errorf("%s: got %v after %v, want %s because of ErrBusy after %v", c.ID, err, got, busy, after)
	}
}

// A crowd that shows one client different secrets is answered in a second, and
// leaves nothing behind.
func TestCrowdOfOneClient(t *testing.T) {
	for _, id := range []string{"c1", "ghost"} {
		synctest.Test(t, func(t *testing.T) {
			s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", argon2id(long1))), MaxHashes: 2}
			slowly(s)
			expect(t, s, basic("c1", "a guess"), refused)
			var all sync.WaitGroup
			var busyOnes atomic.Int64
			start := time.Now()
			for i := range 1000 {
				all.Go(func() {
					if validate(t, s, basic(id, fmt.Sprint("guess", i))) == busy {
						busyOnes.Add(1)
					}
				})
			}
			all.Wait()
			if took := time.Since(start); took > time.Second || busyOnes.Load() < 900 {
				t.Errorf("1000 guesses for %s: %d were told to come later, all after %v; want nearly all, within a second", id, busyOnes.Load(), took)
			}
			if got := s.Turns(); got != 0 {
				t.Errorf("%d turns are left behind", got)
			}
		})
	}
}
