package tokenendpoint

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// limiterHealth remembers whether the host's Limiter failed last time, so that the
// log has one line when it fails and one when it is back. Without them a shared
// limit could be off for weeks, and nobody would know.
type limiterHealth struct{ failing atomic.Bool }

func (l *limiterHealth) tell(ctx context.Context, logger *slog.Logger, err error) {
	switch {
	case err != nil && ctx.Err() == nil && !l.failing.Swap(true):
		logger.ErrorContext(ctx, "Config.Limiter has failed: the count of this process serves until it answers", "cause", err.Error())
	case err == nil && l.failing.Load() && l.failing.Swap(false):
		logger.InfoContext(ctx, "Config.Limiter answers again")
	}
}
