package jws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// KeySource is where a [KeySet] that rotates has its keys from. [FileKeys] and
// [StoredKeys] are; a host whose keys are elsewhere, say in a KMS, writes its
// own. Its method is called from one goroutine at a time.
type KeySource interface {
	// Keys returns all keys in the order in which they sign, the oldest first.
	// A KeySet asks at the start, and again when it is used and what it has is
	// [Rotation.Reload] old, with a ctx of one second, which Keys heeds. A key
	// that comes with the same id and public key is the same key. An id is not
	// given to another key as long as the first one is published.
	//
	// The last key that has been published for [Rotation.Lead] signs. While there
	// is none, the one that has signed before goes on, or the first one begins.
	// So a new key stands behind the others.
	//
	// A key that is left out goes on being published for [Rotation.Keep], and if
	// it is the one that signs, it signs until another one does. Then twice
	// [Rotation.Lead] passes before the keys change again, unless all of them are
	// dated: replicas find the changes at different times.
	//
	// The Rotation is that of the KeySet, with its defaults.
	Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error)
}

// KeySourceFunc is a function that is a [KeySource].
type KeySourceFunc func(ctx context.Context, r Rotation, at time.Time) ([]Key, error)

// Keys calls f.
func (f KeySourceFunc) Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error) {
	return f(ctx, r, at)
}

// Rotation holds the durations from which all times of a key follow. All
// replicas have the same.
type Rotation struct {
	// TokenLifetime is the longest life of a token. A key is published that
	// long, and a little longer, after it has ceased to sign, see
	// [Rotation.Keep]. A token endpoint keeps its access tokens within it. If
	// zero, one hour; at least one second, at most a year.
	TokenLifetime time.Duration
	// CacheLifetime is how long verifiers may keep the JWKS: it is sent to them
	// as max-age. A key signs when it has been published that long and a little
	// longer, see [Rotation.Lead]. If zero, five minutes; at least one second,
	// at most a day.
	CacheLifetime time.Duration
	// Delay is how much later than the first process the last one can find a
	// change in its source: a mounted secret takes its time to reach every node,
	// a database may have replicas. If zero, as long as CacheLifetime; if
	// negative, none; at most a day.
	Delay time.Duration
	// Logger is told when keys cannot be loaded, and when they can again. If
	// nil, slog.Default().
	Logger *slog.Logger
}

// clockSkew is by how much the clocks of replicas may differ.
const clockSkew = 10 * time.Second

// Reload is the age at which what a KeySet has loaded is loaded again: a tenth
// of CacheLifetime, and 30 seconds at most.
func (r Rotation) Reload() time.Duration {
	return min(r.withDefaults().CacheLifetime/10, 30*time.Second)
}

// Lead is how long a key is published before it signs: CacheLifetime, twice
// Reload, Delay, and ten seconds in which the clocks of replicas may differ.
func (r Rotation) Lead() time.Duration { return r.complete() + r.delay() + clockSkew }

// Keep is how long a key is published after its successor has begun to sign, or
// its source has left it out: TokenLifetime and twice Lead. A replica may learn
// that late of a successor, and then wait that long for it.
func (r Rotation) Keep() time.Duration { return r.withDefaults().TokenLifetime + 2*r.Lead() }

// complete is how long after they were loaded keys are certain to be all that
// sign: any other was published later, by whatever replica.
func (r Rotation) complete() time.Duration { return r.withDefaults().CacheLifetime + 2*r.Reload() }

func (r Rotation) delay() time.Duration { return max(r.withDefaults().Delay, 0) }

func (r Rotation) withDefaults() Rotation {
	if r.TokenLifetime == 0 {
		r.TokenLifetime = time.Hour
	}
	if r.CacheLifetime == 0 {
		r.CacheLifetime = 5 * time.Minute
	}
	if r.Delay == 0 {
		r.Delay = r.CacheLifetime
	}
	if r.Logger == nil {
		r.Logger = slog.Default()
	}
	return r
}

func (r Rotation) check() error {
	var faults []error
	if r.TokenLifetime < time.Second || r.TokenLifetime > 365*24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.TokenLifetime is not between 1s and a year"))
	}
	if r.CacheLifetime < time.Second || r.CacheLifetime > 24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.CacheLifetime is not between 1s and a day"))
	}
	if r.Delay > 24*time.Hour {
		faults = append(faults, errors.New("jws: Rotation.Delay is over a day"))
	}
	return errors.Join(faults...)
}

// OpenKeySet returns a KeySet whose keys take turns, and loads them once, so
// that what [NewKeySet] would refuse is found at the start. If a later load fails,
// the set goes on with the keys that it has for CacheLifetime and twice
// [Rotation.Reload] after they were loaded, the time for which it is certain that
// no other replica signs with a key unknown to it. After that it neither signs nor
// verifies until its source answers. One that nobody has used for that long begins as it would at
// the start, except that keys which it knows need not wait again.
//
// It starts no goroutine. The keys are loaded by whoever uses the set when they
// are due, while others go on with those that are there. That takes the one
// caller a second at most, and after a failure the next attempt is five seconds
// away, or Reload if that is less.
func OpenKeySet(ctx context.Context, source KeySource, r Rotation, at time.Time) (*KeySet, error) {
	r = r.withDefaults()
	if err := r.check(); err != nil {
		return nil, err
	}
	if source == nil {
		return nil, errors.New("jws: the KeySource is nil")
	}
	s := &KeySet{rotation: r, schedule: newLive(r, func(ctx context.Context, before *schedule, at time.Time) (*schedule, error) {
		keys, err := source.Keys(ctx, r, at)
		if err != nil {
			return nil, fmt.Errorf("jws: load keys: %w", err)
		}
		if before == nil {
			before = new(schedule)
		}
		return before.next(keys, r, at)
	})}
	if _, err := s.schedule.get(ctx, at); err != nil {
		return nil, err
	}
	return s, nil
}
