package storage

import (
	"context"
	"errors"
	"time"
)

// Expirer is a store that deletes expired records when it is told to, such as
// memory.Store and sqlstore.Store. Redis expires its keys by itself.
type Expirer interface {
	// DeleteExpired deletes up to limit of the records that ended before an
	// instant, or all if limit is zero or negative, and returns how many it
	// deleted; 0 means that nothing is left to delete.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

const (
	// sweepBatch is how many records one call deletes, so that no call holds a
	// lock or a connection for long.
	sweepBatch = 1000
	// sweepLate is left for the clocks of other processes, which may be behind.
	sweepLate = time.Hour
)

var errSweepEvery = errors.New("storage: Sweep needs a positive interval")

// Sweep deletes records that expired more than an hour ago, at once and then at
// every interval, until ctx ends. It blocks, and starts no goroutine: the host
// calls it in one of its own. One process of many is enough; several do no
// harm.
//
// Failed gets each error of the store, and Sweep goes on at the next interval. If
// failed is nil, the first error ends Sweep. Sweep returns the error that ended
// it, which is ctx.Err() if ctx did.
func Sweep(ctx context.Context, s Expirer, every time.Duration, failed func(error)) error {
	if every <= 0 {
		return errSweepEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for now := time.Now(); ; {
		err := sweepOnce(ctx, s, now)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && failed == nil:
			return err
		case err != nil:
			failed(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now = <-tick.C:
		}
	}
}

// sweepOnce deletes in batches until nothing is left.
func sweepOnce(ctx context.Context, s Expirer, now time.Time) error {
	for {
		n, err := s.DeleteExpired(ctx, now.Add(-sweepLate), sweepBatch)
		if err != nil || n == 0 {
			return err
		}
	}
}
