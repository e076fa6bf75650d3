//go:build linux

package integration_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
	"github.com/contit/oauth/storage/sqlstore"
)

// BenchmarkProcessorTime has what BenchmarkOverOne has, and look-ups, in processor time in
// place of the clock: of this process (the requester is part of it) and of PostgreSQL, which
// must run on this machine, together. So it can be compared on a machine that does other
// work, too. It reports how many times the processor time of one Spend by a store
// that coalesces nothing each work takes, with as many callers, by turns. Less is better.
//
//	go test -run '^$' -bench ProcessorTime -benchtime 20x .
func BenchmarkProcessorTime(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) { benchmarkProcessorTime(b, callers) })
	}
}

func benchmarkProcessorTime(b *testing.B, callers int) {
	s := on(b, sqlstore.Postgres)
	c := migrated(b, s.config(b, s.open(b)))
	used := usedTogether(b, c.DB)
	store := opened(b, c)
	c.Uncoalesced = true
	alone := opened(b, c)
	cache, err := clientcache.New(store, clientcache.Config{})
	must(b, "New", err)

	each := max(20, 80/callers) // the endpoint lets a family grow by a hundred at once
	type work struct {
		name string
		// begin makes what the work needs, and returns the work.
		begin func() func()
		used  float64
	}
	spend := func(store managed) func() func() {
		round := spends(b, store, callers, each)
		return func() func() { return func() { round() } }
	}
	lookUp := func(find func() error) func() func() {
		return func() func() {
			return func() { crowd(callers, each, func(int) { must(b, "a look-up", find()) }) }
		}
	}
	code := sample("alice")
	add(b, store, code)
	credential := func(store managed) func() func() {
		return lookUp(func() error { _, err := store.Credential(b.Context(), code.Digest); return err })
	}
	must(b, "PutClient", store.PutClient(b.Context(), &storage.Client{ID: "client", Scope: []string{"read"}}))
	client := func(store managed) func() func() {
		return lookUp(func() error { _, err := store.Client(b.Context(), "client"); return err })
	}
	request := func(grant string, store managed, clients storage.Clients) func() func() {
		bed := newBenchBedWith(b, store, clients)
		return func() func() {
			if grant == grants.TypeRefreshToken {
				chains := bed.refreshTokens(callers)
				return func() { crowd(callers, each, func(i int) { chains[i] = bed.refresh(chains[i]) }) }
			}
			ask := eachOnce(bed, bed.bodies(grant, callers*each), each)
			return func() { crowd(callers, each, ask) }
		}
	}
	const refresh, redeem = grants.TypeRefreshToken, grants.TypeAuthorizationCode
	works := []*work{
		{name: "one", begin: spend(alone)},
		{name: "spend", begin: spend(store)},
		{name: "credential", begin: credential(store)},
		{name: "credential-alone", begin: credential(alone)},
		{name: "client", begin: client(store)},
		{name: "client-alone", begin: client(alone)},
		{name: "code-cached", begin: request(redeem, store, cache)},
		{name: "code", begin: request(redeem, store, store)},
		{name: "refresh-cached", begin: request(refresh, store, cache)},
		{name: "refresh", begin: request(refresh, store, store)},
		{name: "refresh-alone", begin: request(refresh, alone, alone)},
	}
	round := func() {
		for _, w := range works {
			do := w.begin()
			before := used()
			do()
			w.used += used() - before
		}
	}
	for range 2 { // the connections, and the plans
		round()
	}
	for _, w := range works {
		w.used = 0
	}
	for b.Loop() {
		round()
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	for _, w := range works[1:] {
		b.ReportMetric(w.used/works[0].used, w.name)
	}
}

// usedTogether returns a function that returns the microseconds of processor time which
// this process and all of a server's have used.
func usedTogether(b *testing.B, db *sql.DB) func() float64 {
	parent := parentOf(count(b, db, "SELECT pg_backend_pid()"))
	if parent == 0 {
		b.Fatal("the processes of PostgreSQL are not on this machine")
	}
	return func() float64 {
		var own syscall.Rusage
		must(b, "getrusage", syscall.Getrusage(syscall.RUSAGE_SELF, &own))
		used := float64((own.Utime.Nano() + own.Stime.Nano()) / 1000)
		all, err := filepath.Glob("/proc/[0-9]*")
		must(b, "the processes", err)
		for _, dir := range all {
			if pid, _ := strconv.Atoi(filepath.Base(dir)); parentOf(pid) == parent {
				used += processorTime(pid)
			}
		}
		return used
	}
}

// parentOf returns the process that has started another one, or 0.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil { // it has ended
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}
