package testbed

import (
	"log/slog"
	"runtime"

	"github.com/contit/oauth/tokenendpoint"
)

// Allocated is all the memory that this process ever asked for.
func Allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Heap is the memory in use after two collections: pools give up their content
// at the second.
func Heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Short is the beginning of a long text, for a failure's.
func Short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// Quiet keeps no events and no log, for rules that send very many requests.
func Quiet(c *tokenendpoint.Config) { c.Observe, c.Logger = nil, slog.New(slog.DiscardHandler) }
