package integration_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// faultTime is how long each fault test goes on, for a soak. Otherwise each
// takes some seconds, and all of them together less than two minutes.
var faultTime = flag.Duration("faults", envDuration("OAUTH_TEST_FAULTS"), "how long each fault test goes on; if zero, some seconds (OAUTH_TEST_FAULTS)")

// TestMain also runs the processes that the fault tests start and kill: they
// are this binary, and read their task from the environment.
func TestMain(m *testing.M) {
	if spec := os.Getenv(childVariable); spec != "" {
		runChild(spec)
		return
	}
	_ = mysql.SetLogger(new(mysql.NopLogger)) // or it tells of every connection that was cut on purpose
	os.Exit(m.Run())
}

func envDuration(name string) time.Duration {
	d, _ := time.ParseDuration(os.Getenv(name))
	return d
}

// forFaults calls round until the time for the test is over, at least once. d
// is the time if the flag does not ask for more.
func forFaults(t testing.TB, d time.Duration, round func()) {
	if *faultTime > 0 {
		d = *faultTime
	}
	for end := time.Now().Add(d); ; {
		round()
		if t.Failed() || !time.Now().Before(end) {
			return
		}
	}
}
