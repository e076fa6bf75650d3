package testbed

import (
	"slices"
	"time"
)

// Times are those of one thing that a benchmark does again and again, by turns with others.
// On a machine that does other work too, their medians can be compared, and their sums
// cannot: work that falls into one of them would count for all.
type Times []time.Duration

// Over returns how many times the median of the others goes into that of t.
func (t Times) Over(others Times) float64 { return float64(t.median()) / float64(others.median()) }

func (t Times) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[len(sorted)/2]
}
