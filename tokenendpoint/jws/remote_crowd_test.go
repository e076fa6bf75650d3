package jws_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRemoteUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k1"))}
		r := newRemote(t, s)
		wantKey(t, r, "k2", "unknown")
		wantFetches(t, s, 1)
		s.set(publishing(named(t, "k2")))
		time.Sleep(30*time.Second - 1)
		wantKey(t, r, "k2", "unknown")
		wantKey(t, r, "k1", "key")
		wantFetches(t, s, 0)
		time.Sleep(time.Nanosecond)
		wantKey(t, r, "k2", "key")
		wantKey(t, r, "k1", "unknown") // withdrawn
		wantFetches(t, s, 1)

		s.set(down)
		time.Sleep(30 * time.Second)
		wantKey(t, r, "k3", "outage")
		wantKey(t, r, "k2", "key")
		time.Sleep(30*time.Second - 1)
		wantKey(t, r, "k3", "outage")
		wantFetches(t, s, 1)
		s.set(publishing(named(t, "k2")))
		time.Sleep(time.Nanosecond)
		wantKey(t, r, "k3", "unknown")
		wantFetches(t, s, 1)
	})
}

// A thousand callers with keys of their own invention are one request to the
// server in 30 seconds, and it does not matter how long that takes.
func TestRemoteCrowdOfUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := named(t, "k")
		s := &jwksServer{answer: func(r *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return publishing(keys)(r)
		}}
		r := newRemote(t, s)
		for window := range 5 {
			begun := time.Now()
			var crowd sync.WaitGroup
			for range 1000 {
				crowd.Go(func() {
					time.Sleep(rand.N(29 * time.Second))
					wantKey(t, r, fmt.Sprint(rand.Uint64()), "unknown")
					wantKey(t, r, "k", "key")
				})
			}
			crowd.Wait()
			wantFetches(t, s, 1)
			if got := time.Since(begun); got > 32*time.Second {
				t.Errorf("window %d took %s", window, got)
			}
			time.Sleep(time.Until(begun.Add(62 * time.Second)))
		}
	})
}

func TestRemoteCrowdOfUnknownKeysWhileTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemote(t, s)
		wantKey(t, r, "k", "key")
		s.count()
		s.set(hanging)
		for range 5 {
			time.Sleep(30 * time.Second)
			var crowd sync.WaitGroup
			for range 1000 {
				crowd.Go(func() { wantKey(t, r, fmt.Sprint(rand.Uint64()), "outage") })
			}
			crowd.Wait()
			wantFetches(t, s, 1)
		}
	})
}

func TestRemoteCrowdAtTheStart(t *testing.T) {
	for want, answer := range map[string]func(*http.Request) (*http.Response, error){
		"key": publishing(named(t, "k")), "outage": down,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &jwksServer{answer: func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return answer(r)
			}}
			r := newRemote(t, s)
			var crowd sync.WaitGroup
			for range 1000 {
				crowd.Go(func() { wantKey(t, r, "k", want) })
			}
			crowd.Wait()
			wantFetches(t, s, 1)
		})
	}
}

func TestRemoteRefreshLetsTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemote(t, s)
		wantKey(t, r, "k", "key")
		s.set(hanging)
		time.Sleep(5 * time.Minute)
		go wantKey(t, r, "k", "key")
		synctest.Wait() // it fetches
		begun := time.Now()
		for range 100 {
			wantKey(t, r, "k", "key")
		}
		if got := time.Since(begun); got != 0 {
			t.Errorf("the others waited for %s, want not at all", got)
		}
		wantFetches(t, s, 2)
		time.Sleep(time.Minute)
	})
}

func TestRemoteCallerThatHangsUpFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := named(t, "k")
		s := &jwksServer{answer: func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(3 * time.Second):
				return publishing(keys)(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}}
		r := newRemote(t, s)
		gone, hangUp := context.WithCancel(t.Context())
		go r.PublicKey(gone, "k", time.Now())
		synctest.Wait() // it fetches
		go wantKey(t, r, "k", "key")
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		hangUp()
		if k, err := r.PublicKey(impatient, "k", time.Now()); !errors.Is(err, context.DeadlineExceeded) || k != nil {
			t.Errorf("PublicKey of a caller whose context ends first = %v, %v, want its context's error", k, err)
		}
		time.Sleep(time.Minute)
		wantFetches(t, s, 1)
	})
}

func TestRemoteFetchesForNobodyWhoHasGone(t *testing.T) {
	s := &jwksServer{answer: publishing(named(t, "k"))}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := newRemote(t, s)
	for range 32 {
		if k, err := r.PublicKey(gone, "k", start); !errors.Is(err, context.Canceled) || k != nil {
			t.Fatalf("PublicKey = %v, %v, want its context's error", k, err)
		}
	}
	wantFetches(t, s, 0)
}

func TestRemotePanicOfTheClientChangesNothing(t *testing.T) {
	s := &jwksServer{answer: func(*http.Request) (*http.Response, error) { panic("transport") }}
	r := newRemote(t, s)
	func() {
		defer func() { recover() }()
		r.PublicKey(t.Context(), "k", start)
		t.Error("PublicKey returned, want the panic")
	}()
	s.set(publishing(named(t, "k")))
	wantKey(t, r, "k", "key")
}
