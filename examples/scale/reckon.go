package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// price is the cost of a request. BenchmarkSize of storage/integration has measured it.
type price struct {
	statements    int     // that the database is asked
	own, database float64 // processor time of the endpoint and of PostgreSQL, in microseconds
	log, kept     float64 // bytes of the write-ahead log, and of rows with their indexes
}

// prices are rounded up, from two machines, one of which was busy with other work as well.
var (
	clientCredentials = price{statements: 1, own: 120, database: 60}
	refresh           = price{statements: 3, own: 200, database: 175, log: 1120, kept: 770}
)

// sweep is how many rows a second DeleteExpired deletes, called by one replica, as
// BenchmarkSweep has measured it on the busy machine. In the long run it must keep up with
// the spends.
const sweep = 12_000

// The assumptions of a reckoning. None of them is measured.
const (
	busy        = 0.5 // how busy a core may be on average, so that there is room for peaks
	serverCores = 16  // of a database server
	days        = 30  // that a family lives, and with it all of its rows
	lifetime    = 600 // seconds that an access token lives, so that a family refreshes as often
)

// perCore writes what one core and one family come to.
func perCore(w io.Writer) {
	fmt.Fprintf(w, "a busy core of the endpoint: %.0f client_credentials or %.0f refreshes a second\n", 1e6/clientCredentials.own, 1e6/refresh.own)
	const times = 86400 / lifetime
	fmt.Fprintf(w, "a family in use all day: %d statements, %.0f KB of rows, %.0f KB of log\n",
		times*refresh.statements, times*refresh.kept/1e3, times*refresh.log/1e3)
}

// reckon writes what so many refreshes a second need.
func reckon(w io.Writer, rates ...float64) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "tokens/s\tfamilies in use\tendpoint cores\tdatabase cores\tdatabases\tlog MB/s\tnew rows GB/day\tkept TB\t")
	for _, rate := range rates {
		cores := rate * refresh.database / 1e6 / busy
		day := rate * 86400 * refresh.kept
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", short(rate), short(rate*lifetime), short(rate*refresh.own/1e6/busy), short(cores),
			short(math.Ceil(max(cores/serverCores, rate/sweep))), short(rate*refresh.log/1e6), short(day/1e9), short(day*days/1e12))
	}
	t.Flush()
}

// short writes a number with two digits, or as a whole.
func short(n float64) string {
	if n >= 10 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.2g", n)
}
