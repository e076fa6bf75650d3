package brake_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/brake"
)

const (
	tableBurst    = 5
	tableInterval = time.Second
)

// FuzzRates plays a sequence of reservations, failures, refunds and pauses
// against an oracle that keeps every failure in a list. Each byte is a step.
func FuzzRates(f *testing.F) {
	for _, seed := range []string{
		"\x00\x00\x00\x00\x00\x00\x10\x20", "\x00\x10\x00\x10\x00\x10\x00\x10\x00\x10\x00\x41\x00", "\x00\x47\x10\x00\x47\x20",
		"\x30\x30\x30\x30\x30\x30\x30\x00\x4f\x00", "\x00\x01\x02\x03\x10\x11\x21\x20\x43\x00\x01", "\x00\x00\x4f\x20\x20\x00\x00\x00\x00\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 200 {
			t.Skip("longer sequences find nothing that shorter ones do not")
		}
		synctest.Test(t, func(t *testing.T) { playRates(t, steps) })
	})
}

// oracle computes a count in another way: from the bucket of all failures in the
// order in which they came, and from the calls under way.
type oracle struct {
	failures []time.Time
	underWay []func(bool)
}

// owed replays every failure.
func (o *oracle) owed(now time.Time) time.Duration {
	var owed time.Duration
	var last time.Time
	for _, at := range o.failures {
		owed = min(max(owed-at.Sub(last), 0)+tableInterval, tableBurst*tableInterval)
		last = at
	}
	return max(owed-now.Sub(last), 0)
}

func playRates(t *testing.T, steps []byte) {
	table, counts := brake.NewRates(tableBurst, tableInterval), [4]oracle{}
	for i, step := range steps {
		p, now := uint64(step&3), time.Now()
		o := &counts[p]
		full := max(o.owed(now)-(tableBurst-1)*tableInterval, 0)
		switch step >> 4 & 7 {
		case 0, 5, 6, 7: // reserve
			room := o.owed(now)+time.Duration(len(o.underWay)+1)*tableInterval <= tableBurst*tableInterval
			settle, wait := table.Try(p)
			if (wait == 0) != room || !room && wait != max(full, tableInterval) {
				t.Fatalf("step %d: a wait of %v, want room: %v, full for %v", i, wait, room, full)
			}
			if room {
				o.underWay = append(o.underWay, settle)
			}
		case 1, 2: // settle
			if len(o.underWay) == 0 {
				continue
			}
			failed := step>>4 == 1
			o.underWay[0](failed)
			o.underWay = o.underWay[1:]
			if failed {
				o.failures = append(o.failures, now)
			}
		case 3:
			table.Count(p)
			o.failures = append(o.failures, now)
		case 4:
			time.Sleep(time.Duration(step&15) * 217 * time.Millisecond)
		}
		now = time.Now()
		if got, want := table.Wait(p), max(o.owed(now)-(tableBurst-1)*tableInterval, 0); got != want {
			t.Fatalf("step %d: the wait is %v, want %v", i, got, want)
		}
	}
}

// However many calls come at once, at most burst and one for each interval are
// under way or failed; and all of them have their turn or are told to wait.
func TestRatesCrowd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fails func(i int) bool
	}{
		{"all fail", func(int) bool { return true }},
		{"none fails", func(int) bool { return false }},
		{"every third fails", func(i int) bool { return i%3 == 0 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := brake.NewRates(tableBurst, tableInterval)
				var underWay, failed, served, refused, gone atomic.Int64
				begin := time.Now()
				var all sync.WaitGroup
				for i := range 400 {
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						defer cancel()
						settle, wait, err := table.Reserve(ctx, 7)
						switch {
						case err != nil:
							gone.Add(1)
							return
						case wait > 0:
							refused.Add(1)
							return
						}
						now := underWay.Add(1) + failed.Load()
						if most := tableBurst + int64(time.Since(begin)/tableInterval); now > most {
							t.Errorf("%d are under way or have failed after %v, want %d at most", now, time.Since(begin), most)
						}
						time.Sleep(100 * time.Millisecond)
						if tt.fails(i) {
							failed.Add(1)
						}
						underWay.Add(-1)
						served.Add(1)
						settle(tt.fails(i))
					})
				}
				all.Wait()
				if served.Load()+refused.Load()+gone.Load() != 400 || gone.Load() > 0 || table.Waiting(7) != 0 {
					t.Errorf("%d were served, %d refused, %d gone, and %d wait, want 400 in all and none gone", served.Load(), refused.Load(), gone.Load(), table.Waiting(7))
				}
				if !tt.fails(0) && served.Load() != 400 {
					t.Errorf("%d of 400 that do not fail were served", served.Load())
				}
			})
		})
	}
}

// A caller that no longer waits leaves its turn to the next.
func TestRatesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := brake.NewRates(1, tableInterval)
		settle, _, _ := table.Reserve(t.Context(), 7)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan string, 2)
		for _, c := range []context.Context{ctx, t.Context()} {
			go func() {
				_, wait, err := table.Reserve(c, 7)
				got <- fmt.Sprint(wait, err)
			}()
			synctest.Wait()
		}
		cancel()
		if first := <-got; first != "0s context canceled" {
			t.Errorf("the one whose request has ended got %s", first)
		}
		settle(false)
		if second := <-got; second != "0s<nil>" && second != "0s <nil>" {
			t.Errorf("the other got %s, want its turn", second)
		}
		if table.Waiting(7) != 0 {
			t.Errorf("%d still wait", table.Waiting(7))
		}
	})
}

// A caller that waits until its deadline learns why: failures took the room, or
// the requests under way took too long.
func TestRatesDeadline(t *testing.T) {
	for _, tt := range []struct {
		failures, underWay int
		wait               time.Duration
		err                error
	}{
		{0, 5, 0, context.DeadlineExceeded},
		{2, 3, 0, context.DeadlineExceeded},
		{3, 2, tableInterval, nil},
		{4, 1, tableInterval, nil},
	} {
		t.Run(fmt.Sprint(tt.failures, " failures and ", tt.underWay, " under way"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := brake.NewRates(tableBurst, tableInterval)
				for range tt.failures {
					table.Count(7)
				}
				for range tt.underWay {
					table.Reserve(t.Context(), 7)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tableInterval/10)
				defer cancel()
				if _, wait, err := table.Reserve(ctx, 7); wait != tt.wait || err != tt.err {
					t.Errorf("got a wait of %v and %v, want %v and %v", wait, err, tt.wait, tt.err)
				}
				begin := time.Now()
				if _, wait, err := table.ReserveWithin(t.Context(), 7, tableInterval/10); wait != tt.wait || err != tt.err || time.Since(begin) != tableInterval/10 {
					t.Errorf("with little patience: got a wait of %v and %v after %v, want %v and %v", wait, err, time.Since(begin), tt.wait, tt.err)
				}
				gone, leave := context.WithCancel(t.Context())
				time.AfterFunc(tableInterval/10, leave)
				if _, wait, err := table.Reserve(gone, 7); wait != 0 || err != context.Canceled {
					t.Errorf("a caller that has gone: got a wait of %v and %v, want the error of its context", wait, err)
				}
			})
		})
	}
}

// A table takes memory by use, and no more than its bound.
func TestTableIsSmall(t *testing.T) {
	table := brake.NewRates(300, time.Second)
	if table.Count(0); table.Pages() != 1 {
		t.Errorf("one count has made %d pages", table.Pages())
	}
	before := heap()
	for p := range uint64(1 << 18) {
		table.Count(p)
	}
	if grown := heap() - before; grown > 5<<18 {
		t.Errorf("a full table takes %d KiB, want 1024", grown>>10)
	}
	runtime.KeepAlive(table)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkRates is one reservation and its end, in one goroutine and in many,
// for many clients and for one.
func BenchmarkRates(b *testing.B) {
	for name, clients := range map[string]uint64{"one client": 1, "many clients": 1 << 12} {
		b.Run(name, func(b *testing.B) {
			table := brake.NewRates(1<<10, time.Second)
			var n atomic.Uint64
			b.RunParallel(func(pb *testing.PB) {
				p := n.Add(1) * 7919
				for pb.Next() {
					p += 7919
					settle, _ := table.Try(p % clients)
					settle(false)
				}
			})
		})
	}
}
