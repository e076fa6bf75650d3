package main

import (
	"context"
	"flag"
	"fmt"
	"time"
)

// sweepBatch is how many records one call of the store deletes, so that people see that
// it goes on, and Ctrl-C ends it soon.
const sweepBatch = 1000

func sweep() *command {
	older := span(time.Hour)
	return &command{
		name:  "sweep",
		about: "Delete what has expired: codes, refresh tokens, revocations.",
		more: `A host that runs storage.Sweep has no need of it. Several may run at once, and Ctrl-C ends it:
what was deleted stays deleted.`,
		example: "oauthctl sweep",
		flags: func(f *flag.FlagSet) {
			f.Var(&older, "older-than", "a `duration` that leaves room for clocks that are behind; 1m at least")
		},
		run: func(ctx context.Context, c *call) error {
			if time.Duration(older) < time.Minute {
				return usage("--older-than %s is less than a minute: the clocks of the host's replicas may differ by more", &older)
			}
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			before, p := c.now.Add(-time.Duration(older)), c.progress("records deleted")
			for {
				n, err := s.DeleteExpired(ctx, before, sweepBatch)
				p.add(n)
				if err != nil {
					return fmt.Errorf("%d records were deleted before this: %w", p.n, err)
				}
				if n == 0 {
					break
				}
			}
			if c.json {
				return c.showJSON(map[string]int{"deleted": p.n})
			}
			c.note("%d records deleted.", p.n)
			return nil
		},
	}
}
