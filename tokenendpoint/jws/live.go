package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// live is a value that is loaded by the first caller that needs it when it is due.
// That caller loads; the others go on with the old value as long as it is usable.
// Between calls nothing runs.
type live[T any] struct {
	reloadAfter, usable time.Duration
	logger              *slog.Logger
	// load gets the value of before, or zero. If load is nil, the value never
	// changes.
	load func(ctx context.Context, before T, at time.Time) (T, error)

	current atomic.Pointer[version[T]]
	loading chan struct{} // holds one element while a caller loads
}

// version is a value, with the time at which its loading began and with the outcome
// of the last attempt to load the next one.
type version[T any] struct {
	value T
	at    time.Time
	err   error
	retry time.Time // after an error: the earliest time of the next attempt
}

// still returns a live value that never changes.
func still[T any](value T) *live[T] {
	l := new(live[T])
	l.current.Store(&version[T]{value: value})
	return l
}

func newLive[T any](r Rotation, load func(ctx context.Context, before T, at time.Time) (T, error)) *live[T] {
	return &live[T]{reloadAfter: r.Reload(), usable: r.complete(), logger: r.Logger, load: load, loading: make(chan struct{}, 1)}
}

const (
	// loadTimeout bounds an attempt to load. So a source that hangs delays one
	// request by this much in each retryAfter.
	loadTimeout = time.Second
	retryAfter  = 5 * time.Second
	// setBack is how far a caller's instant must lie before the last loading for the
	// clock to count as put back. The instant of a slow caller is less than a minute
	// old.
	setBack = time.Minute
)

// get returns the value for an instant.
func (l *live[T]) get(ctx context.Context, at time.Time) (*version[T], error) {
	v := l.current.Load()
	if l.load == nil || v != nil && !l.due(v, at) {
		return v, l.usableAt(v, at)
	}
	if v != nil && l.usableAt(v, at) == nil {
		select {
		case l.loading <- struct{}{}:
		default: // another caller loads
			return v, nil
		}
	} else {
		select {
		case l.loading <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.patience(v): // the source hangs
			return nil, l.usableAt(v, at)
		}
	}
	defer func() { <-l.loading }()
	if now := l.current.Load(); now != v { // loaded while this caller waited
		return now, l.usableAt(now, at)
	}
	return l.reload(ctx, v, at)
}

// patience is how long a caller waits while another loads a value that both need. For
// the first value of all, a caller waits as long as its context allows.
func (l *live[T]) patience(v *version[T]) <-chan time.Time {
	if v == nil {
		return nil
	}
	return time.After(loadTimeout)
}

// due reports whether the version after v is to be loaded.
func (l *live[T]) due(v *version[T], at time.Time) bool {
	age := at.Sub(v.at)
	return age >= l.reloadAfter && !at.Before(v.retry) || age < -setBack
}

// reload loads the version after v. If the source panics, reload panics too, and the
// attempt counts as failed.
func (l *live[T]) reload(ctx context.Context, v *version[T], at time.Time) (*version[T], error) {
	if v == nil {
		var none T
		value, err := l.load(ctx, none, at)
		if err != nil {
			return nil, err
		}
		return l.loaded(value, at), nil
	}
	// The new value serves all callers, so the load goes on when the caller that
	// loads has gone. Otherwise clients that hang up early could keep all others from
	// the new value.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	returned := false
	defer func() {
		if !returned {
			l.failed(ctx, v, at, errPanic)
		}
	}()
	value, err := l.load(bounded, v.value, at)
	returned = true
	if err != nil {
		failed := l.failed(ctx, v, at, err)
		return failed, l.usableAt(failed, at)
	}
	if v.err != nil {
		l.logger.InfoContext(ctx, "keys are loaded again")
	}
	return l.loaded(value, at), nil
}

func (l *live[T]) loaded(value T, at time.Time) *version[T] {
	v := &version[T]{value: value, at: at}
	l.current.Store(v)
	return v
}

// failed keeps the value of v, and postpones the next attempt.
func (l *live[T]) failed(ctx context.Context, v *version[T], at time.Time, err error) *version[T] {
	next := &version[T]{value: v.value, at: v.at, err: err, retry: at.Add(min(l.reloadAfter, retryAfter))}
	if at.Before(v.at) {
		next.at = at // the clock was put back
	}
	if v.err == nil {
		l.logger.ErrorContext(ctx, "keys cannot be loaded", "cause", err.Error(), "usable_until", next.at.Add(l.usable))
	}
	l.current.Store(next)
	return next
}

var errPanic = errors.New("jws: the KeySource has panicked")

var errStale = errors.New("jws: the keys could not be loaded for too long")

// usableAt returns an error if v is too old for use.
func (l *live[T]) usableAt(v *version[T], at time.Time) error {
	switch {
	case l.load == nil || at.Sub(v.at) < l.usable:
		return nil
	case v.err == nil:
		return errStale
	}
	return fmt.Errorf("%w: %w", errStale, v.err)
}

// last returns the value that was last loaded, however old.
func (l *live[T]) last() T { return l.current.Load().value }
