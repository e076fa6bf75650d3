package endpointtest

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

// quickly is how long the answer to a request may take that needs no look-up.
// The specification says 5 to 50 ms of a machine that does nothing else; what
// is quadratic in the body takes longer than this.
const quickly = 100 * time.Millisecond

// quick asserts that the handler answers at once, whatever stands in the
// request. The best of several times counts, since the machine may be busy.
func (f *fixture) quick(r *request) {
	f.Helper()
	best := time.Hour
	for range 5 {
		start := time.Now()
		f.served(r)
		best = min(best, time.Since(start))
	}
	if best > quickly {
		f.Errorf("%s: took %v, want less than %v", short(r.text()), best, quickly)
	}
}

// allocated is all the memory that this process ever asked for.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// heap is the memory in use after a collection. Pools give up what they hold at
// the second.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// short is the beginning of a long text, for a failure's.
func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// quiet keeps no events and no log, for rules that send very many requests.
func quiet(c *tokenendpoint.Config) { c.Observe, c.Logger = nil, slog.New(slog.DiscardHandler) }
