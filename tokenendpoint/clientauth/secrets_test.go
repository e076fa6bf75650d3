package clientauth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
		for _, c := range []clientauth.Request{basic("c1", long1), basic("ghost", "x"), none("c1")} {
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
	for name, hash := range everyPoison() {
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
	step := func(what string, c clientauth.Request, want string, hashes int) {
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
	step("unused for not quite ten minutes", at(basic("c1", long1), now.Add(10*time.Minute-1)), accepted, 0)
	step("ten minutes after its first use", at(basic("c1", long1), now.Add(10*time.Minute)), accepted, 0)
	step("unused for ten minutes", at(basic("c1", long1), now.Add(20*time.Minute)), accepted, 2)
	step("unused for ten minutes, again", at(basic("c1", long1), now.Add(20*time.Minute)), accepted, 0)
	step("a clock that was set back", at(basic("c1", long1), now.Add(-time.Hour)), accepted, 2)

	step("c2, remembered", basic("c2", long1), accepted, 0)
	store.set("c2", argon2idAt(long1, 128, 1))
	step("a changed hash of the same secret", basic("c2", long1), accepted, 1)
	store.set("c2", argon2id(long2))
	step("a changed secret", basic("c2", long1), refused, 1)
	step("the new secret", basic("c2", long2), accepted, 1)
}

// A secret in use is remembered for a day, and not for ever.
func TestMemorySlides(t *testing.T) {
	s, n := newSecrets(storeOf(clientWith("c1", argon2id(long1))))
	for minute := 0; minute < 2*24*60; minute += 9 {
		expect(t, s, at(basic("c1", long1), now.Add(time.Duration(minute)*time.Minute)), accepted)
		hashes, day := len(n.take()), 24*60
		if want := minute%day < 9; (hashes == 1) != want {
			t.Errorf("after %d minutes: %d hashes, want one only once a day", minute, hashes)
		}
	}
}

// Without lengths in it, the fingerprint of the first client would be that of the
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
				c    clientauth.Request
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
		{"PBKDF2 of ASP.NET", clientWith("c1", foreignFormats(t)["aspnet"]), long1, 1},
		{"PBKDF2 of Django", clientWith("c1", foreignFormats(t)["django"]), long1, 1},
		{"PBKDF2 of passlib", clientWith("c1", foreignFormats(t)["passlib"]), long1, 1},
		{"scrypt with less work", clientWith("c1", foreignFormats(t)["scrypt"]), long1, 1},
		{"scrypt with as much work", clientWith("c1", scrypted(t, long1, 13, 8, 5)), long1, 0},
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

// A secret that matches only as it stood in the Basic header is wrong, and the cause
// names the mistake of the client. An unknown client costs the same.
func TestUndecodedSecrets(t *testing.T) {
	for name, hash := range formats(t) {
		t.Run(name, func(t *testing.T) {
			disabled := clientWith("off", hash)
			disabled.Disabled = true
			s, n := newSecrets(storeOf(clientWith("c1", hash), disabled))
			expect(t, s, basic("c1", long2), refused)
			n.take()
			for _, tt := range []struct {
				id, secret, undecoded, want string
				says                        bool
			}{
				{"c1", long2, long1, refused, true},
				{"c1", long2, long2 + "%", refused, false},
				{"ghost", long2, long1, refused, false},
				{"off", long2, long1, refused, true},
				{"off", long1, long2, accepted, false},
			} {
				c := basic(tt.id, tt.secret)
				c.Undecoded = storage.PresentedSecret(tt.undecoded)
				_, err := s.ValidateClient(t.Context(), c)
				if got := outcome(err); got != tt.want || strings.Contains(fmt.Sprint(err), "form-encode") != tt.says {
					t.Errorf("%v: got %v, want %s", tt, err, tt.want)
				}
				if costs := n.take(); len(costs) != 2 {
					t.Errorf("%v: hashes = %q, want two", tt, costs)
				}
			}
			c := basic("c1", long1)
			c.Undecoded = storage.PresentedSecret(long2)
			for range 2 {
				expect(t, s, c, accepted)
			}
		})
	}
}

// Only the log gains from the second hash: it is not computed while a request waits
// for the slot.
func TestUndecodedSecretsWaitForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", argon2id(long1)), clientWith("c2", argon2id(long1))), MaxHashes: 1}
		hashes := 0
		s.Observe(func(string) { hashes++; time.Sleep(hashTime) })
		c := basic("c1", long2)
		c.Undecoded = storage.PresentedSecret(long1)
		var all sync.WaitGroup
		all.Go(func() { expect(t, s, c, refused) })
		synctest.Wait()
		all.Go(func() { expect(t, s, basic("c2", long1), accepted) })
		all.Wait()
		if hashes != 2 {
			t.Errorf("%d hashes were computed while a client waited, want 2", hashes)
		}
	})
}
