package clientauth_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/clientauth"
)

const (
	floodRate = 300 // wrong requests a second
	floodGood = 30  // good clients, over three seconds
)

// BenchmarkFlood shows argon2id clients that come for the first time, and then
// again after a day, while a stranger sends wrong secrets: under random ids, or
// all for one client that exists. It reports how many of the good ones were
// served, and how long the slowest of them waited, in ms.
func BenchmarkFlood(b *testing.B) {
	for name, id := range map[string]func() string{
		"no_flood":          nil,
		"random_ids":        rand.Text,
		"a_client's_own_id": func() string { return "victim" },
	} {
		b.Run(name, func(b *testing.B) {
			store := storeOf(clientWith("victim", slowHash(b)))
			var good []clientauth.Request
			for i := range floodGood {
				id := fmt.Sprint("good", i)
				store.byID[id] = clientWith(id, slowHash(b))
				good = append(good, at(basic(id, long1), time.Now()))
			}
			s := &clientauth.Secrets{Clients: store}
			for b.Loop() {
				stop, flood := make(chan struct{}), sync.WaitGroup{}
				if id != nil {
					flood.Go(func() { sendFlood(s, id, stop, &flood) })
				}
				time.Sleep(time.Second)
				for _, round := range []string{"first", "again"} {
					served, slowest := serveAll(s, good)
					b.ReportMetric(float64(served), "served_"+round)
					b.ReportMetric(float64(slowest.Milliseconds()), "slowest_ms_"+round)
					for i := range good {
						good[i].Time = good[i].Time.Add(25 * time.Hour)
					}
				}
				close(stop)
				flood.Wait()
			}
		})
	}
}

func slowHash(b *testing.B) string {
	hash, err := clientauth.Hash(storage.PresentedSecret(long1))
	if err != nil {
		b.Fatal(err)
	}
	return hash
}

func sendFlood(s *clientauth.Secrets, id func() string, stop chan struct{}, requests *sync.WaitGroup) {
	tick := time.NewTicker(time.Second / floodRate)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			requests.Go(func() { s.ValidateClient(context.Background(), at(basic(id(), rand.Text()), time.Now())) })
		}
	}
}

// serveAll lets the clients come one after the other.
func serveAll(s *clientauth.Secrets, good []clientauth.Request) (served int, slowest time.Duration) {
	var all sync.WaitGroup
	took := make([]time.Duration, len(good))
	for i, c := range good {
		all.Go(func() {
			start := time.Now()
			if _, err := s.ValidateClient(context.Background(), c); err == nil {
				took[i] = time.Since(start)
			}
		})
		time.Sleep(100 * time.Millisecond)
	}
	all.Wait()
	for _, d := range took {
		if d > 0 {
			served++
		}
	}
	return served, slices.MaxFunc(took, cmp.Compare[time.Duration])
}
