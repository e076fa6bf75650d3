package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// live is a value that is loaded by whoever needs it when it is no longer
// fresh. One caller loads, the others go on with what is there, as long as it is
// usable. Between calls nothing runs.
type live[T any] struct {
	fresh, usable time.Duration
	logger        *slog.Logger
	// load gets the value before, or zero. If load is nil, the value stays.
	load func(ctx context.Context, before T, at time.Time) (T, error)

	current atomic.Pointer[version[T]]
	loading chan struct{} // of one place: who has it loads
}

// version is a value, when the loading of it began, and how the last attempt to
// load the next one ended.
type version[T any] struct {
	value T
	at    time.Time
	err   error
	retry time.Time // not before, after an error
}

// still returns a live value that stays as it is.
func still[T any](value T) *live[T] {
	l := new(live[T])
	l.current.Store(&version[T]{value: value})
	return l
}

func newLive[T any](r Rotation, load func(ctx context.Context, before T, at time.Time) (T, error)) *live[T] {
	return &live[T]{fresh: r.Reload(), usable: r.Lead(), logger: r.Logger, load: load, loading: make(chan struct{}, 1)}
}

// loadTimeout bounds an attempt to load, and with it what a source that hangs
// costs one request in retryAfter.
const (
	loadTimeout = time.Second
	retryAfter  = 5 * time.Second
)

// get returns the value as it is good for an instant.
func (l *live[T]) get(ctx context.Context, at time.Time) (*version[T], error) {
	v := l.current.Load()
	if l.load == nil || v != nil && (at.Sub(v.at) < l.fresh || at.Before(v.retry)) {
		return v, l.usableAt(v, at)
	}
	if v != nil && l.usableAt(v, at) == nil {
		select {
		case l.loading <- struct{}{}:
		default: // somebody is at it
			return v, nil
		}
	} else {
		select {
		case l.loading <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-l.loading }()
	if now := l.current.Load(); now != v { // while this one waited
		return now, l.usableAt(now, at)
	}
	return l.reload(ctx, v, at)
}

// reload loads the version after v. A panic of the source changes nothing.
func (l *live[T]) reload(ctx context.Context, v *version[T], at time.Time) (*version[T], error) {
	var before T
	bounded := ctx
	if v != nil {
		before = v.value
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, loadTimeout)
		defer cancel()
	}
	value, err := l.load(bounded, before, at)
	switch {
	case err == nil:
		if v != nil && v.err != nil {
			l.logger.InfoContext(ctx, "keys are loaded again")
		}
		next := &version[T]{value: value, at: at}
		l.current.Store(next)
		return next, nil
	case v == nil:
		return nil, err
	case ctx.Err() != nil: // the caller has gone, which says nothing of the source
		return v, l.usableAt(v, at)
	}
	if v.err == nil {
		l.logger.ErrorContext(ctx, "keys cannot be loaded", "cause", err.Error(), "usable_until", v.at.Add(l.usable))
	}
	failed := &version[T]{value: v.value, at: v.at, err: err, retry: at.Add(min(l.fresh, retryAfter))}
	l.current.Store(failed)
	return failed, l.usableAt(failed, at)
}

var errStale = errors.New("jws: the keys could not be loaded for too long")

// usableAt returns an error if v is too old.
func (l *live[T]) usableAt(v *version[T], at time.Time) error {
	switch {
	case l.load == nil || at.Sub(v.at) < l.usable:
		return nil
	case v.err == nil:
		return errStale
	}
	return fmt.Errorf("%w: %w", errStale, v.err)
}

// last returns what was loaded last, however old.
func (l *live[T]) last() T { return l.current.Load().value }
