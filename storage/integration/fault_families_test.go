package integration_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// liveFamily lets three clients at a time present refresh tokens of one family:
// mostly the newest one that they know, sometimes the one before it, seldom an
// older one, which is a replay. A client that gets no answer asks again.
// liveFamily returns the history that they have seen.
func (b *faultBed) liveFamily(at []string, seed uint64) *history {
	draw := rand.New(rand.NewPCG(seed, 0))
	h, code := newHistory(), b.newCode()
	known := []string{} // refresh tokens, the newest last
	refusals := 0
	for range 12 {
		replies, calls := make([]*reply, 3), make([]call, 3)
		var racers sync.WaitGroup
		for i := range replies {
			calls[i] = pick(draw, known)
			where := at[draw.IntN(len(at))]
			racers.Go(func() { replies[i] = h.note(calls[i], func() *reply { return b.make(where, code, calls[i]) }) })
		}
		racers.Wait()
		for i, r := range replies {
			if r.ok() && (len(known) == 0 || calls[i].token == known[len(known)-1]) {
				known = append(known, r.body.Refresh)
			}
			if r.refused() {
				refusals++
			}
		}
		if refusals > 5 { // it has ended, or the code was lost
			break
		}
	}
	return h
}

func pick(draw *rand.Rand, known []string) call {
	last, p := len(known)-1, draw.IntN(100)
	switch {
	case last < 0 || p < 3:
		return call{code: true}
	case p < 90 || last == 0:
		return call{token: known[last]}
	case p < 98:
		return call{token: known[last-1]}
	}
	return call{token: known[draw.IntN(last)]}
}

func (b *faultBed) make(at, code string, c call) *reply {
	if c.code {
		return b.redeem(at, code)
	}
	return b.refresh(at, c.token)
}

// liveFamilies lets families live, several at once, until the time is over. It
// checks their histories, and the records in the store at the end (INV3, INV4).
func (b *faultBed) liveFamilies(at []string, d time.Duration) {
	b.Helper()
	seed := rand.Uint64()
	b.Logf("seed %d", seed)
	var mu sync.Mutex
	var all []*history
	var families sync.WaitGroup
	end := time.Now().Add(d)
	for i := range uint64(6) {
		families.Go(func() {
			for j := uint64(0); time.Now().Before(end); j++ {
				h := b.liveFamily(at, seed+i<<32+j)
				mu.Lock()
				all = append(all, h)
				mu.Unlock()
			}
		})
	}
	families.Wait()
	replays := 0
	for _, h := range all {
		h.check(b, b.n)
		for _, op := range h.calls {
			if o := op.Output.(outcome); o.successor != "" {
				b.wantStored(o.successor)
			} else if o.refused && !op.Input.(call).code {
				replays++
			}
		}
	}
	b.wantOneLeaf()
	b.Logf("%d histories, %d refused refresh tokens", len(all), replays)
}

// Backends are terminated all the time (fault 7).
func TestFaultTerminated(t *testing.T) {
	t.Parallel()
	ownServers(t, func(t *testing.T, s *ownServer) {
		b := newFaultBed(t, s.server)
		_, store := b.pool(s.victim(b))
		at := []string{b.serve(store, tuning{}), b.serve(store, tuning{})}
		stop := make(chan struct{})
		var killer sync.WaitGroup
		killer.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
					b.n.faults.Add(int64(s.terminate(b)))
				}
			}
		})
		others := b.amidOthers(store)
		forFaults(t, 4*time.Second, func() { b.liveFamilies(at, 4*time.Second) })
		others()
		close(stop)
		killer.Wait()
		for _, url := range at {
			b.wantRecovered("client_credentials", func() *reply { return b.clientCredentials(url) })
		}
		b.n.report(t)
	})
}
