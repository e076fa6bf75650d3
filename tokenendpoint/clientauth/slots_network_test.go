package clientauth_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/clientauth"
)

// from is c from the i-th network.
func from(c clientauth.Request, i int) clientauth.Request {
	c.Network = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 32)
	return c
}

// Guesses keep no client out that comes from elsewhere for the first time: not
// the very client that is guessed at, nor one whose replica is in the network of
// the guesses.
func testNetworks(t *testing.T) {
	undecoded := func(c clientauth.Request) clientauth.Request {
		c.Undecoded = basic("", "as%20it%20stood").Secret
		return c
	}
	for name, guess := range map[string]func(i int) clientauth.Request{
		"one network and the client":           func(i int) clientauth.Request { return from(basic("victim", fmt.Sprint("guess", i)), 1) },
		"one network and the client undecoded": func(i int) clientauth.Request { return undecoded(from(basic("victim", fmt.Sprint("guess", i)), 1)) },
		"one network and fifty clients": func(i int) clientauth.Request {
			return from(basic(fmt.Sprint("victim", i%50), fmt.Sprint("guess", i)), 1)
		},
		"fifty networks and another client": func(i int) clientauth.Request {
			return from(basic("victim0", fmt.Sprint("guess", i)), 1+i%50)
		},
	} {
		for _, slots := range []int{1, 2} {
			t.Run(fmt.Sprint(name, ", slots: ", slots), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := storeOf(clientWith("victim", argon2id(long1)))
					for i := range 50 {
						id := fmt.Sprint("victim", i)
						store.byID[id] = clientWith(id, argon2id(long1))
					}
					s := &clientauth.Secrets{Clients: store, MaxHashes: slots}
					s.Observe(func(string) { time.Sleep(100 * time.Millisecond) })
					stop, all := make(chan struct{}), sync.WaitGroup{}
					for g := range 60 {
						all.Go(func() {
							for i := g; ; i += 60 {
								select {
								case <-stop:
									return
								default:
								}
								if got := validate(t, s, guess(i)); got == accepted || got == outage {
									t.Errorf("a guess got %s", got)
								}
								time.Sleep(50 * time.Millisecond)
							}
						})
					}
					time.Sleep(3 * time.Second)
					// A replica in the first network waits for the guesses there.
					all.Go(func() { validate(t, s, from(basic("victim", long1), 1)) })
					synctest.Wait()
					start := time.Now()
					expect(t, s, from(basic("victim", long1), 999), accepted)
					if took := time.Since(start); took > time.Second {
						t.Errorf("the client waited %v, want a second at most", took)
					}
					close(stop)
					all.Wait()
					if got := s.Turns(); got != 0 {
						t.Errorf("%d turns are left behind", got)
					}
				})
			})
		}
	}
}

// The hash for the log is not computed while a request waits for a turn.
func TestUndecodedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &clientauth.Secrets{Clients: storeOf(clientWith("c1", argon2id(long1))), MaxHashes: 2}
		slowly(s)
		c := basic("c1", "a guess")
		c.Undecoded = basic("", "a+guess").Secret
		go s.ValidateClient(t.Context(), c)
		synctest.Wait()
		start := time.Now()
		expect(t, s, basic("c1", long1), accepted)
		if took := time.Since(start); took != 2*hashTime {
			t.Errorf("it waited %v, want %v for one guess and itself", took, 2*hashTime)
		}
	})
}
