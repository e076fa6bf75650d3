package clientauth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

func TestOutagesAreNoVerdicts(t *testing.T) {
	down := errors.New("connection refused")
	t.Run("a store that is down", func(t *testing.T) {
		store := storeOf(clientWith("c1", argon2id(long1)))
		store.err = down
		s, n := newSecrets(store)
		for _, c := range []clientauth.Credentials{basic("c1", long1), basic("ghost", "x"), none("c1")} {
			_, err := s.ValidateClient(t.Context(), c)
			if outcome(err) != outage || !errors.Is(err, down) {
				t.Errorf("ValidateClient(%q) = %v, want an outage that wraps %q", c.ID, err, down)
			}
		}
		if got := n.take(); len(got) != 0 {
			t.Errorf("hashes = %q, want none", got)
		}
	})
	t.Run("no store", func(t *testing.T) {
		expect(t, new(clientauth.Secrets), basic("c1", long1), outage)
	})
	t.Run("a store that returns nothing at all", func(t *testing.T) {
		s, _ := newSecrets(storeFunc(func(string) (*storage.Client, error) { return nil, nil }))
		expect(t, s, basic("c1", long1), outage)
		expect(t, s, none("c1"), outage)
	})
	t.Run("a wrapped ErrNotFound is a verdict", func(t *testing.T) {
		s, _ := newSecrets(storeFunc(func(string) (*storage.Client, error) {
			return nil, fmt.Errorf("shard 3: %w", storage.ErrNotFound)
		}))
		expect(t, s, basic("c1", long1), refused)
	})
	t.Run("another client than was asked for is not found", func(t *testing.T) {
		s, _ := newSecrets(storeFunc(func(string) (*storage.Client, error) {
			return clientWith("c1", sha256ed(t, long1)), nil
		}))
		expect(t, s, basic("C1", long1), refused)
		expect(t, s, none("C1"), refused)
		expect(t, s, basic("c1", long1), accepted)
	})
}

type storeFunc func(id string) (*storage.Client, error)

func (f storeFunc) Client(_ context.Context, id string) (*storage.Client, error) { return f(id) }

func TestPoisonedRows(t *testing.T) {
	for name, hash := range poison {
		t.Run(name, func(t *testing.T) {
			s, n := newSecrets(storeOf(clientWith("c1", hash), clientWith("c2", hash, sha256ed(t, long1))))
			expect(t, s, basic("c1", long1), outage)
			expect(t, s, basic("c2", long2), outage)
			expect(t, s, basic("c2", long1), accepted) // the good one beside it
			if got := n.take(); len(got) != 2 {
				t.Errorf("hashes = %q, want the two of the good row only", got)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	store := storeOf(clientWith("c1", argon2id(long1), argon2id(long2)), clientWith("c2", argon2id(long1)))
	s, n := newSecrets(store)
	step := func(what string, c clientauth.Credentials, want string, hashes int) {
		t.Helper()
		got := validate(t, s, c)
		if costs := n.take(); got != want || len(costs) != hashes {
			t.Errorf("%s: %s with hashes %q, want %s with %d", what, got, costs, want, hashes)
		}
	}
	step("the first time", basic("c1", long1), accepted, 2)
	step("the second time", basic("c1", long1), accepted, 0)
	step("the other way of showing it", post("c1", long1), accepted, 0)
	step("another secret", basic("c1", "wrong"), refused, 2)
	step("the other right secret", basic("c1", long2), accepted, 2)
	step("another client with the same hash and secret", basic("c2", long1), accepted, 1)
	step("just before ten minutes", at(basic("c1", long1), now.Add(10*time.Minute-1)), accepted, 0)
	step("after ten minutes", at(basic("c1", long1), now.Add(10*time.Minute)), accepted, 2)
	step("after ten minutes, again", at(basic("c1", long1), now.Add(10*time.Minute)), accepted, 0)
	step("a clock that was set back", at(basic("c1", long1), now.Add(-time.Hour)), accepted, 2)

	step("c2, remembered", basic("c2", long1), accepted, 0)
	store.set("c2", argon2idAt(long1, 128, 1))
	step("a changed hash of the same secret", basic("c2", long1), accepted, 1)
	store.set("c2", argon2id(long2))
	step("a changed secret", basic("c2", long1), refused, 1)
	step("the new secret", basic("c2", long2), accepted, 1)
}

// Without lengths in it, the mark of the first client would be that of the
// second: identifier, hash and secret run together to the same text.
func TestMarksDoNotRunTogether(t *testing.T) {
	first := argon2id(long1)
	secret := first + "x"
	outer := argon2id(secret)
	s, _ := newSecrets(storeOf(clientWith("c1", outer), clientWith("c1"+outer, first)))
	expect(t, s, basic("c1", secret), accepted)
	expect(t, s, basic("c1"+outer, "x"), refused)
}

func TestMemoryIsBounded(t *testing.T) {
	s, n := newSecrets(storeOf(clientWith("c1", argon2id(long1))))
	expect(t, s, basic("c1", long1), accepted)
	for i := range 5 {
		s.Remember(i, clientauth.MaxRemembered/3)
		if got := s.Remembered(); got > clientauth.MaxRemembered {
			t.Fatalf("the memory has %d entries, want at most %d", got, clientauth.MaxRemembered)
		}
	}
	n.take()
	expect(t, s, basic("c1", long1), accepted)
	if got := n.take(); len(got) != 1 {
		t.Errorf("hashes for a secret that was pushed out = %q, want one", got)
	}
	for i := range 5 {
		s.Remember(10+i, clientauth.MaxRemembered/3)
		expect(t, s, basic("c1", long1), accepted)
	}
	if got := n.take(); len(got) != 0 {
		t.Errorf("hashes for a secret in constant use = %q, want none", got)
	}
}

func TestWrongSecretsAreNotRemembered(t *testing.T) {
	s, _ := newSecrets(storeOf(clientWith("c1", argon2id(long1))))
	for i := range 10 {
		expect(t, s, basic("c1", fmt.Sprint("guess", i)), refused)
		expect(t, s, basic(fmt.Sprint("ghost", i), "x"), refused)
	}
	if got := s.Remembered(); got != 0 {
		t.Errorf("the memory has %d entries, want none", got)
	}
}

func TestCrowd(t *testing.T) {
	s, _ := newSecrets(storeOf(
		clientWith("c1", sha256ed(t, long1)),
		clientWith("c2", argon2id(long1)),
		clientWith("c3", bcrypted(t, long1)),
	))
	s.MaxHashes = 50 // nobody waits: hashes are slow under the race detector
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			id := fmt.Sprint("c", 1+i%3)
			for _, step := range []struct {
				c    clientauth.Credentials
				want string
			}{
				{basic(id, long1), accepted},
				{basic(id, long2), refused},
				{basic(fmt.Sprint("ghost", i), long1), refused},
				{none(id), accepted},
			} {
				expect(t, s, step.c, step.want)
			}
		})
	}
	wg.Wait()
}

func TestOneHashServesWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", argon2id(long1))), MaxHashes: 1}
		hashes := 0
		s.Observe(func(string) {
			hashes++
			time.Sleep(500 * time.Millisecond) // longer than anybody waits for a slot
		})
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() { expect(t, s, basic("c1", long1), accepted) })
		}
		wg.Wait()
		if hashes != 1 {
			t.Errorf("32 requests at once with the same secret computed %d hashes, want 1", hashes)
		}
	})
}

func TestBusy(t *testing.T) {
	slow := clientWith("slow", argon2id(long1))
	fast := clientWith("fast", sha256ed(t, long1))
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(slow, fast), MaxHashes: 1}
		expect(t, s, basic("slow", long1), accepted) // remembered, and learned
		s.Observe(func(cost string) {
			if cost[0] == 'a' {
				time.Sleep(time.Second)
			}
		})
		done := make(chan string)
		go func() { done <- validate(t, s, basic("slow", long2)) }()
		synctest.Wait() // it holds the only slot

		start := time.Now()
		expect(t, s, basic("slow", long2+"x"), busy)
		expect(t, s, basic("ghost", "x"), busy)
		if got, want := time.Since(start), 200*time.Millisecond; got != want {
			t.Errorf("two requests waited %v, want %v", got, want)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start = time.Now()
		_, err := s.ValidateClient(ctx, basic("slow", long2))
		if got := time.Since(start); outcome(err) != busy || got != 10*time.Millisecond {
			t.Errorf("with a context of 10ms: %v after %v, want %s after 10ms", err, got, busy)
		}

		start = time.Now()
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

func TestUpgrade(t *testing.T) {
	strong, err := clientauth.Hash(storage.PresentedSecret(long1))
	if err != nil {
		t.Fatalf("Hash: %v", err)
	}
	disabled := clientWith("c1", argon2id(long1))
	disabled.Disabled = true
	tests := []struct {
		name   string
		client *storage.Client
		shown  string
		want   int
	}{
		{"bcrypt", clientWith("c1", bcrypted(t, long1)), long1, 1},
		{"argon2id with less work", clientWith("c1", argon2id(long1)), long1, 1},
		{"argon2id with as much work in more passes", clientWith("c1", argon2idAt(long1, 19456/2, 4)), long1, 0},
		{"argon2id as Hash makes it", clientWith("c1", strong), long1, 0},
		{"sha256", clientWith("c1", sha256ed(t, long1)), long1, 0},
		{"wrong secret", clientWith("c1", bcrypted(t, long1)), long2, 0},
		{"disabled client", disabled, long1, 0},
		{"the weak one of two", clientWith("c1", strong, bcrypted(t, long1)), long1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := storeOf(tt.client)
			s, n := newSecrets(store)
			var got []clientauth.Rehash
			s.Upgrade = func(_ context.Context, r clientauth.Rehash) { got = append(got, r) }
			validate(t, s, basic("c1", tt.shown))
			validate(t, s, basic("c1", tt.shown)) // remembered: not called again
			if len(got) != tt.want {
				t.Fatalf("Upgrade was called %d times, want %d", len(got), tt.want)
			}
			if tt.want == 0 {
				return
			}
			last := tt.client.Secrets[len(tt.client.Secrets)-1]
			if r := got[0]; r.ClientID != "c1" || r.SecretID != last.ID || r.Old != last.Hash {
				t.Errorf("Rehash = %+v, want it for %+v", r, last)
			}
			n.take()
			store.byID["c1"] = clientWith("c1", got[0].New)
			expect(t, s, basic("c1", long1), accepted)
			if costs := n.take(); len(costs) != 0 {
				t.Errorf("hashes for the upgraded record = %q, want none", costs)
			}
			other, _ := newSecrets(store) // another process
			expect(t, other, basic("c1", long1), accepted)
			expect(t, other, basic("c1", long2), refused)
		})
	}
}
