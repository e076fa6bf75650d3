//go:build !race

package tokenendpoint_test

import (
	"testing"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// allocations is the recorded number of allocations of one request, in the order
// of benchGrants. A change that lowers a number records it here; a change that
// raises one says why.
var allocations = map[string][4]float64{
	jws.ES256: {63, 69, 72, 71},
	jws.EdDSA: {9, 15, 18, 17},
	jws.RS256: {10, 16, 19, 18},
}

// TestAllocations counts allocations: unlike times, they are the same on every
// machine. The race detector allocates too, so a build with it leaves this test
// out.
func TestAllocations(t *testing.T) {
	const runs = 200
	for _, key := range benchKeys() {
		for i, grant := range benchGrants {
			bed := newBed(t, key)
			next := bed.requests(t, grant, runs+1) // one to warm up
			got := testing.AllocsPerRun(runs, func() { bed.serve(t, bed.endpoint, next()) })
			if want := allocations[key.Algorithm][i]; got > want {
				t.Errorf("%s with %s: %v allocations, recorded are %v", grant, key.Algorithm, got, want)
			} else if got < want {
				t.Logf("%s with %s: %v allocations; lower the record of %v", grant, key.Algorithm, got, want)
			}
		}
	}
}
