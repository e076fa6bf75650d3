package clientauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// notEncoded is a client that may show its secret in Basic as it is.
func notEncoded(id string, hashes ...string) *storage.Client {
	c := clientWith(id, hashes...)
	c.BasicNotEncoded = true
	return c
}

// read is a Basic request with a secret in both readings.
func read(id, secret, undecoded string) clientauth.Request {
	c := basic(id, secret)
	c.Undecoded = storage.PresentedSecret(undecoded)
	return c
}

func testNotEncoded(t *testing.T) {
	for name, hash := range formats(t) {
		t.Run(name, func(t *testing.T) {
			off := notEncoded("off", hash)
			off.Disabled = true
			s, n := newSecrets(storeOf(notEncoded("c1", hash), off, notEncoded("none")))
			expect(t, s, read("c1", long2, long2+"%"), refused)
			n.take()
			for _, tt := range []struct {
				c      clientauth.Request
				want   string
				hashes int
			}{
				{read("c1", long2, long2+"%"), refused, 2},
				{read("c1", "", long2), refused, 1}, // form-decoding is impossible
				{read("ghost", long2, long1), refused, 2},
				{read("ghost", "", long1), refused, 1},
				{read("none", long2, long1), refused, 2},
				{read("none", "", long1), refused, 1},
				{read("off", long2, long1), accepted, 2}, // refused by the endpoint
				{read("off", "", long1), accepted, 1},
				{basic("c1", long2), refused, 1},
				{basic("c1", ""), refused, 0},
				{read("c1", "", ""), refused, 0},
				{read("c1", long2, long1), accepted, 2},
				{post("c1", long2), refused, 1},
			} {
				expect(t, s, tt.c, tt.want)
				if costs := n.take(); len(costs) != tt.hashes {
					t.Errorf("%q in the readings %q and %q: hashes = %q, want %d", tt.c.ID, tt.c.Secret.Reveal(), tt.c.Undecoded.Reveal(), costs, tt.hashes)
				}
			}
			for _, c := range []clientauth.Request{basic("c1", long1), read("c1", "", long1), read("c1", long1, long2), read("c1", long2, long1)} {
				expect(t, s, c, accepted)
			}
			if !slices.Contains([]string{"sha256", "sha256 in hex", "sha256 in base64", "sha512 in hex", "sha512 in base64"}, name) {
				if costs := n.take(); len(costs) > 0 {
					t.Errorf("hashes for a secret that was verified in either reading = %q, want none", costs)
				}
			}
		})
	}
	t.Run("a client that is not registered for it", func(t *testing.T) {
		s, n := newSecrets(storeOf(clientWith("c1", argon2id(long1)), clientWith("c2", sha256ed(t, long1))))
		for _, id := range []string{"c1", "c2"} {
			expect(t, s, read(id, long2, long1), refused)
			n.take()
			expect(t, s, read(id, "", long1), refused)
			if costs := n.take(); len(costs) > 0 {
				t.Errorf("%s: hashes = %q, want none", id, costs)
			}
		}
	})
	t.Run("some clients are registered for it and some are not", func(t *testing.T) {
		s, n := newSecrets(storeOf(clientWith("c1", argon2id(long1)), notEncoded("c2", argon2id(long1))))
		known := map[string]bool{}
		for _, id := range []string{"c1", "c2"} {
			expect(t, s, basic(id, long2), refused)
			n.take()
			expect(t, s, read(id, "", long2), refused)
			known[fmt.Sprint(len(n.take()))] = true
		}
		unknown := map[string]bool{}
		for i := range 100 {
			expect(t, s, read(fmt.Sprint("ghost", i), "", long2), refused)
			unknown[fmt.Sprint(len(n.take()))] = true
		}
		if fmt.Sprint(known) != fmt.Sprint(unknown) || len(known) != 2 {
			t.Errorf("numbers of hashes of unknown clients = %v, want those of known ones: %v", unknown, known)
		}
	})
	t.Run("an upgrade is of the reading that is right", func(t *testing.T) {
		for _, form := range []string{"bcrypt2a", "sha256 in hex"} {
			store := storeOf(notEncoded("c1", formats(t)[form]))
			s, _ := newSecrets(store)
			var got []clientauth.Rehash
			s.Upgrade = func(_ context.Context, r clientauth.Rehash) { got = append(got, r) }
			expect(t, s, read("c1", long2, long1), accepted)
			if len(got) != 1 {
				t.Fatalf("%s: Upgrade was called %d times, want 1", form, len(got))
			}
			store.set("c1", got[0].New)
			expect(t, s, basic("c1", long1), accepted)
			expect(t, s, basic("c1", long2), refused)
		}
	})
}

// While clients want the slots, an unknown client waits as long as the hashes of both
// readings take.
func TestDecoysOfTwoReadingsWaitTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(notEncoded("c1", argon2id(long1))), MaxHashes: 1}
		s.Observe(func(string) { time.Sleep(hashTime) })
		expect(t, s, read("c1", long2, long2+"%"), refused)
		var all sync.WaitGroup
		all.Go(func() { expect(t, s, basic("c1", "another"), refused) })
		synctest.Wait()
		start := time.Now()
		if _, err := s.ValidateClient(t.Context(), read("ghost", long2, long1)); !errors.Is(err, clientauth.ErrUnknownClient) {
			t.Errorf("ValidateClient of an unknown client: got error %v, want that there is none", err)
		}
		if took := time.Since(start); took != 2*hashTime {
			t.Errorf("an unknown client waited %v, want %v", took, 2*hashTime)
		}
		all.Wait()
	})
}
