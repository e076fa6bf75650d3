//go:build linux

package integration_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage/sqlstore"
)

// BenchmarkSize measures the figures of examples/scale for one request: the processor time
// of this process (the requester is part of it) and of a PostgreSQL of its own, the bytes
// in the write-ahead log and in the tables, and the rows. 64 callers ask at once.
//
//	go test -run '^$' -bench Size -benchtime 20x .
func BenchmarkSize(b *testing.B) {
	for _, grant := range []string{grants.TypeClientCredentials, grants.TypeAuthorizationCode, grants.TypeRefreshToken} {
		b.Run(grant, func(b *testing.B) {
			s := newPostgres(b)
			db := s.open(b)
			c := migrated(b, s.config(b, db))
			bed := newBenchBed(b, opened(b, c))
			const callers, each = 64, 20
			for range 5 { // the connections, and the plans
				bed.refreshTokens(10 * callers)
			}
			var own, its, log, kept, rows float64
			requests := 0
			for b.Loop() {
				// New families: one that is refreshed very often would be refused.
				chains := bed.refreshTokens(callers)
				ask := func(i int) { chains[i] = bed.refresh(chains[i]) }
				if grant != grants.TypeRefreshToken {
					ask = eachOnce(bed, bed.bodies(grant, callers*each), each) // a host's login page stores the codes
				}
				m := measure(b, s, c)
				crowd(callers, each, ask)
				d := measure(b, s, c).minus(m)
				own, its, log, kept, rows = own+d.own, its+d.its, log+d.log, kept+d.kept, rows+d.rows
				requests += callers * each
			}
			n := float64(requests)
			b.ReportMetric(0, "ns/op") // it says nothing
			b.ReportMetric(own/n, "µs-own/request")
			b.ReportMetric(its/n, "µs-postgres/request")
			b.ReportMetric(log/n, "B-log/request")
			b.ReportMetric(kept/n, "B-tables/request")
			b.ReportMetric(rows/n, "rows/request")
		})
	}
}

// eachOnce returns a function that sends the bodies of a caller one after the other.
func eachOnce(bed *benchBed, bodies []string, each int) func(caller int) {
	next := make([]int, len(bodies)/each)
	return func(caller int) {
		bed.post(bodies[caller*each+next[caller]])
		next[caller]++
	}
}

// cost is what has been used so far: microseconds of this process and of the
// server's, and bytes and rows.
type cost struct{ own, its, log, kept, rows float64 }

func (c cost) minus(o cost) cost {
	return cost{c.own - o.own, c.its - o.its, c.log - o.log, c.kept - o.kept, c.rows - o.rows}
}

func measure(b *testing.B, s *ownServer, c sqlstore.Config) (m cost) {
	b.Helper()
	db := c.DB
	must(b, "the log", db.QueryRowContext(b.Context(), `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn`).Scan(&m.log))
	must(b, "the tables", db.QueryRowContext(b.Context(), `SELECT pg_total_relation_size($1::regclass)`, c.TablePrefix+"credentials").Scan(&m.kept))
	m.rows = float64(count(b, db, table(c, "SELECT COUNT(*) FROM {}credentials")))
	var own syscall.Rusage
	must(b, "getrusage", syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	m.own = float64((own.Utime.Nano() + own.Stime.Nano()) / 1000)
	for _, pid := range s.processes() {
		m.its += processorTime(pid)
	}
	return m
}

// processorTime returns the microseconds that a process has used. Linux counts them in
// hundredths of a second.
func processorTime(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil { // it has ended
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) * 10_000
}

// BenchmarkSweep deletes rows that have expired, in one call at a time, as one replica
// does, and reports how many a second.
//
//	go test -run '^$' -bench Sweep -benchtime 3x .
func BenchmarkSweep(b *testing.B) {
	const rows = 20_000
	s := newPostgres(b)
	c := migrated(b, s.config(b, s.open(b)))
	store := opened(b, c)
	var took time.Duration
	n := 0
	for b.Loop() {
		fillCredentials(b, s.server, c, rows)
		began := time.Now()
		deleted, err := store.DeleteExpired(b.Context(), began.Add(48*time.Hour), 0)
		must(b, "DeleteExpired", err)
		took, n = took+time.Since(began), n+deleted
	}
	if n != b.N*rows {
		b.Errorf("DeleteExpired: deleted %d rows, want %d", n, b.N*rows)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n)/took.Seconds(), "rows/s")
}

// BenchmarkConnection reports how much memory a connection to PostgreSQL, 14 or later,
// takes when a store has prepared its statements, in megabytes: of a store that coalesces
// nothing, and how much more if it does.
//
//	go test -run '^$' -bench Connection .
func BenchmarkConnection(b *testing.B) {
	s := on(b, sqlstore.Postgres)
	db := s.open(b)
	db.SetMaxOpenConns(1)
	c := migrated(b, s.config(b, db))
	memory := func(uncoalesced bool) float64 {
		c.Uncoalesced = uncoalesced
		store, err := sqlstore.Open(b.Context(), c)
		must(b, "Open", err)
		defer store.Close()
		return float64(count(b, db, `SELECT SUM(total_bytes)::BIGINT FROM pg_backend_memory_contexts`)) / 1e6
	}
	var alone, more float64
	for b.Loop() {
		alone = memory(true)
		more = memory(false) - alone
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(alone, "MB-alone")
	b.ReportMetric(more, "MB-more")
}
